package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

func kinds() []string {
	return []string{manifest.KindVirtualMachine, manifest.KindVMClass, manifest.KindVMImage, manifest.KindVMNetworkAttachment}
}

const preface = `# What becomes of each field

What each provider does about each field of a manifest. This page is made from the code by ` + "`make gen`" + `, and a test fails when it
is out of date. A number points to a note below the table; what the note leaves out is ignored. ` + "`memory`" + ` is the hypervisor of
the tests.

`

const wirePreface = `
# Through a provider server

A server that speaks vmsteward's own protocol states all of the above itself: a provider behind it does what it does when it is
built in. A server that speaks ` + "`provider.v1`" + ` alone can be told less and tells less: ` + "`vmsteward`" + ` is our own, whatever is behind it, the
others are VirtRigaud's.
`

// page returns the whole of docs/fields.md.
func page(columns, bare []column) string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("| word | meaning |\n|---|---|\n")
	for _, row := range legend() {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	for _, kind := range kinds() {
		section(&b, kind, kind, columns)
	}
	b.WriteString(wirePreface)
	for _, kind := range kinds() {
		section(&b, kind+" by provider.v1", kind, bare)
	}
	return b.String()
}

// section writes the table of one kind, and the notes to it.
func section(b *strings.Builder, title, kind string, columns []column) {
	fmt.Fprintf(b, "\n## %s\n\n| field of `spec` |", title)
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	var notes []string
	for f := range manifest.Fields(kind) {
		fmt.Fprintf(b, "| `%s` |", strings.TrimPrefix(f.Path, kind+".spec."))
		for i := range columns {
			word, note := cell(columns[i].caps, f.Path)
			b.WriteString(" " + word)
			if note != "" {
				at := slices.Index(notes, note)
				if at < 0 {
					at, notes = len(notes), append(notes, note)
				}
				fmt.Fprintf(b, " (%d)", at+1)
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	if len(notes) > 0 {
		b.WriteString("\n")
	}
	for i, note := range notes {
		fmt.Fprintf(b, "%d. %s\n", i+1, note)
	}
}
