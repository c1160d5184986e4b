package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// span writes a duration with one unit, as coarse as people speak.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + "s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0fm", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0fh", d.Hours())
	}
	return fmt.Sprintf("%.0fd", d.Hours()/24)
}

// ago writes an instant relative to now; the zero time is a dash.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case t.IsZero():
		return "-"
	case d >= time.Second:
		return span(d.Truncate(time.Second)) + " ago"
	case d > -time.Second:
		return "just now"
	default:
		return "in " + span((-d).Round(time.Second))
	}
}

// shortRevision shortens what looks like a commit, so that it can still be
// copied into other tools.
func shortRevision(rev string) string {
	const enough, hexDigits = 12, "0123456789abcdef"
	name, sum, ok := strings.Cut(rev, ":")
	if !ok {
		name, sum = "", rev
	}
	if len(sum) >= 40 && strings.Trim(sum, hexDigits) == "" {
		sum = sum[:enough]
	}
	if ok {
		return name + ":" + sum
	}
	return sum
}

// sentence makes a sentence of a reason. The first letter is raised only where
// it begins an ordinary word: it may also be the name of a machine.
func sentence(reason string) string {
	if reason == "" {
		return ""
	}
	first, _, _ := strings.Cut(reason, " ")
	switch first {
	case "it", "its", "a", "an", "the", "what", "provider", "drift", "nothing", "somebody":
		reason = strings.ToUpper(reason[:1]) + reason[1:]
	}
	return strings.TrimSuffix(reason, ".") + "."
}

// printJSON writes a value for scripts.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
