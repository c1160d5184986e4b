package libvirt

import (
	"strings"
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// use is a domain or a volume, with the text in which it names its storage.
type use struct {
	by   string // "domain x", "volume y"
	uuid golibvirt.UUID
	text string
}

// checkUnused returns a Conflict if any domain of the host names the storage,
// or any volume stands on it: a path, or the name of a volume of ours, which
// is unlike every other. If one of them cannot be read, nothing is proved and
// that is the error.
func checkUnused(c *golibvirt.Libvirt, storage string) error {
	uses, err := allUses(c)
	if err != nil {
		return err
	}
	if by := usedBy(uses, storage, golibvirt.UUID{}); by != "" {
		return conflict("%s is in use by %s; detach it there", storage, by)
	}
	return nil
}

// usedBy returns who names the storage, or "". The domain except does not
// count.
func usedBy(uses []use, storage string, except golibvirt.UUID) string {
	needle := attributeText(storage)
	for i := range uses {
		if uses[i].uuid != except && names(uses[i].text, needle) {
			return uses[i].by
		}
	}
	return ""
}

// names tells whether needle is in the text and ends where an attribute or an
// element ends.
func names(text, needle string) bool {
	for {
		_, after, found := strings.Cut(text, needle)
		if !found {
			return false
		}
		if after != "" && strings.IndexByte(`'"<`, after[0]) >= 0 {
			return true
		}
		text = after
	}
}

// allUses returns every domain, and every volume that stands on another.
func allUses(c *golibvirt.Libvirt) ([]use, error) {
	doms, err := domainUses(c)
	if err != nil {
		return nil, err
	}
	vols, err := volumeUses(c)
	return append(doms, vols...), err
}

// attributeText writes s as libvirt writes it in a document.
func attributeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
}

// domainUses returns every domain of the host, in the shape that runs and in
// the one that the next start has.
func domainUses(c *golibvirt.Libvirt) ([]use, error) {
	doms, _, err := c.ConnectListAllDomains(1, 0)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var out []use
	add := func(dom golibvirt.Domain, flags golibvirt.DomainXMLFlags) error {
		text, err := c.DomainGetXMLDesc(dom, flags)
		if isCode(err, golibvirt.ErrNoDomain) {
			return nil // gone since it was listed
		}
		mu.Lock()
		defer mu.Unlock()
		out = append(out, use{"domain " + dom.Name, dom.UUID, withoutMetadata(text)})
		return err
	}
	err = each(len(doms), func(i int) error {
		if doms[i].ID >= 0 {
			if err := add(doms[i], 0); err != nil {
				return err
			}
		}
		return add(doms[i], golibvirt.DomainXMLInactive)
	})
	return out, err
}

// withoutMetadata cuts the metadata out of a domain's document: a domain that
// was copied from one of ours names our storage there, and does not use it.
func withoutMetadata(document string) string {
	before, rest, ok := strings.Cut(document, "<metadata>")
	if !ok {
		return document
	}
	_, after, ok := strings.Cut(rest, "\n  </metadata>\n")
	if !ok {
		return document
	}
	return before + after
}

// volumeUses returns every volume of the active pools that stands on another.
func volumeUses(c *golibvirt.Libvirt) ([]use, error) {
	vols, err := allVolumes(c)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var out []use
	err = each(len(vols), func(i int) error {
		text, err := c.StorageVolGetXMLDesc(vols[i], 0)
		if err != nil {
			return ignoreGone(err)
		}
		if _, backing, ok := strings.Cut(text, "<backingStore>"); ok {
			mu.Lock()
			defer mu.Unlock()
			out = append(out, use{by: "volume " + vols[i].Name, text: backing})
		}
		return nil
	})
	return out, err
}

// ignoreGone drops the error of a volume that went away since it was listed.
func ignoreGone(err error) error {
	if isCode(err, golibvirt.ErrNoStorageVol) {
		return nil
	}
	return err
}

// allVolumes lists the volumes of every active pool.
func allVolumes(c *golibvirt.Libvirt) ([]golibvirt.StorageVol, error) {
	pools, _, err := c.ConnectListAllStoragePools(1, golibvirt.ConnectListStoragePoolsActive)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var out []golibvirt.StorageVol
	err = each(len(pools), func(i int) error {
		vols, _, err := c.StoragePoolListAllVolumes(pools[i], 1, 0)
		mu.Lock()
		defer mu.Unlock()
		out = append(out, vols...)
		return err
	})
	return out, err
}
