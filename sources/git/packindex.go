package git

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// The parts of an index of version 2, in bytes, as gitformat-pack(5) lays them
// out one after the other:
//
//	magic and version · fanout · names · CRCs · offsets · wide offsets · checksums
const (
	indexHead   = 8
	indexFanout = 256 * 4
	indexSums   = 2 * hashSize // of the pack, and of the index
	hashSize    = 20

	indexWindow = 256 // names that are read at once
)

// errIndex is why a file is no index.
var errIndex = errors.New("is not a sound index of version 2")

// packIndex is the index of one pack, read where it lies: it takes no memory
// that grows with the pack, except for FindHash. It is safe for concurrent use,
// as go-git's own is.
type packIndex struct {
	at    io.ReaderAt
	count int64         // objects
	wide  int64         // offsets that need more than 31 bits
	pack  plumbing.Hash // checksum of the pack

	mu       sync.Mutex // guards the rest
	window   []byte
	byOffset []located // made when it is first needed
}

// located is where an object is: in the pack, and in the index.
type located struct{ offset, place int64 }

var _ idxfile.Index = (*packIndex)(nil)

// openIndex reads an index once, from the first byte to the last, and keeps
// nothing of it.
func openIndex(at io.ReaderAt, size int64) (*packIndex, error) {
	if size < indexHead+indexFanout+indexSums {
		return nil, fmt.Errorf("%w: too short", errIndex)
	}
	sum := sha1.New()
	in := bufio.NewReaderSize(io.TeeReader(io.NewSectionReader(at, 0, size-hashSize), sum), 32<<10)
	head := make([]byte, indexHead+indexFanout)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	x := &packIndex{at: at}
	if err := x.measure(head, size); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, err
	}
	var sums [indexSums]byte
	if err := x.read(sums[:], size-indexSums); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), sums[hashSize:]) {
		return nil, fmt.Errorf("%w: checksum does not match", errIndex)
	}
	copy(x.pack[:], sums[:])
	return x, nil
}

// measure learns from the head how much of everything there is.
func (x *packIndex) measure(head []byte, size int64) error {
	if !bytes.Equal(head[:indexHead], []byte{255, 't', 'O', 'c', 0, 0, 0, 2}) {
		return errIndex
	}
	for n := int64(0); n < 256; n++ {
		upTo := int64(binary.BigEndian.Uint32(head[indexHead+4*n:]))
		if upTo < x.count {
			return fmt.Errorf("%w: fanout goes down", errIndex)
		}
		x.count = upTo
	}
	const each = hashSize + 4 + 4
	wide := size - (indexHead + indexFanout + x.count*each + indexSums)
	if wide < 0 || wide%8 != 0 || wide/8 > x.count {
		return fmt.Errorf("%w: %d bytes are not the size of one with %d objects", errIndex, size, x.count)
	}
	x.wide = wide / 8
	return nil
}

func (x *packIndex) names() int64   { return indexHead + indexFanout }
func (x *packIndex) offsets() int64 { return x.names() + x.count*(hashSize+4) }

func (x *packIndex) read(b []byte, at int64) error {
	if n, err := x.at.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

func (x *packIndex) number(at int64) (int64, error) {
	var b [4]byte
	err := x.read(b[:], at)
	return int64(binary.BigEndian.Uint32(b[:])), err
}

// find returns the place of an object in the index, or ErrObjectNotFound.
func (x *packIndex) find(h plumbing.Hash) (int64, error) {
	low, high, err := x.between(h[0])
	if err != nil {
		return 0, err
	}
	for high-low > indexWindow {
		middle := (low + high) / 2
		name, err := x.name(middle)
		if err != nil {
			return 0, err
		}
		if bytes.Compare(h[:], name[:]) < 0 {
			high = middle
		} else {
			low = middle
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.window = slices.Grow(x.window[:0], indexWindow*hashSize)[:(high-low)*hashSize]
	if err := x.read(x.window, x.names()+low*hashSize); err != nil {
		return 0, err
	}
	for names := x.window; len(names) > 0; names = names[hashSize:] {
		if bytes.Equal(names[:hashSize], h[:]) {
			return high - int64(len(names)/hashSize), nil
		}
	}
	return 0, plumbing.ErrObjectNotFound
}

// between returns the places of the names that begin with the byte: from low,
// up to but without high.
func (x *packIndex) between(first byte) (low, high int64, err error) {
	at := indexHead + 4*int64(first)
	if first > 0 {
		if low, err = x.number(at - 4); err != nil {
			return 0, 0, err
		}
	}
	high, err = x.number(at)
	if err == nil && (low > high || high > x.count) {
		err = errIndex
	}
	return low, high, err
}

func (x *packIndex) name(place int64) (h plumbing.Hash, err error) {
	return h, x.read(h[:], x.names()+place*hashSize)
}

func (x *packIndex) offset(place int64) (int64, error) {
	n, err := x.number(x.offsets() + 4*place)
	if err != nil {
		return 0, err
	}
	return x.widened(n)
}

// widened returns the offset that is written as n: itself, or the place of a
// wide one.
func (x *packIndex) widened(n int64) (int64, error) {
	const isWide = 1 << 31
	if n < isWide {
		return n, nil
	}
	if n -= isWide; n >= x.wide {
		return 0, fmt.Errorf("%w: wide offset %d of %d", errIndex, n, x.wide)
	}
	var b [8]byte
	err := x.read(b[:], x.offsets()+4*x.count+8*n)
	return int64(binary.BigEndian.Uint64(b[:])), err
}

// hashes lists the objects, in order.
func (x *packIndex) hashes() ([]plumbing.Hash, error) {
	names := make([]byte, x.count*hashSize)
	if err := x.read(names, x.names()); err != nil {
		return nil, err
	}
	list := make([]plumbing.Hash, x.count)
	for i := range list {
		copy(list[i][:], names[i*hashSize:])
	}
	return list, nil
}

// FindOffset implements idxfile.Index.
func (x *packIndex) FindOffset(h plumbing.Hash) (int64, error) {
	place, err := x.find(h)
	if err != nil {
		return 0, err
	}
	return x.offset(place)
}

// Contains implements idxfile.Index.
func (x *packIndex) Contains(h plumbing.Hash) (bool, error) {
	_, err := x.find(h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return false, nil
	}
	return err == nil, err
}

// FindHash implements idxfile.Index. Only deltas that name their bases by offset
// need it; the first call makes a table of 16 bytes for each object.
func (x *packIndex) FindHash(offset int64) (plumbing.Hash, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.sortLocked(); err != nil {
		return plumbing.ZeroHash, err
	}
	i, ok := slices.BinarySearchFunc(x.byOffset, offset, func(l located, o int64) int { return cmp.Compare(l.offset, o) })
	if !ok {
		return plumbing.ZeroHash, plumbing.ErrObjectNotFound
	}
	return x.name(x.byOffset[i].place)
}

func (x *packIndex) sortLocked() error {
	if x.byOffset != nil {
		return nil
	}
	narrow := make([]byte, x.count*4)
	if err := x.read(narrow, x.offsets()); err != nil {
		return err
	}
	all := make([]located, x.count)
	for place := range all {
		offset, err := x.widened(int64(binary.BigEndian.Uint32(narrow[4*place:])))
		if err != nil {
			return err
		}
		all[place] = located{offset, int64(place)}
	}
	slices.SortFunc(all, func(a, b located) int { return cmp.Compare(a.offset, b.offset) })
	x.byOffset = all
	return nil
}

// Count implements idxfile.Index.
func (x *packIndex) Count() (int64, error) { return x.count, nil }

// FindCRC32 implements idxfile.Index; nothing that reads objects asks for it.
func (x *packIndex) FindCRC32(plumbing.Hash) (uint32, error) { return 0, errors.ErrUnsupported }

// Entries implements idxfile.Index; nothing that reads objects asks for it.
func (x *packIndex) Entries() (idxfile.EntryIter, error) { return nil, errors.ErrUnsupported }

// EntriesByOffset implements idxfile.Index; nothing that reads objects asks for it.
func (x *packIndex) EntriesByOffset() (idxfile.EntryIter, error) { return nil, errors.ErrUnsupported }
