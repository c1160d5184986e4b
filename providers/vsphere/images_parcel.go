package vsphere

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/vmware/govmomi/vapi/library"

	"github.com/vmsteward/vmsteward/manifest"
)

// parcel is an OVA or OVF at an address.
type parcel struct {
	url      *url.URL
	hash     string // algorithm of the checksum
	checksum string // lower case; empty: there is none
}

// algorithms are those that checksums may be of.
var algorithms = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// newParcel reads what the manifest says of the image.
func newParcel(src *manifest.VSphereImage) (*parcel, error) {
	u, err := url.Parse(src.OVAURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, invalid("ovaURL is no http or https address") // its text may hold a password
	}
	p := &parcel{url: u, hash: strings.ToLower(orElse(src.ChecksumType, "sha256"))}
	p.checksum = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(src.Checksum)), p.hash+":")
	newHash := algorithms[p.hash]
	if newHash == nil {
		return nil, invalid("there is no checksumType %q", src.ChecksumType)
	}
	if p.checksum != "" {
		if raw, err := hex.DecodeString(p.checksum); err != nil || len(raw) != newHash().Size() {
			return nil, invalid("checksum %q is no %s, which has %d hexadecimal digits", src.Checksum, p.hash, 2*newHash().Size())
		}
	}
	return p, nil
}

// what tells the image from others: its content where that is stated as a
// whole, or else its address.
func (p *parcel) what() string {
	sum := p.hash + ":" + p.checksum
	switch {
	case p.checksum != "" && !p.isOVF():
		return sum
	case p.checksum != "":
		return p.url.String() + " " + sum
	}
	return p.url.String()
}

// isOVF tells whether the parcel is a descriptor with its files beside it, and
// not one archive.
func (p *parcel) isOVF() bool { return strings.HasSuffix(p.url.Path, ".ovf") }

// The limits of what is taken from an address, so that nothing can fill the
// memory of this process or a datastore.
const (
	mostDescriptor = 16 << 20
	mostManifest   = 1 << 20
	mostFiles      = 1000
	mostImage      = 4 << 40
)

// packed is one file of a parcel while it is read.
type packed struct {
	io.Reader
	name string
	size int64 // -1: not known
	err  error // with which reading ended, but for its end
}

// Read implements io.Reader.
func (f *packed) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// tallied tells of the bytes that are read.
type tallied struct {
	io.Reader
	of func(n int)
}

// Read implements io.Reader.
func (t *tallied) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	t.of(n)
	return n, err
}

// verify compares what was read with the checksum and with the manifest.
func (u *unpacking) verify() error {
	if got := hex.EncodeToString(u.whole.Sum(nil)); u.checksum != "" && got != u.checksum {
		return invalid("%s has the %s %s and not %s; correct the checksum, or the file", u.in.name, u.hash, got, u.checksum)
	}
	listed, err := library.ReadManifest(bytes.NewReader(u.manifest))
	if err != nil {
		return invalid("the manifest of %s cannot be read: %w", u.in.name, err)
	}
	for name, want := range listed {
		got := u.sums[path.Clean(name)][strings.ToLower(want.Algorithm)]
		if got != "" && !strings.EqualFold(got, want.Checksum) {
			return invalid("%s in %s has the %s %s, and its manifest says %s; the image is damaged",
				name, u.in.name, strings.ToLower(want.Algorithm), got, want.Checksum)
		}
	}
	return nil
}

// unvouched says what nothing vouches for; empty: everything was verified.
func (u *unpacking) unvouched() string {
	switch {
	case u.checksum == "" && len(u.manifest) == 0:
		return "there is neither a checksum nor a manifest, so nothing tells whether it is what it shall be; write a checksum"
	case u.checksum == "":
		return "there is no checksum, so nothing but its own manifest tells whether it is what it shall be; write one"
	case u.isOVF() && len(u.manifest) == 0:
		return "the checksum is that of the descriptor, and there is no manifest beside it that would tell of the disks"
	}
	return ""
}
