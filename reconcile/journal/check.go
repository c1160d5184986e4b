package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// The layout of a bbolt file, version 2. Everything in it is in the byte order
// of the machine that wrote it.
const (
	pageHeader    = 16
	elementHeader = 16
	metaSize      = 64
	boltMagic     = 0xED0CDAED
	boltVersion   = 2

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01
)

var order = binary.NativeEndian

// check walks every page of a bbolt file and returns an error if one is not
// what it has to be. bbolt itself trusts its pages: it ends the process, or
// writes over data, when it meets a damaged one. An empty file is sound.
func check(file []byte) error {
	if len(file) == 0 {
		return nil
	}
	m, ok := newestMeta(file)
	if !ok {
		return fmt.Errorf("%w: no valid head", errDamaged)
	}
	if size := uint64(len(file)) / m.pageSize; size < m.end {
		return fmt.Errorf("%w: %d of its %d pages are there", errDamaged, size, m.end)
	}
	c := checker{file: file, meta: m, used: map[uint64]bool{0: true, 1: true}}
	if err := c.tree(m.root, bounds{}); err != nil {
		return err
	}
	return c.freelist()
}

// meta is the head of a file: of two, the one with the higher transaction that
// is whole.
type meta struct{ pageSize, root, freelist, end, tx uint64 }

func newestMeta(file []byte) (best meta, found bool) {
	places := []int{0}
	for p := 1024; p < len(file) && p <= 16<<20; p *= 2 {
		places = append(places, p)
	}
	for _, p := range places {
		m, ok := readMeta(file[p:])
		if ok && (p == 0 || m.pageSize == uint64(p)) && (!found || m.tx > best.tx) {
			best, found = m, true
		}
	}
	return best, found
}

func readMeta(page []byte) (m meta, ok bool) {
	if len(page) < pageHeader+metaSize {
		return m, false
	}
	b := page[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(b[:56])
	if order.Uint32(b) != boltMagic || order.Uint32(b[4:]) != boltVersion || order.Uint64(b[56:]) != sum.Sum64() {
		return m, false
	}
	m = meta{
		pageSize: uint64(order.Uint32(b[8:])), root: order.Uint64(b[16:]),
		freelist: order.Uint64(b[32:]), end: order.Uint64(b[40:]), tx: order.Uint64(b[48:]),
	}
	return m, m.pageSize >= 1024 && m.pageSize&(m.pageSize-1) == 0
}

type checker struct {
	file []byte
	meta meta
	used map[uint64]bool // pages that are in use, to meet none twice
}

// page returns a page with what overflows from it, once.
func (c *checker) page(id uint64) (page []byte, flags, count int, err error) {
	at := id * c.meta.pageSize
	if id >= c.meta.end || at+pageHeader > uint64(len(c.file)) {
		return nil, 0, 0, fmt.Errorf("%w: page %d is outside the file", errDamaged, id)
	}
	b := c.file[at:]
	more := uint64(order.Uint32(b[12:]))
	size := (more + 1) * c.meta.pageSize
	if order.Uint64(b) != id || id+more >= c.meta.end || size > uint64(len(b)) {
		return nil, 0, 0, fmt.Errorf("%w: page %d has a wrong head", errDamaged, id)
	}
	for n := id; n <= id+more; n++ {
		if c.used[n] {
			return nil, 0, 0, fmt.Errorf("%w: page %d is used twice", errDamaged, n)
		}
		c.used[n] = true
	}
	return b[:size], int(order.Uint16(b[8:])), int(order.Uint16(b[10:])), nil
}

// bounds is where the keys of a page have to lie: the first is what the page
// above says, all are below end. Nil is no bound.
type bounds struct{ first, end []byte }

// hold tells whether the bounds hold the key that follows last on a page.
func (b bounds) hold(last, key []byte) bool {
	switch {
	case last == nil && b.first != nil && !bytes.Equal(key, b.first):
		return false
	case last != nil && bytes.Compare(last, key) >= 0:
		return false
	}
	return b.end == nil || bytes.Compare(key, b.end) < 0
}

func (c *checker) tree(id uint64, within bounds) error {
	page, flags, count, err := c.page(id)
	if err != nil {
		return err
	}
	switch flags {
	case branchPage:
		return c.branch(page, id, count, within)
	case leafPage:
		return c.leaf(page, id, count, within)
	}
	return fmt.Errorf("%w: page %d is no part of a tree", errDamaged, id)
}

func (c *checker) branch(page []byte, id uint64, count int, within bounds) error {
	if count == 0 || pageHeader+count*elementHeader > len(page) {
		return fmt.Errorf("%w: page %d has %d elements", errDamaged, id, count)
	}
	var last []byte
	keys, children := make([][]byte, count), make([]uint64, count)
	for i := range count {
		e := page[pageHeader+i*elementHeader:]
		key, _, err := slice(e, order.Uint32(e), order.Uint32(e[4:]), 0)
		if err != nil || len(key) == 0 || !within.hold(last, key) {
			return fmt.Errorf("%w: page %d has a wrong key", errDamaged, id)
		}
		last, keys[i], children[i] = key, key, order.Uint64(e[8:])
	}
	for i, child := range children {
		part := bounds{keys[i], within.end}
		if i+1 < count {
			part.end = keys[i+1]
		}
		if err := c.tree(child, part); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) leaf(page []byte, id uint64, count int, within bounds) error {
	if pageHeader+count*elementHeader > len(page) {
		return fmt.Errorf("%w: page %d has %d elements", errDamaged, id, count)
	}
	var last []byte
	for i := range count {
		e := page[pageHeader+i*elementHeader:]
		key, value, err := slice(e, order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:]))
		if err != nil || len(key) == 0 || !within.hold(last, key) {
			return fmt.Errorf("%w: page %d has a wrong element", errDamaged, id)
		}
		last = key
		switch flags := order.Uint32(e); flags {
		case 0:
		case bucketFlag:
			if err := c.bucket(value, id); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: page %d has an element of kind %d", errDamaged, id, flags)
		}
	}
	return nil
}

// bucket checks a bucket: a tree of its own, or a page within the value.
func (c *checker) bucket(value []byte, id uint64) error {
	if len(value) < pageHeader {
		return fmt.Errorf("%w: page %d has half a bucket", errDamaged, id)
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root, bounds{})
	}
	inline := value[pageHeader:]
	if len(inline) < pageHeader || order.Uint64(inline) != 0 || order.Uint16(inline[8:]) != leafPage || order.Uint32(inline[12:]) != 0 {
		return fmt.Errorf("%w: page %d has half a bucket", errDamaged, id)
	}
	return c.leaf(inline, id, int(order.Uint16(inline[10:])), bounds{})
}

// slice returns the key and the value at a place behind an element.
func slice(e []byte, pos, ksize, vsize uint32) (key, value []byte, err error) {
	k, v := uint64(pos), uint64(pos)+uint64(ksize)
	end := v + uint64(vsize)
	if pos < elementHeader || end > uint64(len(e)) {
		return nil, nil, errDamaged
	}
	return e[k:v], e[v:end], nil
}

func (c *checker) freelist() error {
	page, flags, count, err := c.page(c.meta.freelist)
	if err != nil {
		return err
	}
	ids := page[pageHeader:]
	n := uint64(count)
	if count == 0xFFFF {
		n, ids = order.Uint64(ids), ids[8:]
	}
	if flags != freelistPage || n > uint64(len(ids))/8 {
		return fmt.Errorf("%w: the list of free pages", errDamaged)
	}
	for i := range n {
		id := order.Uint64(ids[8*i:])
		if id >= c.meta.end || c.used[id] {
			return fmt.Errorf("%w: page %d is free and used", errDamaged, id)
		}
		c.used[id] = true
	}
	return nil
}
