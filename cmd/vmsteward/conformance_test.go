package main

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/providers/conformance"
)

func TestRenderConformance(t *testing.T) {
	rep := &conformance.Report{
		Endpoint: "grpc://kvm1:9443", Kept: 1, Broken: 1, NotTried: 1,
		Verdicts: []conformance.Verdict{
			{Name: "a-holds", Promise: "A holds.", Outcome: conformance.Kept},
			{Name: "b-holds", Promise: "B holds, whatever becomes of the others, and for as long as anybody looks.", Outcome: conformance.Broken, Seen: "it did\x1b[2J not"},
			{Name: "c-holds", Promise: "C holds.", Outcome: conformance.NotTried, Seen: "the target has no C"},
		},
		Left: []string{"VM pt-b-holds-a"},
	}
	for name, s := range map[string]style{"conformance/unwrapped.txt": {}, "conformance/80-colour.txt": {width: 80, colour: true}} {
		var b strings.Builder
		for _, v := range rep.Verdicts {
			renderVerdict(&b, v, s)
		}
		renderConformance(&b, rep, s)
		golden(t, name, b.String())
	}
}
