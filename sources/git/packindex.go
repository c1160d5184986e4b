package git

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
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
	byOffset []uint64 // offsets with the places in their last bits, sorted; made when first needed
}

var _ idxfile.Index = (*packIndex)(nil)

// openIndex reads what frames an index.
func openIndex(at io.ReaderAt, size int64) (*packIndex, error) {
	if size < indexHead+indexFanout+indexSums {
		return nil, fmt.Errorf("%w: too short", errIndex)
	}
	x := &packIndex{at: at}
	head := make([]byte, indexHead+indexFanout)
	if err := x.read(head, 0); err != nil {
		return nil, err
	}
	if err := x.measure(head, size); err != nil {
		return nil, err
	}
	return x, x.read(x.pack[:], size-indexSums)
}

// verify reads all of an index, and tells whether it is as it was written.
func (x *packIndex) verify() error {
	sum, end := sha1.New(), x.offsets()+4*x.count+8*x.wide+hashSize
	if _, err := io.CopyBuffer(sum, io.NewSectionReader(x.at, 0, end), make([]byte, 32<<10)); err != nil {
		return err
	}
	var want [hashSize]byte
	if err := x.read(want[:], end); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want[:]) {
		return fmt.Errorf("%w: checksum does not match", errIndex)
	}
	return nil
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

// extent returns where an object begins in the pack, and where what comes after
// it does; end is where the last one ends.
func (x *packIndex) extent(place, end int64) (from, to int64, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.sortLocked(); err != nil {
		return 0, 0, err
	}
	if from, err = x.offset(place); err != nil {
		return 0, 0, err
	}
	if i := x.search(from + 1); i < len(x.byOffset) {
		end, _ = x.located(i)
	}
	if from < packHead || end <= from {
		return 0, 0, fmt.Errorf("%w: an object from %d to %d", errIndex, from, end)
	}
	return from, end, nil
}

// crc returns the checksum of an object as it is packed.
func (x *packIndex) crc(place int64) (uint32, error) {
	n, err := x.number(x.names() + x.count*hashSize + 4*place)
	return uint32(n), err
}

// bits is how many of a number in byOffset are the place.
func (x *packIndex) bits() int { return bits.Len64(uint64(x.count)) }

// search finds the first object at or after an offset in byOffset.
func (x *packIndex) search(offset int64) int {
	i, _ := slices.BinarySearch(x.byOffset, uint64(offset)<<x.bits())
	return i
}

// located returns where the object is that is the i-th in the pack: in the pack,
// and in the index.
func (x *packIndex) located(i int) (offset, place int64) {
	n := x.byOffset[i]
	return int64(n >> x.bits()), int64(n & (1<<x.bits() - 1))
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
// need it; the first call makes a table of 8 bytes for each object.
func (x *packIndex) FindHash(offset int64) (plumbing.Hash, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.sortLocked(); err != nil {
		return plumbing.ZeroHash, err
	}
	if i := x.search(offset); i < len(x.byOffset) {
		if at, place := x.located(i); at == offset {
			return x.name(place)
		}
	}
	return plumbing.ZeroHash, plumbing.ErrObjectNotFound
}

func (x *packIndex) sortLocked() error {
	if x.byOffset != nil {
		return nil
	}
	narrow := make([]byte, x.count*4)
	if err := x.read(narrow, x.offsets()); err != nil {
		return err
	}
	all := make([]uint64, x.count)
	for place := range all {
		offset, err := x.widened(int64(binary.BigEndian.Uint32(narrow[4*place:])))
		if err != nil {
			return err
		}
		if offset < 0 || offset>>(63-x.bits()) != 0 {
			return fmt.Errorf("%w: offset %d", errIndex, offset)
		}
		all[place] = uint64(offset)<<x.bits() | uint64(place)
	}
	slices.Sort(all)
	x.byOffset = all
	return nil
}

// forget gives up the table by offset.
func (x *packIndex) forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byOffset = nil
}

// Count implements idxfile.Index.
func (x *packIndex) Count() (int64, error) { return x.count, nil }

// FindCRC32 implements idxfile.Index; nothing that reads objects asks for it.
func (x *packIndex) FindCRC32(plumbing.Hash) (uint32, error) { return 0, errors.ErrUnsupported }

// Entries implements idxfile.Index; nothing that reads objects asks for it.
func (x *packIndex) Entries() (idxfile.EntryIter, error) { return nil, errors.ErrUnsupported }

// EntriesByOffset implements idxfile.Index; nothing that reads objects asks for it.
func (x *packIndex) EntriesByOffset() (idxfile.EntryIter, error) { return nil, errors.ErrUnsupported }
