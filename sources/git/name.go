package git

import (
	"strings"
	"unicode"

	"github.com/Masterminds/semver/v3"
)

// short names a reference as people do.
func short(name string) string {
	if n, ok := strings.CutPrefix(name, heads); ok {
		return "branch " + n
	}
	if n, ok := strings.CutPrefix(name, tags); ok {
		return "tag " + n
	}
	return name
}

// lower tells whether tag a is a lower version than tag b.
func lower(a, b string) bool {
	va, errA := semver.NewVersion(strings.TrimPrefix(a, tags))
	vb, errB := semver.NewVersion(strings.TrimPrefix(b, tags))
	return errA == nil && errB == nil && va.LessThan(vb)
}

// title is the first line of a commit message.
func title(message string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return printable(strings.TrimSpace(first))
}

// printable drops what could play tricks on a terminal or a log: anybody who may
// push writes these texts.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
