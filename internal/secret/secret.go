// Package secret holds values that must not be printed. It owns one type whose
// every printed form is a redaction; it knows nothing of where a secret comes
// from or where it is sent. It is tested by printing it in every way the
// standard library offers.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "(redacted)"

// Text is a secret string. The zero value is an empty secret. Its content is
// reached by Reveal alone; printing, logging and encoding give a redaction.
type Text struct{ s string }

// New wraps s.
func New(s string) Text { return Text{s} }

// Reveal returns the content. Call it on the line that sends the secret.
func (t Text) Reveal() string { return t.s }

// Empty tells whether there is no content.
func (t Text) Empty() bool { return t.s == "" }

// String implements fmt.Stringer.
func (t Text) String() string {
	if t.s == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer, for %#v.
func (t Text) GoString() string { return t.String() }

// Format implements fmt.Formatter, so that no verb reaches the content.
func (t Text) Format(f fmt.State, _ rune) { fmt.Fprint(f, t.String()) }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use too.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Text) UnmarshalText(b []byte) error {
	t.s = string(b)
	return nil
}

// Set is a bag of named secrets, such as the keys of one credential.
type Set map[string]Text

// First returns the first of the named entries that is not empty.
func (s Set) First(names ...string) Text {
	for _, n := range names {
		if v := s[n]; !v.Empty() {
			return v
		}
	}
	return Text{}
}
