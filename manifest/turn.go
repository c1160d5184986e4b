package manifest

import (
	"cmp"
	"slices"
)

// turn is the way of a resolution from one tree to another. Its steps are
// called in the order in which they stand here.
type turn struct {
	*resolution
	touched []*object          // what changes
	kinds   kindSet            // theirs
	stale   []*candidate       // what is to be built again
	crowded map[claim]bool     // what several candidates claim or claimed
	rosters map[string]*roster // what there is now
	gone    []Finding          // no longer said
	come    []Finding          // newly said
}

// documents takes out the documents that are gone and puts in those that come.
func (t *turn) documents(d *difference) {
	gone := make(map[*Document]bool)
	var edits []*Document
	for _, f := range d.gone {
		for _, doc := range f.documents {
			t.gone, gone[doc] = append(t.gone, idle(doc)...), true
		}
		t.gone, edits = append(t.gone, f.findings...), append(edits, f.documents...)
	}
	for _, f := range d.come {
		for _, doc := range f.documents {
			t.come = append(t.come, idle(doc)...)
		}
		t.come, edits = append(t.come, f.findings...), append(edits, f.documents...)
	}
	slices.SortStableFunc(edits, func(a, b *Document) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Key.Compare(b.Key)) })
	var fresh []*candidate
	for len(edits) > 0 {
		n := sameObject(edits)
		first, come := edits[0], slices.DeleteFunc(slices.Clone(edits[:n]), func(doc *Document) bool { return gone[doc] })
		switch edits = edits[n:]; {
		case first.Key.Name == "":
		case first.Kind == KindVirtualMachine:
			fresh = append(fresh, t.virtualMachine(first.Key, gone, come)...)
		default:
			t.object(first.Kind, first.Key, gone, come)
		}
	}
	t.merge(fresh)
}

// sameObject counts the documents at the beginning that are of one kind and key.
func sameObject(docs []*Document) int {
	n := 1
	for n < len(docs) && docs[n].Kind == docs[0].Kind && docs[n].Key == docs[0].Key {
		n++
	}
	return n
}

// object changes the documents of one object.
func (t *turn) object(kind string, key Key, gone map[*Document]bool, come []*Document) {
	ob := t.objects.make(kind, key)
	ob.touched, ob.images, ob.network = true, nil, nil
	t.touched = append(t.touched, ob)
	t.kinds.add(kind)
	t.gone = append(t.gone, duplicates(ob.docs)...)
	ob.docs = exchange(ob.docs, gone, come)
	t.come = append(t.come, duplicates(ob.docs)...)
	if len(ob.docs) == 0 {
		t.objects.forget(kind, key)
	}
}

// virtualMachine changes the documents of one candidate, which it returns if it
// is a new one.
func (t *turn) virtualMachine(key Key, gone map[*Document]bool, come []*Document) []*candidate {
	if i, known := slices.BinarySearchFunc(t.wanted, key, func(c *candidate, k Key) int { return c.key.Compare(k) }); known {
		c := t.wanted[i]
		t.withdraw(c)
		c.docs = exchange(c.docs, gone, come)
		return nil
	}
	c := &candidate{key: key, docs: exchange(nil, nil, come), stale: true}
	t.stale = append(t.stale, c)
	return []*candidate{c}
}

// merge puts fresh candidates, which are sorted, between the others, and drops
// those that no document is left of.
func (t *turn) merge(fresh []*candidate) {
	dropped := slices.ContainsFunc(t.stale, func(c *candidate) bool { return len(c.docs) == 0 })
	if len(fresh) == 0 && !dropped {
		return
	}
	all := make([]*candidate, 0, len(t.wanted)+len(fresh))
	for _, c := range t.wanted {
		for len(fresh) > 0 && fresh[0].key.Compare(c.key) < 0 {
			all, fresh = append(all, fresh[0]), fresh[1:]
		}
		if len(c.docs) > 0 {
			all = append(all, c)
		}
	}
	t.wanted = append(all, fresh...)
}

// withdraw takes back what a candidate says and claims, which is built again.
func (t *turn) withdraw(c *candidate) {
	if c.stale {
		return
	}
	c.stale = true
	t.stale = append(t.stale, c)
	t.unclaim(c)
	if f := c.faults; f != nil {
		t.gone = append(append(append(t.gone, f.errors...), f.warnings...), f.clashes...)
	}
}

// dependents withdraws what looked up anything that changes.
func (t *turn) dependents() {
	if len(t.touched) == 0 {
		return
	}
	for _, c := range t.wanted {
		if c.dependsOn(t) {
			t.withdraw(c)
		}
	}
	for _, ob := range t.touched {
		ob.touched = false
	}
}

// rebuild builds what is stale.
func (t *turn) rebuild() {
	var last []*object
	for _, c := range t.stale {
		c.stale = false
		if len(c.docs) == 0 {
			continue
		}
		d := t.build(c.docs)
		if slices.Equal(d.needs, last) {
			d.needs = last
		}
		last = d.needs
		c.take(d)
		t.claim(c)
		if f := c.faults; f != nil {
			t.come = append(append(t.come, f.errors...), f.warnings...)
		}
	}
}
