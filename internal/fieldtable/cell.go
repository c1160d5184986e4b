package main

import "github.com/vmsteward/vmsteward/providers"

// The words of a cell, with what each means, in the order of the legend.
const (
	live     = "live"
	roomy    = "live, with room"
	restart  = "restart"
	anew     = "anew"
	creation = "creation"
	heeded   = "heeded"
	refused  = "refused"
	ignored  = "ignored"
	other    = "not for it"
	nothing  = "says what it is"
)

func legend() [][2]string {
	return [][2]string{
		{live, "Compared; a difference is corrected while the VM runs."},
		{roomy, "Likewise as far as the VM has room for it, and beyond that with a restart."},
		{restart, "Compared; a difference is corrected with a restart, which `disruption` rations."},
		{anew, "Compared; only a VM made anew has it otherwise, which is reported and never done by itself."},
		{creation, "Takes effect when the VM is made. It is not compared afterwards: what is changed later, here or there, is not noticed."},
		{heeded, "Says what else counts, or how something is done, from the next pass on."},
		{refused, "A VM whose manifest sets it is not made."},
		{ignored, "Has no effect. A manifest that sets it is named in a warning."},
		{other, "Speaks to another hypervisor."},
		{nothing, "Describes something, and asks for nothing."},
	}
}

// cell returns what a provider does about a field, in a word, and the note
// that limits it.
func cell(caps *providers.Capabilities, path string) (word, note string) {
	entry, ok := caps.Honours.Of(path)
	if !ok {
		return ignored, ""
	}
	switch entry.Act {
	case providers.Apply:
		return ability(caps, comparedBy(entry, path)), entry.Note
	case providers.AtCreation:
		return creation, entry.Note
	case providers.Follow:
		return heeded, entry.Note
	case providers.Refuse:
		return refused, entry.Note
	case providers.Elsewhere:
		return other, entry.Note
	case providers.Describe:
		return nothing, entry.Note
	case providers.Ignore:
		return ignored, entry.Note
	}
	return "", ""
}

// comparedBy returns the field that is compared for a path; empty: none.
func comparedBy(entry providers.Honour, path string) providers.Field {
	if entry.Field != "" {
		return entry.Field
	}
	f, _ := providers.Compared(path)
	return f
}

// ability words how a field can be changed; empty when it cannot be said.
func ability(caps *providers.Capabilities, f providers.Field) string {
	a, _ := caps.Ability(f)
	switch a {
	case providers.Live:
		return live
	case providers.LiveInHeadroom:
		return roomy
	case providers.Restart:
		return restart
	case providers.Replace, providers.Never:
		return anew
	}
	return ""
}
