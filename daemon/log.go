package daemon

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"

	"github.com/vmsteward/vmsteward/internal/sdnotify"
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
	if os.Getenv("JOURNAL_STREAM") == "" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(sdnotify.JournalHandler(w, func(w io.Writer) slog.Handler {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: timeless})
	}))
}

// timeless drops the line's own time.
func timeless(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
