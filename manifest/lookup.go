package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// lookup finds the one valid document that a field refers to; otherwise it says
// why there is none. Either way the VM depends on it from now on.
func (b *builder) lookup(field, kind string, key Key) (*object, *Finding) {
	ob := b.objects.find(kind, key)
	if ob == nil {
		b.missed.add(kind)
		f := b.doc.finding(Error, field, fmt.Sprintf("%s %s is not in the tree", kind, key), b.nearKey(kind, key))
		return nil, &f
	}
	b.needs = append(b.needs, ob)
	doc := ob.docs[0]
	switch {
	case len(ob.docs) > 1:
		f := b.doc.finding(Error, field, fmt.Sprintf("%s %s is declared %d times, at %s and %s",
			kind, key, len(ob.docs), doc.At, ob.docs[1].At), "keep one")
		return nil, &f
	case !doc.Valid:
		f := b.doc.finding(Error, field, fmt.Sprintf("%s %s is not valid: %s", kind, key, firstError(doc)), "")
		return nil, &f
	}
	return ob, nil
}

func firstError(doc *Document) string {
	for _, f := range doc.Findings {
		if f.Severity == Error {
			return strings.Join(slices.DeleteFunc([]string{f.At.String(), f.Field, f.Message}, isEmpty), ": ")
		}
	}
	return doc.At.String()
}

func isEmpty(s string) bool { return s == "" }

// kindSet is a set of kinds.
type kindSet uint16

func (s *kindSet) add(kind string) {
	for i, k := range kinds() {
		if k.kind == kind {
			*s |= 1 << i
		}
	}
}

// maxNear is among how many names a near miss is looked for: those that would
// be its neighbours in a sorted list. It bounds what a tree costs in which
// nothing is called as it is referred to.
const maxNear = 200

// roster is what there is of one kind.
type roster struct {
	keys   []Key          // sorted
	byName map[string]Key // the first key of that name
}

// roster lists a kind, for as long as a turn.
func (t *turn) roster(kind string) *roster {
	if known := t.rosters[kind]; known != nil {
		return known
	}
	r := &roster{keys: slices.SortedFunc(maps.Keys(t.objects[kind]), Key.Compare), byName: make(map[string]Key)}
	for _, k := range r.keys {
		if _, known := r.byName[k.Name]; !known {
			r.byName[k.Name] = k
		}
	}
	t.rosters[kind] = r
	return r
}

// around returns the names of a namespace that are next to a name.
func (r *roster) around(key Key) []string {
	at, _ := slices.BinarySearchFunc(r.keys, key, Key.Compare)
	lo, hi := max(0, at-maxNear/2), min(len(r.keys), at+maxNear/2)
	var names []string
	for _, k := range r.keys[lo:hi] {
		if k.Namespace == key.Namespace {
			names = append(names, k.Name)
		}
	}
	return names
}

// nearKey says which object may be meant by a key that is not there: the same
// name in another namespace, or a similar name in the same.
func (t *turn) nearKey(kind string, key Key) string {
	r := t.roster(kind)
	if k, ok := r.byName[key.Name]; ok {
		return fmt.Sprintf("%s is at %s; write namespace: %s", k, t.objects.find(kind, k).docs[0].At, k.Namespace)
	}
	if near := nearest(key.Name, r.around(key)); near != "" {
		k := Key{Namespace: key.Namespace, Name: near}
		return fmt.Sprintf("did you mean %s at %s?", k, t.objects.find(kind, k).docs[0].At)
	}
	return ""
}

// provider finds the provider that a reference names: the host's by its full
// key, then the host's by its name, then the tree's where that is allowed.
func (b *builder) provider(key Key) (Key, *Finding) {
	if slices.Contains(b.opts.Providers, key) {
		return key, nil
	}
	if byName := (Key{Name: key.Name}); slices.Contains(b.opts.Providers, byName) {
		return byName, nil
	}
	const field = "spec.providerRef"
	if b.opts.GitProviders {
		_, f := b.lookup(field, KindProvider, key)
		if f != nil {
			return Key{}, f
		}
		return key, nil
	}
	var names []string
	for _, k := range b.opts.Providers {
		names = append(names, k.String())
	}
	slices.Sort(names)
	hint := "the host has no providers"
	if len(names) > 0 {
		hint = "the host has " + strings.Join(names, ", ")
	}
	f := b.doc.finding(Error, field, fmt.Sprintf("provider %s is not configured on the host", key), hint)
	return Key{}, &f
}
