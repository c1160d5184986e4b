package manifest

import "slices"

// candidate is one wanted VirtualMachine and what became of it.
type candidate struct {
	key    Key
	docs   []*Document // in order of place; none: it is no longer wanted; more than one: declared more than once
	needs  []*object   // what was looked up and found
	missed kindSet     // of what was looked up and not found
	stale  bool        // it is to be built again
	vm     *VM         // nil: it cannot be resolved as written
	faults *faults     // nil: there is nothing to say of it
}

// faults is what is to be said of a candidate, and what it claims although it
// cannot be resolved.
type faults struct {
	provider Key       // zero when it is not known; that of the VM counts, if there is one
	macs     []string  // likewise
	errors   []Finding // why it cannot be resolved
	warnings []Finding
	clashes  []Finding // with other candidates, Errors and Warnings
	all      []Finding // why it is held, in order of place
}

func (c *candidate) provider() Key {
	switch {
	case c.vm != nil:
		return c.vm.Provider
	case c.faults != nil:
		return c.faults.provider
	}
	return Key{}
}

// held tells whether it must not be acted on.
func (c *candidate) held() bool {
	return c.vm == nil || c.faults != nil && hasErrors(c.faults.clashes)
}

// reasons says why it is held.
func (c *candidate) reasons() []Finding {
	if c.faults == nil {
		return nil
	}
	if c.faults.all == nil {
		all := slices.Clone(c.faults.errors)
		for _, f := range c.faults.clashes {
			if f.Severity == Error {
				all = append(all, f)
			}
		}
		c.faults.all = sortFindings(all)
	}
	return c.faults.all
}

// dependsOn tells whether a turn changes something that it looked up.
func (c *candidate) dependsOn(t *turn) bool {
	return c.missed&t.kinds != 0 || slices.ContainsFunc(c.needs, func(o *object) bool { return o.touched })
}

// take makes a draft the state of the candidate. A VM that came out as it was
// stays the one that it was.
func (c *candidate) take(d *draft) {
	if was, is := c.vm, d.vm; was != nil && is != nil && was.Digest == is.Digest && was.At == is.At {
		d.vm = was
	}
	if slices.Equal(c.needs, d.needs) {
		d.needs = c.needs
	}
	c.vm, c.needs, c.missed, c.faults = d.vm, d.needs, d.missed, nil
	if len(d.errors)+len(d.warnings) > 0 || d.vm == nil {
		c.faults = &faults{provider: d.provider, macs: d.macs, errors: d.errors, warnings: d.warnings}
	}
}
