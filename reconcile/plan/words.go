package plan

import (
	"strconv"
	"strings"
)

// absent is how a thing that is not there is written.
const absent = "absent"

// present is how a machine that is there is written.
const present = "present"

func mib(n int64) string {
	if n%1024 == 0 && n > 0 {
		return strconv.FormatInt(n/1024, 10) + " GiB"
	}
	return strconv.FormatInt(n, 10) + " MiB"
}

func gib(n int) string { return strconv.Itoa(n) + " GiB" }

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// short renders a digest for people.
func short(digest string) string {
	_, hex, ok := strings.Cut(digest, ":")
	if !ok {
		hex = digest
	}
	return hex[:min(12, len(hex))]
}

func named(kind, name, field string) string {
	if field == "" {
		return kind + "[" + name + "]"
	}
	return kind + "[" + name + "]." + field
}
