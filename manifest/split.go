package manifest

import (
	"bytes"
	"unicode/utf8"
)

// source is the text of one YAML document with its place in a file.
type source struct {
	file   string
	text   []byte // a part of the file; shared, never written
	before int    // lines of the file before text
	lines  int    // lines of the whole file
	odd    bool   // the file has line breaks that YAML counts and editors do not
}

// splitDocuments cuts a YAML stream where documents begin ("---" in the first
// column) and end ("..."), so that a fault in one does not lose the others. A
// part that holds only comments and directives is left out.
func splitDocuments(file string, data []byte) []*source {
	whole := source{file: file, lines: bytes.Count(data, []byte{'\n'}) + 1, odd: hasOddBreaks(data)}
	var parts []*source
	start, startLine, line := 0, 0, 0
	cut := func(end int) {
		if text := data[start:end]; !blankDocument(text) {
			part := whole
			part.text, part.before = text, startLine
			parts = append(parts, &part)
		}
	}
	for pos := 0; pos < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			next = pos + i + 1
		}
		switch {
		case isMarker(data[pos:next], "---"):
			cut(pos)
			start, startLine = pos, line
		case isMarker(data[pos:next], "..."):
			cut(pos)
			start, startLine = next, line+1
		}
		pos = next
	}
	cut(len(data))
	return parts
}

// isMarker tells whether a line is the marker, alone or followed by a blank.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// blankDocument tells whether a part of a stream has nothing but blanks,
// comments, directives and its own marker.
func blankDocument(text []byte) bool {
	for line := range bytes.Lines(text) {
		if isMarker(line, "---") {
			line = line[3:]
		} else if line[0] == '%' {
			continue
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// hasOddBreaks looks for a carriage return on its own and for the line breaks
// of Unicode.
func hasOddBreaks(data []byte) bool {
	for i, c := range data {
		switch c {
		case '\r':
			if i+1 == len(data) || data[i+1] != '\n' {
				return true
			}
		case 0xC2, 0xE2:
			switch r, _ := utf8.DecodeRune(data[i:]); r {
			case '\u0085', '\u2028', '\u2029':
				return true
			}
		}
	}
	return false
}

// position turns a line and column of the document into those of the file.
func (s *source) position(line, column int) Position {
	p := Position{File: s.file, Line: min(max(line, 1)+s.before, s.lines), Column: max(column, 0)}
	if s.odd {
		p.Column = 0
	}
	return p
}
