package manifest

import (
	"fmt"
	"slices"
)

// object is everything that a tree declares of one kind under one key, and
// what was made of it for the VMs that refer to it.
type object struct {
	docs    []*Document // at least one, in order of place
	images  images      // of a VMImage, those that a VM needed
	network *Network    // of a VMNetworkAttachment, once a VM needed it
	touched bool        // while a turn changes it
}

// objects are those of a tree, by kind and key.
type objects map[string]map[Key]*object

// find returns the object, and nil when there is none.
func (o objects) find(kind string, key Key) *object { return o[kind][key] }

// make returns the object, a new one without documents when there is none.
func (o objects) make(kind string, key Key) *object {
	byKey := o[kind]
	if byKey == nil {
		byKey = make(map[Key]*object)
		o[kind] = byKey
	}
	if byKey[key] == nil {
		byKey[key] = &object{}
	}
	return byKey[key]
}

// forget drops the object.
func (o objects) forget(kind string, key Key) {
	delete(o[kind], key)
	if len(o[kind]) == 0 {
		delete(o, kind)
	}
}

// objectsOf sorts documents that are in order of place.
func objectsOf(docs []*Document) objects {
	all := make(objects)
	for _, doc := range docs {
		if doc.Key.Name != "" {
			ob := all.make(doc.Kind, doc.Key)
			ob.docs = append(ob.docs, doc)
		}
	}
	return all
}

// exchange returns docs without those of gone and with those of come, in order
// of place.
func exchange(docs []*Document, gone map[*Document]bool, come []*Document) []*Document {
	left := make([]*Document, 0, len(docs)+len(come))
	for _, doc := range docs {
		if !gone[doc] {
			left = append(left, doc)
		}
	}
	left = append(left, come...)
	slices.SortStableFunc(left, func(a, b *Document) int { return comparePositions(a.At, b.At) })
	return slices.Clip(left)
}

// duplicates reports what is declared more than once.
func duplicates(docs []*Document) []Finding {
	if len(docs) < 2 {
		return nil
	}
	fs := make([]Finding, len(docs))
	for i, doc := range docs {
		other := docs[(i+1)%len(docs)]
		fs[i] = Finding{
			At: doc.At, Severity: Error, Kind: doc.Kind, Object: doc.Key, Hint: "keep one",
			Message: fmt.Sprintf("%s %s is declared %d times, also at %s", doc.Kind, doc.Key, len(docs), other.At),
		}
	}
	return fs
}

// idleKinds are those that nothing acts on.
var idleKinds = []string{KindVMSet, KindVMClone, KindVMMigration, KindVMSnapshot, KindVMPlacementPolicy}

// idle says of a document that nothing acts on that it is so.
func idle(doc *Document) []Finding {
	if !slices.Contains(idleKinds, doc.Kind) {
		return nil
	}
	return []Finding{{
		At: doc.At, Severity: Warning, Kind: doc.Kind, Object: doc.Key,
		Message: doc.Kind + " is validated but not acted on yet",
	}}
}
