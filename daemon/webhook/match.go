package webhook

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const (
	heads = "refs/heads/"
	tags  = "refs/tags/"
)

// public are hosts where nobody runs a forge of their own.
var public = []string{"github.com", "gitlab.com", "bitbucket.org", "dev.azure.com"}

// interest is what we want to be woken for.
type interest struct {
	repositories []string // normalised; empty: any
	branch       string   // short; empty: any
	tagsToo      bool
}

// match finds the change that is ours. An empty reason means there is one.
func (i interest) match(e event) (repository string, c change, reason string) {
	repository, reason = i.matchRepository(e)
	if reason != "" {
		return repository, c, reason
	}
	c, reason = i.matchChange(e)
	return repository, c, reason
}

func (i interest) matchRepository(e event) (string, string) {
	var got []string
	for _, a := range e.addresses {
		if name := Normalise(a); name != "" && !slices.Contains(got, name) {
			got = append(got, name)
		}
	}
	for _, name := range got {
		if len(i.repositories) == 0 || slices.Contains(i.repositories, name) {
			return name, ""
		}
	}
	if len(got) == 0 && e.tail != "" {
		got = append(got, "(any host)/"+e.tail)
		for _, ours := range i.repositories {
			host, _, _ := strings.Cut(ours, "/")
			if strings.HasSuffix(ours, "/"+e.tail) && !slices.Contains(public, host) {
				return ours, ""
			}
		}
	}
	switch {
	case len(got) == 0 && e.incomplete && len(e.addresses) == 0, len(got) > 0 && len(i.repositories) == 0:
		return strings.Join(got, ""), ""
	case len(got) == 0:
		return "", "the delivery names no repository"
	}
	return got[0], fmt.Sprintf("repository differs: got %s, ours %s",
		clean(strings.Join(got, " or ")), clean(strings.Join(i.repositories, " or ")))
}

func (i interest) matchChange(e event) (change, string) {
	if len(e.changes) == 0 && e.incomplete {
		return change{}, ""
	}
	reason := "the delivery names no ref"
	for n, c := range e.changes {
		why := i.refuses(c, e.incomplete)
		if why == "" {
			return c, ""
		}
		if n == 0 {
			reason = why
		}
	}
	if more := len(e.changes) - 1; more > 0 {
		reason += fmt.Sprintf(" (and %d more refs, none of them ours)", more)
	}
	return change{}, reason
}

// refuses says why a change is not ours; empty: it is.
func (i interest) refuses(c change, incomplete bool) string {
	tag, isTag := strings.CutPrefix(c.ref, tags)
	branch, isBranch := strings.CutPrefix(c.ref, heads)
	if !isBranch && !strings.HasPrefix(c.ref, "refs/") {
		isBranch = true // written short
	}
	switch {
	case c.ref == "" && incomplete:
		return ""
	case c.ref == "":
		return "the delivery names no ref"
	case c.deleted:
		return "ref was deleted: " + clean(c.ref)
	case isTag && !i.tagsToo:
		return fmt.Sprintf("ref differs: got tag %s, tags are not watched", clean(tag))
	case isTag:
		return ""
	case !isBranch:
		return "ref differs: got " + clean(c.ref) + ", which is neither branch nor tag"
	case i.branch != "" && branch != i.branch:
		return fmt.Sprintf("branch differs: got %s, ours %s", clean(branch), clean(i.branch))
	}
	return ""
}

const maxClean = 200 // characters of foreign text in a log line or an answer

// clean makes foreign text fit for a log: short, printable, on one line.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > maxClean {
			b.WriteString("...")
			break
		}
		if unprintable(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// cleanCommit lets nothing through but the digits of a commit.
func cleanCommit(s string) string {
	if len(s) != 40 && len(s) != 64 || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return ""
	}
	return strings.ToLower(s)
}
