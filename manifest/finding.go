package manifest

import (
	"cmp"
	"slices"
)

// Severity says whether a finding keeps its document from being used.
type Severity string

// The severities. A document with an Error is not used: the VMs that need it
// are held. A Warning changes nothing but should be read by somebody.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing to say about one place in the tree. No part of it holds
// the content of a Secret or of first-boot data.
type Finding struct {
	At       Position `json:"at"`
	Severity Severity `json:"severity"`
	Kind     string   `json:"kind,omitempty"`  // of the document, when known
	Object   Key      `json:"object,omitzero"` // of the document, when known
	Field    string   `json:"field,omitempty"` // such as "spec.disks[1].sizeGiB"; empty: the document
	Message  string   `json:"message"`         // a fragment that names what is wrong
	Hint     string   `json:"hint,omitempty"`  // what a person can do about it
}

// String returns one line for people: place, severity, field, message, hint.
func (f Finding) String() string {
	s := f.At.String() + ": " + string(f.Severity) + ": "
	if f.Field != "" {
		s += f.Field + ": "
	}
	s += f.Message
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// compareFindings orders by place, then severity, field and text, so that the
// order of discovery does not show. Only equal findings compare as equal.
func compareFindings(a, b Finding) int {
	return cmp.Or(
		comparePositions(a.At, b.At),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Hint, b.Hint),
		cmp.Compare(a.Kind, b.Kind),
		a.Object.Compare(b.Object),
	)
}

func comparePositions(a, b Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// sortFindings sorts in place and drops exact repetitions.
func sortFindings(fs []Finding) []Finding {
	slices.SortStableFunc(fs, compareFindings)
	return slices.Compact(fs)
}

func hasErrors(fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == Error })
}
