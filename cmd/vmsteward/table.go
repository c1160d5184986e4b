package main

import (
	"fmt"
	"io"
	"strings"
)

// table writes rows in aligned columns. Cells may be coloured. The last column
// is not filled up, and with prose it is wrapped when the width is known.
type table struct {
	style
	prose bool
	rows  [][]string
}

// head adds the row of titles.
func (t *table) head(titles ...string) {
	for i, title := range titles {
		titles[i] = t.faint(title)
	}
	t.rows = append(t.rows, titles)
}

// row adds a row. Cells beyond the first row's length are not allowed.
func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

const gutter = 2

// print writes the table.
func (t *table) print(w io.Writer) {
	widths := t.widths()
	for _, row := range t.rows {
		var line strings.Builder
		last := len(row) - 1
		for last > 0 && row[last] == "" {
			last--
		}
		for i, cell := range row[:last] {
			line.WriteString(pad(cell, widths[i]+gutter))
		}
		text := line.String()
		if t.prose && last == len(widths)-1 {
			text = t.hang(text, row[last])
		} else {
			text += row[last]
		}
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
}

// widths is how many columns each column of the table takes.
func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell))
		}
	}
	return widths
}
