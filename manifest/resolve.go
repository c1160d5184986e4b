package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// ResolveOptions is what the host adds to a tree. The zero value knows no
// provider, so that every VM is held.
type ResolveOptions struct {
	// Providers are the host's providers. One with an empty Namespace is meant
	// by its name from every namespace.
	Providers []Key

	// Secrets are the host's secrets that a guest may see: whoever can write to
	// the tree can put them into the first-boot data of a VM. They win over
	// secrets in the tree. An empty Namespace works as for Providers.
	Secrets map[Key]secret.Set

	// GitProviders lets Providers in the tree be referred to.
	GitProviders bool
}

// Desired is what the tree wants. It is read-only.
type Desired struct {
	VMs      []*VM     // resolved, sorted by Key
	Held     []Held    // wanted but not usable as written, sorted by Key
	Findings []Finding // of Load and of Resolve, in order of place

	// Complete tells that every document was understood well enough to know
	// its kind and name: what is neither in VMs nor in Held is not wanted.
	Complete bool

	Skipped map[string]int // documents of foreign kinds, by "apiVersion/kind"
}

// Held is a VirtualMachine that is wanted but cannot be acted on: it must
// neither be changed nor deleted.
type Held struct {
	Key      Key
	At       Position
	Provider Key       // zero when it is not known
	Reasons  []Finding // at least one
}

// Resolve folds every VirtualMachine of the set with what it refers to into
// one VM, or holds it with reasons. A fault holds the VMs that need the faulty
// document, and no others.
func Resolve(set *Set, opts ResolveOptions) *Desired {
	r := newResolver(set, opts)
	r.duplicates()
	r.idleKinds()
	candidates := r.candidates()
	r.conflicts(candidates)
	return r.desired(candidates)
}

// resolver holds what one Resolve works on.
type resolver struct {
	set      *Set
	opts     ResolveOptions
	index    map[string]map[Key][]*Document // by kind and key
	images   map[*Document]*Image
	networks map[*Document]*Network
	findings []Finding
	guesses  int // near misses that were looked for
}

// maxGuesses is how many near misses one Resolve looks for; each is a walk over
// all objects of a kind.
const maxGuesses = 200

func newResolver(set *Set, opts ResolveOptions) *resolver {
	r := &resolver{
		set: set, opts: opts, index: make(map[string]map[Key][]*Document),
		images: make(map[*Document]*Image), networks: make(map[*Document]*Network),
	}
	for _, doc := range set.Documents {
		if doc.Key.Name == "" {
			continue
		}
		byKey := r.index[doc.Kind]
		if byKey == nil {
			byKey = make(map[Key][]*Document)
			r.index[doc.Kind] = byKey
		}
		byKey[doc.Key] = append(byKey[doc.Key], doc)
	}
	return r
}

// duplicates reports every object that is declared more than once.
func (r *resolver) duplicates() {
	for _, byKey := range r.index {
		for _, docs := range byKey {
			for i, doc := range docs {
				if len(docs) > 1 {
					r.findings = append(r.findings, duplicate(doc, docs[(i+1)%len(docs)], len(docs)))
				}
			}
		}
	}
}

func duplicate(doc, other *Document, count int) Finding {
	message := fmt.Sprintf("%s %s is declared %d times, also at %s", doc.Kind, doc.Key, count, other.At)
	return Finding{At: doc.At, Severity: Error, Kind: doc.Kind, Object: doc.Key, Message: message, Hint: "keep one"}
}

// idleKinds says of every document that nothing acts on that it is so.
func (r *resolver) idleKinds() {
	idle := []string{KindVMSet, KindVMClone, KindVMMigration, KindVMSnapshot, KindVMPlacementPolicy}
	for _, doc := range r.set.Documents {
		if slices.Contains(idle, doc.Kind) {
			r.findings = append(r.findings, Finding{
				At: doc.At, Severity: Warning, Kind: doc.Kind, Object: doc.Key,
				Message: doc.Kind + " is validated but not acted on yet",
			})
		}
	}
}

// candidate is one wanted VirtualMachine on its way to VMs or Held.
type candidate struct {
	key      Key
	docs     []*Document // more than one: declared more than once
	provider Key         // zero when it is not known
	vm       *VM         // nil when there are reasons
	macs     []string
	reasons  []Finding
}

func (c *candidate) hold(f Finding) { c.reasons = append(c.reasons, f) }

func (r *resolver) candidates() []*candidate {
	byKey := r.index[KindVirtualMachine]
	all := make([]*candidate, 0, len(byKey))
	for _, key := range slices.SortedFunc(maps.Keys(byKey), Key.Compare) {
		c := &candidate{key: key, docs: byKey[key]}
		for i, doc := range c.docs {
			if len(c.docs) > 1 {
				c.hold(duplicate(doc, c.docs[(i+1)%len(c.docs)], len(c.docs)))
			}
			r.build(c, doc)
		}
		all = append(all, c)
	}
	return all
}

// lookup finds the one valid document that a field refers to; otherwise it says
// why there is none.
func (r *resolver) lookup(from *Document, field, kind string, key Key) (*Document, *Finding) {
	docs := r.index[kind][key]
	switch {
	case len(docs) == 0:
		f := from.finding(Error, field, fmt.Sprintf("%s %s is not in the tree", kind, key), r.nearKey(kind, key))
		return nil, &f
	case len(docs) > 1:
		f := from.finding(Error, field, fmt.Sprintf("%s %s is declared %d times, at %s and %s",
			kind, key, len(docs), docs[0].At, docs[1].At), "keep one")
		return nil, &f
	case !docs[0].Valid:
		f := from.finding(Error, field, fmt.Sprintf("%s %s is not valid: %s", kind, key, firstError(docs[0])), "")
		return nil, &f
	}
	return docs[0], nil
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

// nearKey says which object may be meant by a key that is not there: the same
// name in another namespace, or a similar name in the same.
func (r *resolver) nearKey(kind string, key Key) string {
	if r.guesses++; r.guesses > maxGuesses {
		return ""
	}
	var names []string
	for _, k := range slices.SortedFunc(maps.Keys(r.index[kind]), Key.Compare) {
		if k.Name == key.Name {
			return fmt.Sprintf("%s is at %s; write namespace: %s", k, r.index[kind][k][0].At, k.Namespace)
		}
		if k.Namespace == key.Namespace {
			names = append(names, k.Name)
		}
	}
	if near := nearest(key.Name, names); near != "" {
		k := Key{Namespace: key.Namespace, Name: near}
		return fmt.Sprintf("did you mean %s at %s?", k, r.index[kind][k][0].At)
	}
	return ""
}

// provider finds the provider that a reference names: the host's by its full
// key, then the host's by its name, then the tree's where that is allowed.
func (r *resolver) provider(from *Document, key Key) (Key, *Finding) {
	if slices.Contains(r.opts.Providers, key) {
		return key, nil
	}
	if byName := (Key{Name: key.Name}); slices.Contains(r.opts.Providers, byName) {
		return byName, nil
	}
	const field = "spec.providerRef"
	if r.opts.GitProviders {
		if _, f := r.lookup(from, field, KindProvider, key); f != nil {
			return Key{}, f
		}
		return key, nil
	}
	var names []string
	for _, k := range r.opts.Providers {
		names = append(names, k.String())
	}
	slices.Sort(names)
	hint := "the host has no providers"
	if len(names) > 0 {
		hint = "the host has " + strings.Join(names, ", ")
	}
	f := from.finding(Error, field, fmt.Sprintf("provider %s is not configured on the host", key), hint)
	return Key{}, &f
}

// desired sorts the candidates into VMs and Held.
func (r *resolver) desired(candidates []*candidate) *Desired {
	d := &Desired{Complete: r.set.Complete, Skipped: maps.Clone(r.set.Skipped)}
	for _, c := range candidates {
		if len(c.reasons) == 0 && c.vm != nil {
			d.VMs = append(d.VMs, c.vm)
			continue
		}
		r.findings = append(r.findings, c.reasons...)
		d.Held = append(d.Held, Held{
			Key: c.key, At: c.docs[0].At, Provider: c.provider, Reasons: sortFindings(c.reasons),
		})
	}
	slices.SortFunc(d.Held, func(a, b Held) int { return cmp.Or(a.Key.Compare(b.Key), comparePositions(a.At, b.At)) })
	d.Findings = sortFindings(slices.Concat(r.set.Findings, r.findings))
	return d
}
