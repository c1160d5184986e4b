package seed

import (
	"os"
	"strings"
	"testing"
)

// TestThePageSaysWhatIsKnown: the table of docs/provider-v1.md is that of the
// code.
func TestThePageSaysWhatIsKnown(t *testing.T) {
	page, err := os.ReadFile("../../../docs/provider-v1.md")
	if err != nil {
		t.Fatal(err)
	}
	yes := func(is bool) string {
		if is {
			return "yes"
		}
		return "no"
	}
	for _, row := range []struct {
		head string
		cell func(*Peer) string
	}{
		{"interfaces that a creation plugs in", func(p *Peer) string {
			if p.NICs == 1 {
				return "1"
			}
			return "all"
		}},
		{"further disks at creation", func(p *Peer) string { return yes(p.Disks) }},
		{"CPUs and memory in ListVMs", func(p *Peer) string {
			switch {
			case p.Listed.Sizes:
				return "true"
			case p.Listed.Maxima:
				return "the maximum"
			}
			return "constant"
		}},
		{"a VM runs after its creation", func(p *Peer) string { return yes(p.Starts) }},
		{"a name that is taken", func(p *Peer) string {
			switch {
			case p.Adopts:
				return "that VM is taken for its own"
			case p.Doubles:
				return "a second VM"
			case p.Ours:
				return "refused"
			}
			return "–"
		}},
		{"`exists=false` may mean \"could not look\"", func(p *Peer) string {
			if p.Denies {
				return "an error instead"
			}
			return yes(p.Falsely)
		}},
	} {
		cells := []string{row.head, row.cell(PeerOf("libvirt", Banner))}
		for _, kind := range []string{"vsphere", "libvirt", "proxmox", "mock", "demo"} {
			cells = append(cells, row.cell(PeerOf(kind, "")))
		}
		if line := "| " + strings.Join(cells, " | ") + " |\n"; !strings.Contains(string(page), line) {
			t.Errorf("the page does not say\n%s", line)
		}
	}
}
