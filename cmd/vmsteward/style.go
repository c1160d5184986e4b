package main

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is how text looks: its colours and the width it must fit into.
type style struct {
	colour bool
	width  int // columns; 0: lines are not wrapped
}

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string  { return s.paint("1", text) }
func (s style) faint(text string) string { return s.paint("2", text) }
func (s style) good(text string) string  { return s.paint("32", text) }
func (s style) note(text string) string  { return s.paint("33", text) }
func (s style) bad(text string) string   { return s.paint("31", text) }
func (s style) cold(text string) string  { return s.paint("36", text) }
func (s style) odd(text string) string   { return s.paint("35", text) }

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// columns counts the columns that a text takes on a terminal.
func columns(text string) int { return utf8.RuneCountInString(escapes.ReplaceAllString(text, "")) }

// pad fills a text up with blanks.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// printable replaces what would move the cursor or colour the terminal: texts
// come from manifests, hypervisors and commit messages.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, text)
}

// wrap breaks a text at blanks into lines of at most width columns; a word
// that is longer stays whole, so that it can be copied. Zero: one line.
func wrap(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// room is what is left of the width behind an indent; 0: no limit.
func (s style) room(indent int) int {
	if s.width == 0 {
		return 0
	}
	return max(20, s.width-indent)
}

// hang writes a text behind a first prefix, its further lines below its start.
func (s style) hang(prefix, text string) string {
	indent := columns(prefix)
	return prefix + strings.Join(wrap(text, s.room(indent)), "\n"+strings.Repeat(" ", indent))
}
