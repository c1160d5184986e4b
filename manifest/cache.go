package manifest

import "sync"

// Cache keeps what was decoded and resolved from one tree to the next. Load
// decodes a file again only if its path, its content or the options differ,
// and does not even list a folder whose content id it knows; Resolve works
// again only on what depends on something that changed. Both return what they
// would return without it. A file without content id is decoded every time.
// What the last tree did not have is forgotten. The zero value is ready; it may
// be used by many goroutines at the same time.
type Cache struct {
	mu   sync.Mutex // guards the next two
	opts Options    // of the tree, without the Cache
	tree *folder    // of the last Load; nil: none

	resolving  sync.Mutex  // held during a whole Resolve
	resolution *resolution // of the last one; nil: none; guarded by resolving
}

// last returns the tree of the last Load that had the same options, and nil.
func (c *Cache) last(opts Options) *folder {
	if c == nil {
		return nil
	}
	opts.Cache = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts != opts {
		return nil
	}
	return c.tree
}

func (c *Cache) keep(opts Options, tree *folder) {
	if c == nil {
		return
	}
	opts.Cache = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opts, c.tree = opts, tree
}

// resolve resolves a set, going on from the one before.
func (c *Cache) resolve(set *Set, opts ResolveOptions) *Desired {
	c.resolving.Lock()
	defer c.resolving.Unlock()
	if c.resolution == nil || !c.resolution.opts.equal(opts) {
		c.resolution = newResolution(opts)
	}
	return c.resolution.move(set)
}
