package sdnotify

import (
	"bytes"
	"io"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJournalHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(JournalHandler(&out, func(w io.Writer) slog.Handler {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug,
			ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
					return slog.Attr{}
				}
				return a
			}})
	}))
	log.Debug("a")
	log.Info("b", "text", "two\nlines")
	log.With("component", "daemon").Warn("c")
	log.WithGroup("g").Error("d", "k", 1)
	log.Log(t.Context(), slog.LevelError+4, "e")
	log.Log(t.Context(), slog.LevelDebug-4, "not enabled")
	want := `<7>{"msg":"a"}
<6>{"msg":"b","text":"two\nlines"}
<4>{"msg":"c","component":"daemon"}
<3>{"msg":"d","g":{"k":1}}
<3>{"msg":"e"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
