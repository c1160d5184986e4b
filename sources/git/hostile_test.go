package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// entry is one of a pack that is made by hand.
type entry struct {
	kind byte
	base []byte // as the kind has it: none, a name or a distance
	data []byte
}

const wholeBlob = 3

func packOfEntries(t *testing.T, list ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(list))))
	for _, e := range list {
		n := len(e.data)
		b.Write([]byte{e.kind<<4 | byte(n&15) | 0x80, byte(n >> 4 & 0x7f)}) // up to 2,047 bytes
		b.Write(e.base)
		z := zlib.NewWriter(&b)
		if _, err := z.Write(e.data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// copies is a delta that copies all of a base of n bytes, up to 255.
func copies(n int) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(n)), uint64(n)), 0x90, byte(n))
}

// says is a delta against a base of n bytes that copies nothing of it.
func says(n int, text string) []byte {
	return append(append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(n)), uint64(len(text))), byte(len(text))), text...)
}

func blobOf(text string) plumbing.Hash {
	return plumbing.ComputeHash(plumbing.BlobObject, []byte(text))
}

func emptyStore(t *testing.T) *store {
	t.Helper()
	s := newStore(t.TempDir())
	if err := s.create(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "refs", "heads", "x.lock"), "") // without the folder git sees no repository
	return s
}

func receive(s *store, pack []byte) error {
	return s.receive(func(w io.Writer) error { _, err := w.Write(pack); return err })
}

// A pack that has an object twice, once as a delta of itself, is not taken in:
// go-git would follow it without an end.
func TestObjectTwiceInAPack(t *testing.T) {
	const text = "some text that is there twice\n"
	h := blobOf(text)
	for reason, pack := range map[string][]byte{
		"a delta of itself": packOfEntries(t, entry{refDelta, h[:], copies(len(text))}, entry{wholeBlob, nil, []byte(text)}),
		"twice whole":       packOfEntries(t, entry{wholeBlob, nil, []byte(text)}, entry{wholeBlob, nil, []byte(text)}),
	} {
		s := emptyStore(t)
		if err := receive(s, pack); !errors.Is(err, errDamaged) {
			t.Errorf("%s: want it refused, got %v", reason, err)
		}
	}
}

// A repository of somebody's own making has an index by which the branch's commit
// is a delta of itself.
func TestCycleInARepository(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := plumbing.NewHash(r.Commit(map[string]string{"a.yaml": "1"}))
	pack := packOfEntries(t, entry{refDelta, tip[:], copies(100)})
	x := []byte{255, 't', 'O', 'c', 0, 0, 0, 2}
	for first := range 256 {
		x = binary.BigEndian.AppendUint32(x, map[bool]uint32{true: 1}[first >= int(tip[0])])
	}
	x = append(append(x, tip[:]...), 0, 0, 0, 0, 0, 0, 0, packHead)
	x = append(append(x, pack[len(pack)-hashSize:]...), make([]byte, hashSize)...)
	name := filepath.Join(packFolder(r.Dir), fmt.Sprintf("pack-%x", pack[len(pack)-hashSize:]))
	write(t, name+".pack", string(pack))
	write(t, name+".idx", string(x))
	refused(t, build(t, r, nil), sources.Unavailable, "a delta has no base that is whole")
}

// Others name packs after what is in them, as Git itself did once.
func TestPacksUnderOtherNames(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1"})
	r.Git("-C", r.Dir, "repack", "-adq")
	all, err := filepath.Glob(packFolder(r.Dir) + "/pack-*")
	if err != nil || len(all) < 2 {
		t.Fatalf("want a pack, got %v, %v", all, err)
	}
	for _, f := range all {
		if err := os.Rename(f, filepath.Join(packFolder(r.Dir), "pack-0123456789012345678901234567890123456789"+filepath.Ext(f))); err != nil {
			t.Fatal(err)
		}
	}
	want(t, build(t, r, nil), tip)
}

// counted does something once so many objects were looked up as packed.
type counted struct {
	objects
	n  int
	do func()
}

func (c *counted) DeltaObject(kind plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := c.objects.DeltaObject(kind, h)
	if c.n--; c.n == 0 {
		c.do()
	}
	return o, err
}

// A large object is looked up first and read later. The repository is packed in
// between; its pack is gone by its name.
func TestPackedWhileCopied(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1", "large": strings.Repeat("x", 70_000)})
	r.Git("-C", r.Dir, "repack", "-adq")
	s := build(t, r, nil)
	if err := s.store.create(); err != nil {
		t.Fatal(err)
	}
	c := &counted{objects: objectsAt(t, s)}
	m := &missing{from: guard(t.Context(), c), to: s.store, seen: map[plumbing.Hash]bool{}}
	if err := m.add(plumbing.NewHash(r.Tip("main"))); err != nil {
		t.Fatal(err)
	}
	c.n, c.do = len(m.list), func() {
		r.Commit(map[string]string{"a.yaml": "2"})
		r.Git("-C", r.Dir, "repack", "-adq")
	}
	if err := s.store.receive(func(to io.Writer) error {
		_, err := packfile.NewEncoder(to, m.from, true).Encode(m.list, deltaWindow)
		return err
	}); err != nil || c.n > 0 {
		t.Errorf("%v, with %d still to be looked up", err, c.n)
	}
}

// Files come and go in the folder of packs while it is listed.
func TestListingWhileFilesComeAndGo(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1"})
	r.Git("-C", r.Dir, "repack", "-adq")
	talk, err := build(t, r, nil).remote.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer talk.close()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				f := filepath.Join(packFolder(r.Dir), "tmp_pack_x")
				_ = errors.Join(os.WriteFile(f, nil, 0o600), os.Remove(f))
			}
		}
	}()
	for range 1000 {
		p, err := openPacksOf(talk.(*localTalk).st.Filesystem())
		if err != nil || len(p.list) != 1 {
			t.Errorf("want one pack, got %v, %v", p, err)
			break
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-done
}

// A bit falls over in an old pack that nothing reads any more. Packing finds it,
// and the clone is made again with the next fetch.
func TestRotIsCured(t *testing.T) {
	sourcetest.Need(t, "git")
	for _, atOnce := range []int64{20, 1000} { // joined, packed anew
		r := sourcetest.NewRepo(t)
		r.Commit(map[string]string{"vms/0.yaml": "0"})
		s := build(t, r, nil)
		s.packs, s.store.atOnce = 4, atOnce
		want(t, s, push(t, r, 20))
		pack := packFiles(t, s, "pack")[0]
		b, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		write(t, pack, string(b))
		s.store.reopen()
		var notes []string
		for range 12 {
			notes = append(notes, want(t, s, push(t, r, 10)).Notes...)
			if n := len(packFiles(t, s, "pack")); n > s.packs+1 {
				t.Errorf("%d packs, want at most %d", n, s.packs)
			}
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "damaged, moved aside and made again") {
			t.Errorf("want one note that the clone was made again, got %q", notes)
		}
		sound(t, r, s.store)
	}
}

// The kind of an entry lies outside of what zlib checks. An object whose kind has
// become another is another object; packing anew must not lose the true one
// without a word.
func TestKindTurnedOver(t *testing.T) {
	s := emptyStore(t)
	for _, text := range []string{"some text that is whole\n", "another\n"} {
		if err := receive(s, packOfEntries(t, entry{wholeBlob, nil, []byte(text)})); err != nil {
			t.Fatal(err)
		}
	}
	packs, err := s.packFiles()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	b[packHead] ^= 0x20 // a blob becomes a commit
	write(t, packs[0], string(b))
	if _, err := s.replace(t.Context(), packs, s.encode); !errors.Is(err, errDamaged) {
		t.Errorf("want it found, got %v", err)
	}
	for _, p := range packs {
		if _, err := os.Stat(p); err != nil {
			t.Errorf("want the old packs kept: %v", err)
		}
	}
}

// Snapshots are read while packs come and go beneath them.
func TestReadersWhilePacksGo(t *testing.T) {
	r := sourcetest.NewRepo(t)
	dice := rand.New(rand.NewPCG(1, 1))
	text := func() string {
		b := make([]byte, 20_000) // which no packing makes much smaller
		for i := range b {
			b[i] = "0123456789abcdef"[dice.IntN(16)]
		}
		return string(b)
	}
	r.Commit(map[string]string{"0": text()})
	s := build(t, r, nil)
	s.packs = 10
	var mu sync.Mutex
	last := want(t, s, r.Tip("main"))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				files := last.Files
				mu.Unlock()
				if err := readAll(files); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 60 {
		r.Commit(map[string]string{fmt.Sprint(i % 20): text()})
		snap := want(t, s, r.Tip("main"))
		if s.store.suspect.Load() {
			t.Errorf("after fetch %d: a healthy clone is suspect", i)
		}
		mu.Lock()
		last = snap
		mu.Unlock()
	}
	close(stop)
	readers.Wait()
}

func readAll(files fs.FS) error {
	return fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = fs.ReadFile(files, p)
		}
		return err
	})
}

// When nothing new is found, no table by offset stays.
func TestTablesGo(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": strings.Repeat("a line that stays\n", 300)})
	tip := push(t, r, 200)
	r.Git("-C", r.Dir, "repack", "-adfq")
	srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
	s := build(t, r, func(c *Config) { c.URL, c.Auth = srv.URL, srv.Auth })
	want(t, s, tip)
	tables := func() (n int) {
		for _, p := range s.store.packs.list {
			n += len(p.index.byOffset)
		}
		return n
	}
	for _, line := range objectsOf(r, s.cfg.Dir) {
		if _, err := s.store.memory(plumbing.AnyObject, plumbing.NewHash(strings.Fields(line)[0])); err != nil {
			t.Fatal(err)
		}
	}
	if tables() == 0 {
		t.Fatal("reading deltas by offset made no table")
	}
	if want(t, s, tip); tables() != 0 {
		t.Errorf("a table of %d objects stays", tables())
	}
}
