package manifest

import (
	"maps"
	"slices"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// ResolveOptions is what the host adds to a tree. The zero value knows no
// provider, so that every VM is held.
type ResolveOptions struct {
	// Providers are the host's providers. One with an empty Namespace is meant
	// by its name from every namespace.
	Providers []Key

	// Types are the types of Providers, as far as they are known. What an image
	// says to hypervisors of another type is nothing to a VM.
	Types map[Key]string

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
//
// A set that was loaded with a Cache is resolved with it: only what depends on
// a file that changed is worked on. A VM of which nothing changed is then the
// very same pointer as in the Desired before, so who planned for it need not
// look at it again; another pointer does not mean that something changed.
func Resolve(set *Set, opts ResolveOptions) *Desired {
	if set.cache == nil {
		return newResolution(opts).move(set)
	}
	return set.cache.resolve(set, opts)
}

// resolution is a resolved tree and all that is needed to go on from it to
// another one.
type resolution struct {
	opts    ResolveOptions
	tree    *folder // what is resolved; nil: nothing
	objects objects // all but VirtualMachines
	wanted  []*candidate
	claims  map[claim][]*candidate
	said    bag
	words   words
	last    *Desired // of tree; nil: none
}

func newResolution(opts ResolveOptions) *resolution {
	return &resolution{opts: opts.clone(), objects: make(objects), claims: make(map[claim][]*candidate)}
}

// clone copies what a caller may change.
func (o ResolveOptions) clone() ResolveOptions {
	o.Providers, o.Types = slices.Clone(o.Providers), maps.Clone(o.Types)
	o.Secrets = maps.Clone(o.Secrets)
	for key, values := range o.Secrets {
		o.Secrets[key] = maps.Clone(values)
	}
	return o
}

func (o ResolveOptions) equal(p ResolveOptions) bool {
	return o.GitProviders == p.GitProviders && slices.Equal(o.Providers, p.Providers) && maps.Equal(o.Types, p.Types) &&
		maps.EqualFunc(o.Secrets, p.Secrets, maps.Equal[secret.Set])
}

// move goes on to another set, which may differ in anything.
func (r *resolution) move(set *Set) *Desired {
	next := set.files()
	if r.last != nil && r.tree == next {
		return r.last
	}
	var d difference
	d.between(r.tree, next)
	t := &turn{resolution: r, rosters: make(map[string]*roster), crowded: make(map[claim]bool)}
	t.documents(&d)
	t.dependents()
	t.rebuild()
	t.conflicts()
	r.said.exchange(t.gone, t.come)
	r.tree, r.last = next, r.desired(set)
	return r.last
}

// desired says what is wanted now. What is as before is shared.
func (r *resolution) desired(set *Set) *Desired {
	d := &Desired{Findings: r.said.findings, Complete: set.Complete, Skipped: maps.Clone(set.Skipped)}
	vms, held := 0, 0
	for _, c := range r.wanted {
		if c.held() {
			held++
		} else {
			vms++
		}
	}
	d.VMs, d.Held = slices.Grow(d.VMs, vms), slices.Grow(d.Held, held)
	for _, c := range r.wanted {
		if c.held() {
			d.Held = append(d.Held, Held{Key: c.key, At: c.docs[0].At, Provider: c.provider(), Reasons: c.reasons()})
		} else {
			d.VMs = append(d.VMs, c.vm)
		}
	}
	return d
}
