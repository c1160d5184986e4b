package main

import (
	"fmt"
	"path/filepath"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/vmsteward/vmsteward/internal/bench/side"
)

// model is the VM whose documents the floor copies.
const model = "vm-000000"

// floor makes domains like those that our provider made.
type floor struct {
	conns  []*golibvirt.Libvirt
	each   int // calls at once on each
	image  string
	pool   golibvirt.StoragePool
	domain string // document of the model
	volume string
	uuid   string // of the model
}

// floor reads the documents of the first VM that the provider has made.
func (b *bench) floor() (*floor, error) {
	f := &floor{each: b.provider.Capabilities().Concurrency / 2, image: filepath.Join(b.host.PoolDir, "base.qcow2")}
	for range 2 {
		c, err := side.Bare(b.Stage, b.host)
		if err != nil {
			return nil, err
		}
		f.conns = append(f.conns, c)
	}
	dom, err := b.bare.DomainLookupByName(model)
	if err != nil {
		return nil, err
	}
	f.uuid = uuid.UUID(dom.UUID).String()
	if f.pool, err = b.bare.StoragePoolLookupByName("default"); err != nil {
		return nil, err
	}
	if f.domain, err = b.bare.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive|golibvirt.DomainXMLSecure); err != nil {
		return nil, err
	}
	f.volume = fmt.Sprintf(`<volume><name>%s</name><capacity unit="B">%d</capacity><allocation unit="B">0</allocation>`+
		`<target><format type="qcow2"/></target><backingStore><path>%s</path><format type="qcow2"/></backingStore></volume>`,
		volumeOf(f.domain), 64<<20, f.image)
	return f, nil
}

// volumeOf finds the name of the volume in a domain's document.
func volumeOf(document string) string {
	_, rest, _ := strings.Cut(document, "<source file='")
	path, _, _ := strings.Cut(rest, "'")
	return filepath.Base(path)
}

// all makes n domains, as many at once as our engine does.
func (f *floor) all(n int, one func(c *golibvirt.Libvirt, i int) error) error {
	var g errgroup.Group
	next := make(chan int)
	for _, c := range f.conns {
		for range f.each {
			g.Go(func() error {
				var first error
				for i := range next {
					if err := one(c, i); err != nil && first == nil {
						first = fmt.Errorf("domain %d: %w", i, err)
					}
				}
				return first
			})
		}
	}
	for i := range n {
		next <- i
	}
	close(next)
	return g.Wait()
}

// named gives a document another name and UUID.
func (f *floor) named(document string, i int) (string, uuid.UUID) {
	id := uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "floor/%d", i))
	return strings.NewReplacer(model, fmt.Sprintf("fl-%06d", i), f.uuid, id.String()).Replace(document), id
}

// asWeDo makes every call of our Create.
func (f *floor) asWeDo(c *golibvirt.Libvirt, i int) error {
	name, id := f.named(model, i)
	if _, err := c.DomainLookupByUUID(golibvirt.UUID(id)); err == nil {
		return fmt.Errorf("%s is there", id)
	}
	if _, err := c.DomainLookupByName(name); err == nil {
		return fmt.Errorf("%s is there", name)
	}
	if _, err := c.NetworkLookupByName("default"); err != nil {
		return err
	}
	pool, err := c.StoragePoolLookupByName("default")
	if err != nil {
		return err
	}
	if _, err := c.StoragePoolIsActive(pool); err != nil {
		return err
	}
	if _, err := c.StoragePoolGetXMLDesc(pool, 0); err != nil {
		return err
	}
	image, err := c.StorageVolLookupByPath(f.image)
	if err != nil {
		return err
	}
	if _, err := c.StorageVolGetXMLDesc(image, 0); err != nil {
		return err
	}
	text, _ := f.named(f.volume, i)
	if _, err := c.StorageVolLookupByName(pool, volumeOf("<source file='"+strings.SplitN(text, "</name>", 2)[0]+"'")); err == nil {
		return fmt.Errorf("the volume of %s is there", name)
	}
	return f.make(c, pool, i, true)
}

// atLeast makes the two calls that make something.
func (f *floor) atLeast(c *golibvirt.Libvirt, i int) error {
	return f.make(c, f.pool, i, false)
}

func (f *floor) make(c *golibvirt.Libvirt, pool golibvirt.StoragePool, i int, look bool) error {
	text, _ := f.named(f.volume, i)
	vol, err := c.StorageVolCreateXML(pool, text, 0)
	if err != nil {
		return err
	}
	if look {
		if _, err := c.StorageVolGetXMLDesc(vol, 0); err != nil {
			return err
		}
	}
	text, _ = f.named(f.domain, i)
	_, err = c.DomainDefineXML(text)
	return err
}
