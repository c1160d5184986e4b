package vsphere

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// shelved is a VM made of an item of a content library.
func shelved(name, library, item, version string) providers.CreateRequest {
	req := wanted(name, "")
	req.VM.Image.VSphere = &manifest.VSphereImage{Library: library, LibraryItem: item, LibraryVersion: version}
	return req
}

func TestAnOVFOfALibraryIsDeployedOnce(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	if err := srv.AddLibrary("images", "debian"); err != nil {
		t.Fatal(err)
	}
	p, _ := provide(t, srv, srv.Settings("lab"))
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			if err := create(t, p, shelved(fmt.Sprintf("web-%d", i), "images", "debian", "")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	images := brought(t, srv)
	if len(images) != 1 {
		t.Fatalf("images %q", images)
	}
	image := machine(t, srv, images[0])
	if !image.Config.Template || image.Config.VAppConfig != nil || len(cardsOf(image.Config.Hardware.Device)) != 0 {
		t.Errorf("the image is a template: %t, with appliance properties %v", image.Config.Template, image.Config.VAppConfig)
	}
	vm := machine(t, srv, "/DC0/vm/web-3")
	if m := markOf(&vm); m == nil || strings.Contains(image.Config.Annotation, "{") {
		t.Errorf("the mark is %+v, the annotation of the image %q", m, image.Config.Annotation)
	}
	srv.ResetCalls()
	if err := create(t, p, shelved("late", "images", "debian", "")); err != nil {
		t.Fatal(err)
	}
	if calls := srv.Calls(); calls["CloneVM_Task"] != 1 || calls["FindAllByUuid"] != 1 || calls["FindChild"] != 1 {
		t.Errorf("calls for a VM whose image is there: %v", calls)
	}
}

func TestATemplateOfALibraryIsClonedAsItIs(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	if err := srv.AddLibrary("images", "debian"); err != nil {
		t.Fatal(err)
	}
	if err := srv.AddTemplateItem("images", "golden", "/DC0/vm/templates/"+vcsim.Template); err != nil {
		t.Fatal(err)
	}
	p, _ := provide(t, srv, srv.Settings("lab"))
	if err := create(t, p, shelved("web", "images", "golden", "")); err != nil {
		t.Fatal(err)
	}
	vm := machine(t, srv, "/DC0/vm/web")
	if m := markOf(&vm); m == nil || len(brought(t, srv)) != 0 {
		t.Errorf("the mark is %+v; images %q", m, brought(t, srv))
	}
}

func TestALibraryThatDoesNotHaveIt(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	if err := srv.AddLibrary("images", "debian"); err != nil {
		t.Fatal(err)
	}
	p, _ := provide(t, srv, srv.Settings("lab"))
	for _, r := range []struct{ reason, library, item, version, missing string }{
		{"no such library", "gone", "debian", "", "library gone"},
		{"no such item", "images", "gone", "", "item gone of library images"},
		{"no such version", "images", "debian", "7", "version 7 of item debian of library images"},
	} {
		err := create(t, p, shelved("web", r.library, r.item, r.version))
		e, _ := err.(*providers.Error)
		if e == nil || e.Kind != providers.NotFound || e.Missing != r.missing {
			t.Errorf("%s: %v", r.reason, err)
		}
	}
}
