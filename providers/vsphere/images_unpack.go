package vsphere

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// unpacking is a parcel while it is taken apart, once and from front to back:
// it is as large as the disks of a machine, and is kept nowhere on this one.
type unpacking struct {
	*parcel
	web     *web
	in      *download
	whole   hash.Hash // of all bytes of in
	archive *tar.Reader
	moved   func(n int) // told of bytes

	descriptor []byte
	manifest   []byte
	sums       map[string]map[string]string // of files: by algorithm, in hexadecimal
}

// unpack begins to fetch the parcel, and reads its descriptor.
func (p *parcel) unpack(ctx context.Context, w *web, moved func(n int)) (*unpacking, error) {
	u := &unpacking{parcel: p, web: w, moved: moved, sums: map[string]map[string]string{}}
	var err error
	if u.in, err = w.open(ctx, p.url); err != nil {
		return nil, err
	}
	if u.in.size > mostImage {
		_ = u.in.Close()
		return nil, invalid("%s has %d bytes, more than an image may have", u.in.name, u.in.size)
	}
	if err = u.describe(ctx); err != nil {
		_ = u.in.Close()
		return nil, err
	}
	return u, nil
}

func (u *unpacking) describe(ctx context.Context) error {
	u.whole = algorithms[u.hash]()
	all := &tallied{io.TeeReader(io.LimitReader(u.in, mostImage), u.whole), u.moved}
	if u.isOVF() {
		var err error
		if u.descriptor, err = u.take(path.Base(u.url.Path), all, mostDescriptor); err != nil {
			return err
		}
		if err := u.fetchManifest(ctx); err != nil {
			return err
		}
		return u.verify()
	}
	u.archive = tar.NewReader(all)
	h, err := u.next()
	if err != nil {
		return err
	}
	if h == nil || !strings.HasSuffix(h.Name, ".ovf") {
		return invalid("%s is no OVA: its first file is not a descriptor", u.in.name)
	}
	u.descriptor, err = u.take(h.Name, u.archive, mostDescriptor)
	return err
}

// next returns the next file of an OVA, and nil after the last.
func (u *unpacking) next() (*tar.Header, error) {
	for range mostFiles {
		h, err := u.archive.Next()
		switch {
		case err == io.EOF:
			return nil, nil
		case errors.Is(err, tar.ErrHeader):
			return nil, invalid("%s is no OVA, which is a tar archive", u.in.name)
		case err != nil:
			return nil, u.broken(err)
		}
		h.Name = path.Clean(h.Name)
		if h.Typeflag == tar.TypeReg {
			return h, nil
		}
	}
	return nil, invalid("%s has more than %d files", u.in.name, mostFiles)
}

// broken gives an error of reading its kind, unless it has one.
func (u *unpacking) broken(err error) error {
	var own *providers.Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	return unusable("%s ends too early: %w", u.in.name, err)
}

// take reads a small file as a whole, and notes its sums.
func (u *unpacking) take(name string, from io.Reader, most int64) ([]byte, error) {
	f := u.open(name, from, -1)
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, u.broken(err)
	case int64(len(b)) > most:
		return nil, invalid("%s in %s has more than %d bytes", name, u.in.name, most)
	}
	f.note()
	return b, nil
}

// summed is a file whose sums are noted when it was read.
type summed struct {
	*packed
	note func()
}

// open returns a file that can be read once.
func (u *unpacking) open(name string, from io.Reader, size int64) *summed {
	sums := map[string]hash.Hash{}
	var all []io.Writer
	for _, algorithm := range []string{"sha1", "sha256", "sha512"} { // those of manifests
		if u.checksum != "" && u.archive != nil {
			break // the checksum of the whole says it all
		}
		sums[algorithm] = algorithms[algorithm]()
		all = append(all, sums[algorithm])
	}
	return &summed{
		&packed{Reader: io.TeeReader(from, io.MultiWriter(all...)), name: name, size: size},
		func() {
			out := map[string]string{}
			for algorithm, h := range sums {
				out[algorithm] = hex.EncodeToString(h.Sum(nil))
			}
			u.sums[name] = out
		},
	}
}

// each calls fn with the files of those names, in the order in which they
// come, and then checks all sums. A file that is not there is an error.
func (u *unpacking) each(ctx context.Context, names []string, fn func(*packed) error) error {
	var err error
	if u.archive == nil {
		err = u.eachOfWeb(ctx, names, fn)
	} else {
		err = u.eachOfArchive(names, fn)
	}
	if err == nil {
		err = u.verify()
	}
	return err
}

func (u *unpacking) eachOfArchive(names []string, fn func(*packed) error) error {
	left := slices.Clone(names)
	for range mostFiles {
		h, err := u.next()
		switch {
		case err != nil:
			return err
		case h == nil && len(left) > 0:
			return invalid("%s lacks the file %q of its descriptor", u.in.name, left[0])
		case h == nil:
			return u.drain()
		case strings.HasSuffix(h.Name, ".mf"):
			if u.manifest, err = u.take(h.Name, u.archive, mostManifest); err != nil {
				return err
			}
			continue
		}
		f := u.open(h.Name, u.archive, h.Size)
		if i := slices.Index(left, h.Name); i >= 0 {
			left = slices.Delete(left, i, i+1)
			if err := fn(f.packed); err != nil && f.err != nil {
				return u.broken(f.err)
			} else if err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, f); err != nil {
			return u.broken(err)
		}
		f.note()
	}
	return invalid("%s has more than %d files", u.in.name, mostFiles)
}

// drain reads what comes after the last file, for the sum of the whole.
func (u *unpacking) drain() error {
	_, err := io.Copy(u.whole, u.in)
	if err != nil {
		return u.broken(err)
	}
	return nil
}

// eachOfWeb fetches the files that lie beside the descriptor.
func (u *unpacking) eachOfWeb(ctx context.Context, names []string, fn func(*packed) error) error {
	for _, name := range names {
		in, err := u.beside(ctx, name)
		if err != nil {
			return err
		}
		f := u.open(name, &tallied{io.LimitReader(in, mostImage), u.moved}, in.size)
		err = fn(f.packed)
		if err == nil {
			_, err = io.Copy(io.Discard, f)
		}
		_ = in.Close()
		if err != nil {
			return err
		}
		f.note()
	}
	return nil
}

// beside opens a file by its address relative to the descriptor's. It must lie
// on the same server.
func (u *unpacking) beside(ctx context.Context, name string) (*download, error) {
	ref, err := url.Parse(name)
	if err != nil {
		return nil, invalid("the descriptor %s names a file %q, which is no address", u.in.name, name)
	}
	at := u.url.ResolveReference(ref)
	if at.Scheme != u.url.Scheme || at.Host != u.url.Host {
		return nil, invalid("the descriptor %s names the file %q on another server", u.in.name, name)
	}
	return u.web.open(ctx, at)
}

// fetchManifest fetches the sums of the files beside a descriptor, if there
// are any.
func (u *unpacking) fetchManifest(ctx context.Context) error {
	name := strings.TrimSuffix(path.Base(u.url.Path), ".ovf") + ".mf"
	in, err := u.beside(ctx, name)
	var e *providers.Error
	if errors.As(err, &e) && e.Missing != "" {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	u.manifest, err = u.take(name, in, mostManifest)
	return err
}
