package sdnotify

import (
	"context"
	"io"
	"log/slog"
)

// priorities are the journal's, from the least level to the highest.
var priorities = [...]struct {
	least  slog.Level
	prefix string
}{
	{slog.LevelError, "<3>"},
	{slog.LevelWarn, "<4>"},
	{slog.LevelInfo, "<6>"},
	{slog.Level(-1 << 30), "<7>"},
}

// journal hands each record to the handler of its priority.
type journal [len(priorities)]slog.Handler

// JournalHandler returns a handler for a service whose standard error is the
// journal: each line begins with its level's priority, which the journal takes
// off, so that "journalctl --priority=warning" finds what it should. build
// makes the handler that writes the lines, each in one call of Write.
func JournalHandler(w io.Writer, build func(io.Writer) slog.Handler) slog.Handler {
	var j journal
	for i, p := range priorities {
		j[i] = build(prefixed{w, p.prefix})
	}
	return j
}

func (j journal) of(level slog.Level) slog.Handler {
	for i, p := range priorities {
		if level >= p.least {
			return j[i]
		}
	}
	return j[len(j)-1]
}

// Enabled implements slog.Handler.
func (j journal) Enabled(ctx context.Context, level slog.Level) bool {
	return j.of(level).Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (j journal) Handle(ctx context.Context, r slog.Record) error {
	return j.of(r.Level).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (j journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i, h := range j {
		j[i] = h.WithAttrs(attrs)
	}
	return j
}

// WithGroup implements slog.Handler.
func (j journal) WithGroup(name string) slog.Handler {
	for i, h := range j {
		j[i] = h.WithGroup(name)
	}
	return j
}

// prefixed puts a prefix before every write.
type prefixed struct {
	w      io.Writer
	prefix string
}

func (p prefixed) Write(b []byte) (int, error) {
	n, err := p.w.Write(append([]byte(p.prefix), b...))
	return max(n-len(p.prefix), 0), err
}
