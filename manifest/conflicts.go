package manifest

import (
	"fmt"
	"slices"
	"unique"
)

// claim is something on one provider that only one VM can have.
type claim struct {
	provider unique.Handle[Key]
	network  unique.Handle[Key] // of an address; the zero Key's otherwise
	what     claimed
	text     string
}

// claimed is what a claim is for.
type claimed uint8

const (
	claimedName    claimed = iota
	claimedMAC             // a hardware address
	claimedAddress         // a guest's address on a network
)

func (c claimed) String() string {
	return [...]string{"name", "hardware address", "address"}[c]
}

// severity says what becomes of several VMs with one claim: equal names and
// hardware addresses hold them, for they cannot live beside each other. Equal
// guest addresses do not, for a guest may not use them at the same time.
func (c claimed) severity() Severity {
	if c == claimedAddress {
		return Warning
	}
	return Error
}

// claims calls fn for everything that a candidate needs for itself. A candidate
// that is held claims as well, for its VM may exist.
func (c *candidate) claims(fn func(claim)) {
	if c.provider() == (Key{}) {
		return
	}
	provider := unique.Make(c.provider())
	fn(claim{provider: provider, what: claimedName, text: c.key.Name})
	if c.vm == nil {
		for _, m := range c.faults.macs {
			fn(claim{provider: provider, what: claimedMAC, text: m})
		}
		return
	}
	for i := range c.vm.NICs {
		nic := &c.vm.NICs[i]
		if nic.MAC != "" {
			fn(claim{provider: provider, what: claimedMAC, text: nic.MAC})
		}
		if nic.Network != nil && nic.Static != nil {
			fn(claim{provider: provider, network: unique.Make(nic.Network.Key), what: claimedAddress, text: nic.Static.Address})
		}
	}
}

// claim enters what a candidate claims.
func (t *turn) claim(c *candidate) {
	c.claims(func(cl claim) {
		rivals := t.resolution.claims[cl]
		i, known := slices.BinarySearchFunc(rivals, c.key, compareCandidate)
		if known {
			return // claimed twice by the same
		}
		t.resolution.claims[cl] = slices.Insert(rivals, i, c)
		if len(rivals) > 0 {
			t.crowded[cl] = true
		}
	})
}

// unclaim takes back what a candidate claims.
func (t *turn) unclaim(c *candidate) {
	c.claims(func(cl claim) {
		rivals := t.resolution.claims[cl]
		i, known := slices.BinarySearchFunc(rivals, c.key, compareCandidate)
		switch {
		case !known:
		case len(rivals) == 1:
			delete(t.resolution.claims, cl)
		default:
			t.resolution.claims[cl] = slices.Delete(rivals, i, i+1)
			t.crowded[cl] = true
		}
	})
}

func compareCandidate(c *candidate, key Key) int { return c.key.Compare(key) }

// conflicts says anew of everybody who claims, or claimed, the same as others
// which of the others are in the way.
func (t *turn) conflicts() {
	seen := make(map[*candidate]bool)
	for cl := range t.crowded {
		for _, c := range t.resolution.claims[cl] {
			if !seen[c] {
				seen[c] = true
				t.clashes(c)
			}
		}
	}
}

// clashes finds out with whom a candidate cannot live.
func (t *turn) clashes(c *candidate) {
	var clashes []Finding
	c.claims(func(cl claim) {
		rivals := t.resolution.claims[cl]
		if i, known := slices.BinarySearchFunc(rivals, c.key, compareCandidate); known && len(rivals) > 1 {
			clashes = append(clashes, cl.finding(c, rivals[(i+1)%len(rivals)]))
		}
	})
	clashes = sortFindings(clashes)
	if c.faults == nil {
		if len(clashes) == 0 {
			return
		}
		c.faults = &faults{}
	}
	t.gone, t.come = append(t.gone, c.faults.clashes...), append(t.come, clashes...)
	c.faults.clashes, c.faults.all = clashes, nil
}

func (cl claim) finding(c, other *candidate) Finding {
	return Finding{
		At: c.docs[0].At, Severity: cl.what.severity(), Kind: KindVirtualMachine, Object: c.key,
		Message: fmt.Sprintf("%s %s is wanted by %s at %s too, on the same provider %s",
			cl.what, cl.text, other.key, other.docs[0].At, cl.provider.Value()),
		Hint: "change one of them",
	}
}
