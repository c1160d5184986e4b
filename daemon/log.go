package daemon

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
)

// NewLogger builds the logger of the configuration: coloured text on a
// terminal, JSON otherwise, unless the format says. Under the journal, which
// stamps each line itself, lines carry no time of their own.
func NewLogger(c LogConfig, w io.Writer, terminal bool) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo
	}
	if c.Format == "text" || c.Format != "json" && terminal {
		return slog.New(tint.NewHandler(w, &tint.Options{
			Level: level, TimeFormat: time.DateTime, NoColor: !terminal || os.Getenv("NO_COLOR") != "",
		}))
	}
	journal := os.Getenv("JOURNAL_STREAM") != ""
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if journal && len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
