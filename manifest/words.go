package manifest

import (
	"maps"
	"slices"
)

const (
	maxWords  = 4096 // of a kind; then all are forgotten, and sharing begins anew
	maxShared = 256  // bytes of a text that is worth looking up
)

// words keeps one copy of texts, lists and maps that many documents have
// alike. What it returns is shared and must not be changed. The zero value is
// ready, nil shares nothing, and it is for one goroutine.
type words struct {
	texts map[string]string
	lists map[string][]string
	maps  map[string]map[string]string
	key   []byte // of the list or map that is looked up
}

// text returns a text equal to s.
func (w *words) text(s string) string {
	if w == nil || len(s) > maxShared {
		return s
	}
	known, ok := w.texts[s]
	if !ok {
		w.texts, known = room(w.texts), s
		w.texts[s] = s
	}
	return known
}

// list returns a list equal to l, and nil for an empty one. It does not keep l.
func (w *words) list(l []string) []string {
	if len(l) == 0 {
		return nil
	}
	if w == nil {
		return slices.Clone(l)
	}
	w.key = w.key[:0]
	for _, s := range l {
		w.key = appendText(w.key, s)
	}
	known, ok := w.lists[string(w.key)]
	if !ok {
		w.lists, known = room(w.lists), slices.Clone(l)
		w.lists[string(w.key)] = known
	}
	return known
}

// table returns a map equal to m, and nil for an empty one.
func (w *words) table(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	if w == nil {
		return m
	}
	w.key = w.key[:0]
	for _, k := range slices.Sorted(maps.Keys(m)) {
		w.key = appendText(appendText(w.key, k), m[k])
	}
	known, ok := w.maps[string(w.key)]
	if !ok {
		w.maps, known = room(w.maps), m
		w.maps[string(w.key)] = known
	}
	return known
}

// room returns a map that can take one more entry.
func room[V any](m map[string]V) map[string]V {
	if m == nil || len(m) >= maxWords {
		return make(map[string]V)
	}
	return m
}
