package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The elements of a JUnit report that test dashboards read.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Stamp    string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
		Out      string      `xml:"system-out,omitempty"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as test dashboards read it. A promise that could not
// be tried is a skipped test.
func (r *Report) JUnit(w io.Writer) error {
	s := junitSuite{
		Name: r.Endpoint, Tests: len(r.Verdicts), Failures: r.Broken, Skipped: r.NotTried,
		Time: inSeconds(r.TookMS), Stamp: r.Begun.Format(time.RFC3339),
	}
	if len(r.Left) > 0 {
		s.Out = "left behind: " + strings.Join(r.Left, ", ")
	}
	for _, v := range r.Verdicts {
		c := junitCase{Class: "provider", Name: v.Name, Time: inSeconds(v.TookMS)}
		switch v.Outcome {
		case Broken:
			c.Failure = &junitMessage{Message: v.Promise, Text: v.Seen}
		case NotTried:
			c.Skipped = &junitMessage{Message: v.Seen}
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func inSeconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
