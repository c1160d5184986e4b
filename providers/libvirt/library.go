package libvirt

import (
	"hash/maphash"
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// library keeps the documents that the last inventory read, so that one which
// has not changed since is not taken apart again: that takes longer than
// fetching it. It saves no call and hides no change: every document is fetched
// every time, and known by a hash of its text. What it returns is read-only.
type library struct {
	seed maphash.Seed

	mu    sync.Mutex
	shelf map[shelfKey]shelved // replaced, never changed
}

type shelfKey struct {
	domain golibvirt.UUID
	live   bool
}

type shelved struct {
	sum uint64
	doc *domainDoc
}

// reader is one inventory's use of the library.
type reader struct {
	*library
	old map[shelfKey]shelved // as the last inventory left it

	mu   sync.Mutex
	next map[shelfKey]shelved
}

func newLibrary() *library { return &library{seed: maphash.MakeSeed()} }

func (l *library) open() *reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &reader{library: l, old: l.shelf, next: make(map[shelfKey]shelved, len(l.shelf))}
}

// read is readDomain.
func (r *reader) read(key shelfKey, document string) (*domainDoc, error) {
	s := shelved{sum: maphash.String(r.seed, document)}
	if have, ok := r.old[key]; ok && have.sum == s.sum {
		s.doc = have.doc
	} else {
		doc, err := readDomain(document)
		if err != nil {
			return nil, err
		}
		s.doc = doc
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next[key] = s
	return s.doc, nil
}

// close leaves what was read to the next inventory, and nothing else.
func (r *reader) close() {
	r.library.mu.Lock()
	defer r.library.mu.Unlock()
	r.shelf = r.next
}
