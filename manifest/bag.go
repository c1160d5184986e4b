package manifest

import "slices"

// bag is a number of findings, some of them several times: many VMs may say the
// same of one class. The zero value is an empty bag.
type bag struct {
	findings []Finding // sorted, each once; handed out, and never changed in place
	counts   []int32   // how often each was put in
}

// change is a finding that is put in (positive) or taken out so many times.
type change struct {
	Finding
	n int32
}

// exchange takes findings out, all of which must be in, and puts others in.
func (b *bag) exchange(gone, come []Finding) {
	changes := netChanges(gone, come)
	if len(changes) == 0 {
		return
	}
	size := len(b.findings) + len(changes)
	next := bag{make([]Finding, 0, size), make([]int32, 0, size)}
	i := 0
	for _, c := range changes {
		at, known := slices.BinarySearchFunc(b.findings[i:], c.Finding, compareFindings)
		next.findings = append(next.findings, b.findings[i:i+at]...)
		next.counts = append(next.counts, b.counts[i:i+at]...)
		if i += at; known {
			c.n += b.counts[i]
			i++
		}
		if c.n > 0 {
			next.findings, next.counts = append(next.findings, c.Finding), append(next.counts, c.n)
		}
	}
	next.findings = slices.Clip(append(next.findings, b.findings[i:]...))
	next.counts = slices.Clip(append(next.counts, b.counts[i:]...))
	if len(next.findings) == 0 {
		next = bag{}
	}
	*b = next
}

// netChanges sorts what is put in and taken out, without what is both.
func netChanges(gone, come []Finding) []change {
	all := make([]change, 0, len(gone)+len(come))
	for _, f := range gone {
		all = append(all, change{f, -1})
	}
	for _, f := range come {
		all = append(all, change{f, 1})
	}
	slices.SortFunc(all, func(a, b change) int { return compareFindings(a.Finding, b.Finding) })
	net := all[:0]
	for _, c := range all {
		if last := len(net) - 1; last >= 0 && net[last].Finding == c.Finding {
			net[last].n += c.n
		} else {
			net = append(net, c)
		}
	}
	return slices.DeleteFunc(net, func(c change) bool { return c.n == 0 })
}
