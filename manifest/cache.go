package manifest

import (
	"io/fs"
	"strconv"
	"sync"
)

// Cache keeps decoded files from one Load for the next, by their path and the
// content id that their source gives them. A file without content id is not
// kept. What a Load does not meet is forgotten at its end. The zero value is
// ready; several Loads may use one Cache at the same time.
type Cache struct {
	mu    sync.Mutex
	files map[string]*decoded // guarded by mu; replaced as a whole
}

// cacheTurn is the use of a Cache by one Load. A nil turn caches nothing.
type cacheTurn struct {
	cache    *Cache
	old, new map[string]*decoded
}

func (c *Cache) begin() *cacheTurn {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &cacheTurn{cache: c, old: c.files, new: make(map[string]*decoded, len(c.files))}
}

func (t *cacheTurn) get(id string) (*decoded, bool) {
	if t == nil || id == "" {
		return nil, false
	}
	f, ok := t.old[id]
	return f, ok
}

func (t *cacheTurn) put(id string, f *decoded) {
	if t != nil && id != "" {
		t.new[id] = f
	}
}

func (t *cacheTurn) commit() {
	if t == nil {
		return
	}
	t.cache.mu.Lock()
	defer t.cache.mu.Unlock()
	t.cache.files = t.new
}

// cacheKey is all that decodeFile depends on, and empty when the content is
// not identified.
func cacheKey(name string, info fs.FileInfo, opts *Options) string {
	id := contentID(info)
	if id == "" {
		return ""
	}
	return strconv.FormatBool(opts.Strict) + "\x00" + opts.DefaultNamespace + "\x00" + id + "\x00" + name
}
