package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vmsteward/vmsteward/providers/conformance"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

// verdictWidth is the width of the longest outcome.
const verdictWidth = len(conformance.NotTried)

// renderVerdict prints one verdict: a line, and below it what was promised and
// seen if it is no good news.
func renderVerdict(w io.Writer, v conformance.Verdict, s style) {
	word := pad(string(v.Outcome), verdictWidth)
	indent := strings.Repeat(" ", verdictWidth+2)
	switch v.Outcome {
	case conformance.Kept:
		fmt.Fprintf(w, "%s  %s\n", s.good(word), v.Name)
	case conformance.NotTried:
		fmt.Fprintf(w, "%s  %s  %s\n", s.faint(word), v.Name, s.faint(printable(v.Seen)))
	default:
		fmt.Fprintf(w, "%s  %s\n", s.bad(word), s.bold(v.Name))
		fmt.Fprintln(w, s.hang(indent, v.Promise))
		fmt.Fprintln(w, s.hang(indent+"seen: ", printable(v.Seen)))
	}
}

// renderConformance prints what the verdicts come to.
func renderConformance(w io.Writer, rep *conformance.Report, s style) {
	fmt.Fprintf(w, "\n%s: %d kept, %d broken, %d not tried\n", printable(rep.Endpoint), rep.Kept, rep.Broken, rep.NotTried)
	switch {
	case rep.LeftUnknown != "":
		fmt.Fprintln(w, s.hang(s.note("what is left there cannot be told: "), printable(rep.LeftUnknown)))
	case len(rep.Left) > 0:
		fmt.Fprintln(w, s.hang(s.note("left behind: "), printable(strings.Join(rep.Left, ", "))))
	default:
		fmt.Fprintln(w, "nothing is left behind")
	}
}

// tryingNow returns what shows on a terminal which promise is being tried.
func (a *app) tryingNow() func(providertest.Check, int, int) {
	if !a.errTTY {
		return nil
	}
	return func(c providertest.Check, i, of int) { fmt.Fprintf(a.err, "\r\x1b[K%d/%d %s ", i+1, of, c.Name) }
}

func (a *app) tryingNothing() {
	if a.errTTY {
		fmt.Fprint(a.err, "\r\x1b[K")
	}
}
