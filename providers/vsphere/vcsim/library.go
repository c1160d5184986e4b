package vcsim

import (
	"bytes"
	"context"
	"fmt"
	"net/url"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/vapi/library"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vim25/soap"
)

// AddLibrary makes a content library, kept on DC0's LocalDS_0, with an image
// under each of the names.
func (s *Server) AddLibrary(name string, items ...string) error {
	return s.withREST(func(ctx context.Context, c *rest.Client) error { return s.addLibrary(ctx, c, name, items) })
}

// AddTemplateItem makes an item of a library of a template of the inventory.
func (s *Server) AddTemplateItem(libraryName, item, template string) error {
	return s.withREST(func(ctx context.Context, c *rest.Client) error {
		vm, err := find.NewFinder(s.admin).VirtualMachine(ctx, template)
		if err != nil {
			return err
		}
		m := library.NewManager(c)
		l, err := m.GetLibraryByName(ctx, libraryName)
		if err != nil {
			return err
		}
		id, err := m.CreateLibraryItem(ctx, library.Item{LibraryID: l.ID, Name: item, Type: library.ItemTypeVMTX})
		if err != nil {
			return err
		}
		s.shelf.mu.Lock()
		defer s.shelf.mu.Unlock()
		if s.shelf.templates == nil {
			s.shelf.templates = map[string]string{}
		}
		s.shelf.templates[id] = vm.Reference().Value
		return nil
	})
}

func (s *Server) withREST(fn func(context.Context, *rest.Client) error) error {
	ctx := context.Background()
	soapClient, err := govmomi.NewClient(ctx, s.inner.URL, true)
	if err != nil {
		return err
	}
	defer func() { _ = soapClient.Logout(ctx) }()
	c := rest.NewClient(soapClient.Client)
	if err := c.Login(ctx, s.inner.URL.User); err != nil {
		return err
	}
	defer func() { _ = c.Logout(ctx) }()
	return fn(ctx, c)
}

func (s *Server) addLibrary(ctx context.Context, c *rest.Client, name string, items []string) error {
	ds, err := find.NewFinder(s.admin).Datastore(ctx, "/DC0/datastore/LocalDS_0")
	if err != nil {
		return err
	}
	m := library.NewManager(c)
	id, err := m.CreateLibrary(ctx, library.Library{
		Name: name, Type: "LOCAL", Storage: []library.StorageBacking{{DatastoreID: ds.Reference().Value, Type: "DATASTORE"}},
	})
	if err != nil {
		return err
	}
	for _, item := range items {
		if err := addItem(ctx, m, c, id, item); err != nil {
			return fmt.Errorf("%s: %w", item, err)
		}
	}
	return nil
}

func addItem(ctx context.Context, m *library.Manager, c *rest.Client, libraryID, name string) error {
	image := NewImage(name)
	item, err := m.CreateLibraryItem(ctx, library.Item{LibraryID: libraryID, Name: name, Type: library.ItemTypeOVF})
	if err != nil {
		return err
	}
	session, err := m.CreateLibraryItemUpdateSession(ctx, library.Session{LibraryItemID: item})
	if err != nil {
		return err
	}
	for file, content := range map[string][]byte{"image.ovf": image.OVF, "disk.vmdk": image.Disk} {
		up, err := m.AddLibraryItemFile(ctx, session, library.UpdateFile{Name: file, SourceType: "PUSH", Size: int64(len(content))})
		if err != nil {
			return err
		}
		u, err := url.Parse(up.UploadEndpoint.URI)
		if err != nil {
			return err
		}
		param := soap.DefaultUpload
		param.ContentLength = int64(len(content))
		if err := c.Upload(ctx, bytes.NewReader(content), u, &param); err != nil {
			return err
		}
	}
	return m.CompleteLibraryItemUpdateSession(ctx, session)
}
