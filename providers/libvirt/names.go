package libvirt

import (
	"fmt"
	"path"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// maxFileName is how long a file name may be on the file systems in use.
const maxFileName = 255

const namePrefix = "vmsteward"

// copySuffix is appended to a volume's name for the empty volume that stands
// beside it while it is being filled; see storage.go.
const copySuffix = ".filling"

// volumeName returns the name of a volume of the owner's VM: always the same
// one, so that a creation that was interrupted finds what it had made. Names
// that no file system would take carry the VM's UUID instead.
func volumeName(o providers.Owner, disk, ext string) string {
	name := strings.Join([]string{namePrefix, escape(o.Fleet), escape(o.VM.Namespace), escape(o.VM.Name), escape(disk)}, "_")
	if len(name)+len(ext)+len(copySuffix)+1 <= maxFileName {
		return name + "." + ext
	}
	return strings.Join([]string{namePrefix, o.UUID().String(), escape(disk)}, "_") + "." + ext
}

// volumeOwner reads the owner out of a volume's name. A name that carries a
// UUID does not tell the owner, and is not reported.
func volumeOwner(name string) (providers.Owner, bool) {
	base := strings.TrimSuffix(name, copySuffix)
	parts := strings.Split(strings.TrimSuffix(base, path.Ext(base)), "_")
	if len(parts) != 5 || parts[0] != namePrefix {
		return providers.Owner{}, false
	}
	var text [4]string
	for i, p := range parts[1:] {
		s, ok := unescape(p)
		if !ok || s == "" {
			return providers.Owner{}, false
		}
		text[i] = s
	}
	return providers.Owner{Fleet: text[0], VM: manifest.Key{Namespace: text[1], Name: text[2]}}, true
}

// escape keeps letters, digits, dots and dashes, and writes every other byte
// as "~" and two hexadecimal digits.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if plainByte(s[i]) {
			b.WriteByte(s[i])
			continue
		}
		fmt.Fprintf(&b, "~%02x", s[i])
	}
	return b.String()
}

func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '~' {
			b.WriteByte(s[i])
			continue
		}
		var c byte
		if len(s) < i+3 {
			return "", false
		}
		if _, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err != nil {
			return "", false
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), true
}

func plainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// The aliases that carry the manifest's names of devices. libvirt keeps an
// alias that begins with "ua-".
const (
	diskAlias = "ua-disk-"
	nicAlias  = "ua-nic-"
)

// alias returns the alias of a device, or "" if the name has characters that
// libvirt does not take in one; the mark then carries the name alone.
func alias(prefix, name string) string {
	for i := range len(name) {
		if c := name[i]; c == '.' || !plainByte(c) && c != '_' {
			return ""
		}
	}
	return prefix + name
}
