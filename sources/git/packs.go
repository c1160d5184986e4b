package git

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// smallIndex is up to how many bytes an index is held in memory, and not open.
const smallIndex = 8 << 10

// packs are the packs of a repository as they lay there when last looked at.
// Reading one object takes no memory that grows with them. They are not safe for
// concurrent use.
type packs struct {
	repo  billy.Filesystem
	ours  bool // all must be there, as they were written; others come and go as people work
	cache cache.Object
	list  []*pack
}

// pack is one of them.
type pack struct {
	name  string // as a path in the repository, without suffix
	index *packIndex
	held  io.Closer          // the index's file; nil if it is small
	file  *packfile.Packfile // nil until an object is read
}

func packFolder(dir string) string { return filepath.Join(dir, "objects", "pack") }

// openPacks reads the index of each pack of our clone in dir.
func openPacks(dir string) (*packs, error) {
	return openPacksIn(osfs.New(dir, osfs.WithBoundOS()), true)
}

// openPacksOf reads those of somebody's repository, whose folder may be a linked
// worktree's with the packs elsewhere, as gitrepository-layout(5) has it.
func openPacksOf(repo billy.Filesystem) (*packs, error) {
	dir := repo.Root()
	common, err := os.ReadFile(filepath.Join(dir, "commondir"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if to := strings.TrimSpace(string(common)); filepath.IsAbs(to) {
		dir = to
	} else {
		dir = filepath.Join(dir, to)
	}
	return openPacksIn(osfs.New(dir), false)
}

func openPacksIn(repo billy.Filesystem, ours bool) (*packs, error) {
	p := &packs{repo: repo, ours: ours, cache: cache.NewObjectLRU(cacheSize)}
	if err := p.look(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// look takes in the packs that were not there before.
func (p *packs) look() error {
	ids, err := p.ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		name := path.Join("objects", "pack", "pack-"+id.String())
		if slices.ContainsFunc(p.list, func(have *pack) bool { return have.name == name }) {
			continue
		}
		one, err := p.open(name)
		if errors.Is(err, fs.ErrNotExist) && !p.ours {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.list = append(p.list, one)
		if !p.ours { // where a pack may have another name than its checksum
			continue
		}
		if one.index.pack != id {
			return fmt.Errorf("%s: %w: it belongs to the pack %s", name, errIndex, one.index.pack)
		}
		if err := p.wantAll(one); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// ids lists the packs by what their files are named after. Names alone are asked
// for: other files may come and go meanwhile.
func (p *packs) ids() (ids []plumbing.Hash, err error) {
	list, err := os.ReadDir(packFolder(p.repo.Root()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range list {
		id, isPack := strings.CutSuffix(strings.TrimPrefix(e.Name(), "pack-"), ".pack")
		if isPack && plumbing.IsHash(id) {
			ids = append(ids, plumbing.NewHash(id))
		}
	}
	return ids, nil
}

// wantAll wants the index to have as many objects as the pack. It has fewer when
// the pack has one twice, which could then be a delta of itself.
func (p *packs) wantAll(of *pack) (err error) {
	f, err := p.repo.Open(of.name + ".pack")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var head [packHead]byte
	if n, err := f.ReadAt(head[:], 0); n < len(head) {
		return fmt.Errorf("pack: %w", err)
	}
	if n := int64(binary.BigEndian.Uint32(head[8:])); n != of.index.count {
		return fmt.Errorf("%w: it has %d objects and the pack %d", errIndex, of.index.count, n)
	}
	return nil
}

// open reads the index of one pack.
func (p *packs) open(name string) (*pack, error) {
	i, err := p.repo.Stat(name + ".idx")
	if err != nil {
		return nil, err
	}
	f, err := p.repo.Open(name + ".idx")
	if err != nil {
		return nil, err
	}
	one := &pack{name: name, held: f}
	var at io.ReaderAt = f
	if i.Size() <= smallIndex {
		all, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		one.held, at = nil, bytes.NewReader(all)
	}
	one.index, err = openIndex(at, i.Size())
	if err == nil && p.ours {
		err = one.index.verify()
	}
	if err != nil {
		return nil, errors.Join(err, one.close())
	}
	return one, nil
}

func (o *pack) close() (err error) {
	if o.held != nil {
		err = o.held.Close()
	}
	if o.file != nil {
		err = errors.Join(err, o.file.Close())
	}
	return err
}

func (p *packs) close() (err error) {
	for _, one := range p.list {
		err = errors.Join(err, one.close())
	}
	p.list = nil
	return err
}

// find returns where an object is, or ErrObjectNotFound.
func (p *packs) find(h plumbing.Hash) (*pack, int64, error) {
	for _, one := range p.list {
		offset, err := one.index.FindOffset(h)
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			return one, offset, err
		}
	}
	return nil, 0, plumbing.ErrObjectNotFound
}

// reach finds an object and opens its pack.
func (p *packs) reach(h plumbing.Hash) (*pack, int64, error) {
	of, offset, err := p.find(h)
	if err != nil || of.file != nil {
		return of, offset, err
	}
	f, err := p.repo.Open(of.name + ".pack")
	if err != nil {
		return nil, 0, err
	}
	of.file = packfile.NewPackfileWithCache(of.index, holding{p.repo, f}, f, p.cache, largeBlob)
	return of, offset, nil
}

// holding is a folder of which one file is wanted, that is open. Large objects
// are read only after they were looked up, when the file may be gone by its name.
type holding struct {
	billy.Filesystem
	file billy.File
}

// Open implements billy.Basic.
func (h holding) Open(string) (billy.File, error) {
	return again{h.file, io.NewSectionReader(h.file, 0, 1<<62)}, nil
}

// again is an open file from its beginning.
type again struct {
	billy.File
	from *io.SectionReader
}

// Read implements io.Reader.
func (a again) Read(b []byte) (int, error) { return a.from.Read(b) }

// Seek implements io.Seeker.
func (a again) Seek(offset int64, whence int) (int64, error) { return a.from.Seek(offset, whence) }

// Close implements io.Closer. The file stays open.
func (a again) Close() error { return nil }

// of returns the packs with these files.
func (p *packs) of(files []string) (list []*pack) {
	for _, one := range p.list {
		if slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f) == filepath.Base(one.name)+".pack" }) {
			list = append(list, one)
		}
	}
	return list
}

// within lists the objects of the packs with these files, each once, in order.
func (p *packs) within(files []string) (all []plumbing.Hash, err error) {
	for _, of := range p.of(files) {
		list, err := of.index.hashes()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", of.name, err)
		}
		all = append(all, list...)
	}
	plumbing.HashesSort(all)
	return slices.Compact(all), nil
}

// EncodedObject reads an object of the kind, which may be any.
func (p *packs) EncodedObject(kind plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	of, offset, err := p.reach(h)
	if err != nil {
		return nil, err
	}
	if !p.ours {
		if err := of.grounded(offset); err != nil {
			return nil, err
		}
	}
	o, err := of.file.Get(h)
	if err == nil && kind != plumbing.AnyObject && o.Type() != kind {
		err = plumbing.ErrObjectNotFound
	}
	return o, err
}

// maxChain is how many deltas may lie between an object and one that is whole,
// as go-git has it for packs that are received.
const maxChain = 4095

// grounded follows an object's bases to one that is whole. go-git follows them
// without an end, should there be none. In our own packs there is: what a server
// sends is resolved when it arrives.
func (o *pack) grounded(offset int64) error {
	for range maxChain {
		h, err := o.file.Scanner().SeekObjectHeader(offset)
		if err != nil {
			return err
		}
		switch h.Type {
		case plumbing.REFDeltaObject:
			if offset, err = o.index.FindOffset(h.Reference); err != nil {
				return err
			}
		case plumbing.OFSDeltaObject:
			offset = h.OffsetReference
		default:
			return nil
		}
	}
	return errors.New("a delta has no base that is whole")
}

// DeltaObject reads an object as it is packed, whatever its kind: what differs
// from its base, if it has one.
func (p *packs) DeltaObject(_ plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	of, offset, err := p.reach(h)
	if err != nil {
		return nil, err
	}
	head, err := of.file.Scanner().SeekObjectHeader(offset)
	if err != nil {
		return nil, err
	}
	d := &delta{hash: h, base: head.Reference}
	switch head.Type {
	case plumbing.REFDeltaObject:
	case plumbing.OFSDeltaObject:
		if d.base, err = of.index.FindHash(head.OffsetReference); err != nil {
			return nil, err
		}
	default:
		return of.file.Get(h)
	}
	d.SetType(head.Type)
	if _, _, err := of.file.Scanner().NextObject(&d.MemoryObject); err != nil {
		return nil, err
	}
	r, err := d.Reader()
	if err != nil {
		return nil, err
	}
	d.size, err = sizeAfter(bufio.NewReader(r))
	return d, err
}

// sizeAfter reads from the beginning of a delta how large the object is.
func sizeAfter(delta io.ByteReader) (int64, error) {
	if _, err := binary.ReadUvarint(delta); err != nil { // the size of the base
		return 0, err
	}
	n, err := binary.ReadUvarint(delta)
	return int64(n), err
}

// delta is the difference of an object from its base.
type delta struct {
	plumbing.MemoryObject
	hash, base plumbing.Hash
	size       int64
}

var _ plumbing.DeltaObject = (*delta)(nil)

// BaseHash implements plumbing.DeltaObject.
func (d *delta) BaseHash() plumbing.Hash { return d.base }

// ActualHash implements plumbing.DeltaObject.
func (d *delta) ActualHash() plumbing.Hash { return d.hash }

// ActualSize implements plumbing.DeltaObject.
func (d *delta) ActualSize() int64 { return d.size }
