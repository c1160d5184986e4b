package git

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// The parts of a pack of version 2, in bytes, and two of its kinds of entries,
// as gitformat-pack(5) lays them out: magic, version and count; entries; checksum.
const (
	packHead     = 12
	maxEntryHead = 32 // kind and size, and where a base is
	ofsDelta     = 6
	refDelta     = 7
)

// joinee is a pack that is joined with others.
type joinee struct {
	index *packIndex
	raw   billy.File
	size  int64 // without the checksum

	names io.Reader // those not yet looked at
	place int64     // of the present one
	name  plumbing.Hash
	ended bool
}

// next goes on to the next name.
func (j *joinee) next() error {
	j.place++
	_, err := io.ReadFull(j.names, j.name[:])
	j.ended = errors.Is(err, io.EOF)
	if j.ended {
		return nil
	}
	return err
}

// rewind goes to the first name.
func (j *joinee) rewind() error {
	j.names = bufio.NewReader(io.NewSectionReader(j.index.at, j.index.names(), j.index.count*hashSize))
	j.place = -1
	return j.next()
}

// join writes packs into one, each object as it is packed. They are never
// inflated and come in the order of their names, so the new index is written as
// the old ones are read: memory is taken for where objects end, 8 bytes each.
//
// An object that several packs have is taken from the first. Its base, which is
// in that pack too, then comes from there or from one further ahead, so no delta
// can become its own base.
func (s *store) join(ctx context.Context, files []string) (made string, err error) {
	from, err := openPacks(s.dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	var all []*joinee
	defer func() {
		for _, j := range all {
			err = errors.Join(err, j.raw.Close())
		}
	}()
	for _, of := range from.of(files) {
		j, err := from.joinee(of)
		if err != nil {
			return "", err
		}
		all = append(all, j)
	}
	w, err := newJoint(packFolder(s.dir), all)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	err = merge(all, func(j *joinee) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.add(j); err != nil {
			return fmt.Errorf("object %s: %w", j.name, err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return w.finish()
}

func (p *packs) joinee(of *pack) (*joinee, error) {
	i, err := p.repo.Stat(of.name + ".pack")
	if err != nil {
		return nil, err
	}
	raw, err := p.repo.Open(of.name + ".pack")
	return &joinee{index: of.index, raw: raw, size: i.Size() - hashSize}, err
}

// merge calls visit for each object that any of the packs has, once, in order.
func merge(all []*joinee, visit func(*joinee) error) error {
	for _, j := range all {
		if err := j.rewind(); err != nil {
			return err
		}
	}
	for {
		var first *joinee
		for _, j := range all {
			if !j.ended && (first == nil || bytes.Compare(j.name[:], first.name[:]) < 0) {
				first = j
			}
		}
		if first == nil {
			return nil
		}
		if err := visit(first); err != nil {
			return err
		}
		name := first.name
		for _, j := range all {
			for !j.ended && j.name == name {
				if err := j.next(); err != nil {
					return err
				}
			}
		}
	}
}

// joint is the one that is written.
type joint struct {
	dir       string
	pack, idx *os.File
	sum       hash.Hash // of the pack
	out       *bufio.Writer
	at        int64 // where the next entry begins
	fanout    [256]uint32
	sections  [3]*bufio.Writer // names, CRCs, offsets
	buffer    []byte
}

// newJoint begins one in the folder, with room in its index for all objects.
func newJoint(dir string, all []*joinee) (_ *joint, err error) {
	w := &joint{dir: dir, sum: sha1.New(), at: packHead, buffer: make([]byte, 32<<10)}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if err := merge(all, func(j *joinee) error { w.fanout[j.name[0]]++; return nil }); err != nil {
		return nil, err
	}
	for i := 1; i < len(w.fanout); i++ {
		w.fanout[i] += w.fanout[i-1]
	}
	if w.pack, err = os.CreateTemp(dir, "tmp_pack_*"); err != nil {
		return nil, err
	}
	if w.idx, err = os.CreateTemp(dir, "tmp_idx_*"); err != nil {
		return nil, err
	}
	at := int64(indexHead + indexFanout)
	for i, each := range []int64{hashSize, 4, 4} {
		w.sections[i] = bufio.NewWriter(io.NewOffsetWriter(w.idx, at))
		at += int64(w.fanout[255]) * each
	}
	w.out = bufio.NewWriter(io.MultiWriter(w.pack, w.sum))
	_, err = w.out.Write(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), w.fanout[255]))
	return w, err
}

// add copies the joinee's present object as it is packed, checks that it is what
// the index says, and has a delta name its base.
func (w *joint) add(j *joinee) error {
	if w.at >= 1<<31 {
		return errors.New("offsets of more than 31 bits are not written")
	}
	offset, end, err := j.index.extent(j.place, j.size)
	if err != nil {
		return err
	}
	head := make([]byte, min(end-offset, maxEntryHead))
	if _, err := j.raw.ReadAt(head, offset); err != nil {
		return err
	}
	became, err := j.named(head, offset)
	if err != nil {
		return err
	}
	was, is := crc32.NewIEEE(), crc32.NewIEEE()
	if _, err := was.Write(head); err != nil {
		return err
	}
	if _, err := io.MultiWriter(w.out, is).Write(became); err != nil {
		return err
	}
	rest := io.NewSectionReader(j.raw, offset+int64(len(head)), end-offset-int64(len(head)))
	n, err := io.CopyBuffer(io.MultiWriter(w.out, was, is), rest, w.buffer)
	if err != nil {
		return err
	}
	if crc, err := j.index.crc(j.place); err != nil || was.Sum32() != crc {
		return errors.Join(damaged("what is packed is not what the index says"), err)
	}
	return w.enter(j.name, is.Sum32(), int64(len(became))+n)
}

// enter writes an object of so many bytes into the index.
func (w *joint) enter(name plumbing.Hash, crc uint32, size int64) error {
	for i, b := range [][]byte{name[:], binary.BigEndian.AppendUint32(nil, crc), binary.BigEndian.AppendUint32(nil, uint32(w.at))} {
		if _, err := w.sections[i].Write(b); err != nil {
			return err
		}
	}
	w.at += size
	return nil
}

// named returns the head of an entry, in which a delta names its base.
func (j *joinee) named(head []byte, offset int64) ([]byte, error) {
	if head[0]>>4&7 != ofsDelta {
		return head, nil
	}
	size := 1 + slices.IndexFunc(head, func(b byte) bool { return b < 0x80 }) // the kind, and how long the delta is
	back, n := backwards(head[size:])
	if size == 0 || n == 0 {
		return nil, errors.New("malformed delta")
	}
	base, err := j.index.FindHash(offset - back)
	if err != nil {
		return nil, fmt.Errorf("its base: %w", err)
	}
	became := slices.Concat(head[:size], base[:], head[size+n:])
	became[0] = became[0]&0x8f | refDelta<<4
	return became, nil
}

// backwards reads how far before its delta a base is, and in how many bytes that
// is written; none: it is not.
func backwards(b []byte) (distance int64, n int) {
	for i, c := range b[:min(len(b), 9)] {
		distance = distance<<7 | int64(c&0x7f)
		if c < 0x80 {
			return distance, i + 1
		}
		distance++
	}
	return 0, 0
}

// finish puts the pack in place, the index before it.
func (w *joint) finish() (string, error) {
	if err := w.out.Flush(); err != nil {
		return "", err
	}
	sum := w.sum.Sum(nil)
	if _, err := w.pack.Write(sum); err != nil {
		return "", err
	}
	if err := w.finishIndex(sum); err != nil {
		return "", err
	}
	name := filepath.Join(w.dir, fmt.Sprintf("pack-%x", sum))
	for _, f := range []struct {
		file *os.File
		ext  string
	}{{w.idx, ".idx"}, {w.pack, ".pack"}} {
		if err := errors.Join(f.file.Chmod(0o444), f.file.Sync(), os.Rename(f.file.Name(), name+f.ext)); err != nil {
			return "", err
		}
	}
	return name + ".pack", syncPath(w.dir)
}

// finishIndex writes what frames the sections, and sums it all up.
func (w *joint) finishIndex(pack []byte) error {
	head := []byte{255, 't', 'O', 'c', 0, 0, 0, 2}
	for _, n := range w.fanout {
		head = binary.BigEndian.AppendUint32(head, n)
	}
	if _, err := w.idx.WriteAt(head, 0); err != nil {
		return err
	}
	for _, section := range w.sections {
		if err := section.Flush(); err != nil {
			return err
		}
	}
	end := int64(indexHead+indexFanout) + int64(w.fanout[255])*(hashSize+4+4)
	if _, err := w.idx.WriteAt(pack, end); err != nil {
		return err
	}
	sum := sha1.New()
	if _, err := io.Copy(sum, io.NewSectionReader(w.idx, 0, end+hashSize)); err != nil {
		return err
	}
	_, err := w.idx.WriteAt(sum.Sum(nil), end+hashSize)
	return err
}

// close removes what was not put in place.
func (w *joint) close() (err error) {
	for _, f := range []*os.File{w.pack, w.idx} {
		if f == nil {
			continue
		}
		err = errors.Join(err, f.Close())
		if e := os.Remove(f.Name()); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
