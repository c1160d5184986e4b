package dir

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// racy is how old a file's last change must be, when it is read, for its stamp
// to vouch for its content later: two changes within one tick of the file
// system's clock leave the same stamp.
const racy = 2 * time.Second

// stamp is what lstat says of an entry. Equal stamps mean an unchanged entry,
// but for the clock's coarseness.
type stamp struct {
	mode   fs.FileMode
	size   int64
	mtime  int64
	change int64 // inode change time, nanoseconds; zero where not known
	inode  uint64
}

// cached is a file as it was last read.
type cached struct {
	stamp  stamp
	sum    [sha256.Size]byte
	data   []byte // nil when it is not kept
	settle bool   // the stamp was old enough to vouch for the content
}

// isYAML tells the files that are always kept from those kept while they fit.
func isYAML(rel string) bool {
	switch strings.ToLower(path.Ext(rel)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// keep decides whether a file's content stays in memory. It counts, so it is
// asked once per file.
func (sc *scan) keep(rel string, size int64) bool {
	if size > sc.cfg.MaxFile {
		return false
	}
	if isYAML(rel) {
		return true
	}
	if sc.others+size > sc.cfg.MaxOther {
		return false
	}
	sc.others += size
	return true
}

// file returns the content of one regular file, from the cache if its stamp
// vouches for it. A file that changes under the reading gives errTorn.
func (sc *scan) file(ctx context.Context, rel string, i fs.FileInfo) (cached, error) {
	want := stampOf(i)
	keep := sc.keep(rel, want.size)
	if c, ok := sc.old[rel]; ok && c.settle && c.stamp == want && keep == (c.data != nil) {
		return c, nil
	}
	f, err := os.OpenFile(filepath.Join(sc.dir, filepath.FromSlash(rel)),
		os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) { // replaced by a link since lstat
		return cached{}, fmt.Errorf("%s: %w", rel, errTorn)
	}
	if err != nil {
		return cached{}, vanished(rel, err)
	}
	defer f.Close()
	if err := same(f, rel, want); err != nil {
		return cached{}, err
	}
	touched := max(want.mtime, want.change)
	c := cached{stamp: want, settle: time.Since(time.Unix(0, touched)) > racy}
	if err := c.read(ctx, f, keep); err != nil {
		return cached{}, fmt.Errorf("%s: %w", rel, err)
	}
	return c, same(f, rel, want)
}

// same checks that the open file is the one that lstat saw, unchanged.
func same(f *os.File, rel string, want stamp) error {
	i, err := f.Stat()
	if err != nil {
		return err
	}
	if stampOf(i) != want {
		return fmt.Errorf("%s: %w", rel, errTorn)
	}
	return nil
}

// read hashes f in one stream and keeps the bytes on request.
func (c *cached) read(ctx context.Context, f io.Reader, keep bool) error {
	h := sha256.New()
	var data []byte
	if keep {
		data = make([]byte, 0, c.stamp.size)
	}
	buf := make([]byte, min(256<<10, c.stamp.size+1))
	var n int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := f.Read(buf)
		h.Write(buf[:k])
		if n += int64(k); n > c.stamp.size {
			return errTorn
		}
		if keep {
			data = append(data, buf[:k]...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if n != c.stamp.size {
		return errTorn
	}
	h.Sum(c.sum[:0])
	c.data = data
	return nil
}
