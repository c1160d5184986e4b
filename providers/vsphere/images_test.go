package vsphere

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// applianceOVF is a machine with a disk of 30 MiB, an interface and a property.
const applianceOVF = `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
 <References><File ovf:href="disk.vmdk" ovf:id="file1" ovf:size="%d"/></References>
 <DiskSection><Info>disks</Info>
  <Disk ovf:capacity="30" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="disk1" ovf:fileRef="file1" ovf:format="x"/>
 </DiskSection>
 <NetworkSection><Info>networks</Info><Network ovf:name="nat"><Description>nat</Description></Network></NetworkSection>
 <VirtualSystem ovf:id="vm"><Info>a machine</Info><Name>appliance</Name>
  <ProductSection ovf:class="x" ovf:required="false"><Info>p</Info><Property ovf:key="user-data" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/></ProductSection>
  <OperatingSystemSection ovf:id="96"><Info>os</Info></OperatingSystemSection>
  <VirtualHardwareSection><Info>hardware</Info>
   <System><vssd:ElementName>family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
   <Item><rasd:ElementName>cpu</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
   <Item><rasd:ElementName>memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>256</rasd:VirtualQuantity></Item>
   <Item><rasd:ElementName>scsi0</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
   <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>disk0</rasd:ElementName><rasd:HostResource>ovf:/disk/disk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
   <Item><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>nat</rasd:Connection><rasd:ElementName>ethernet0</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
  </VirtualHardwareSection>
 </VirtualSystem>
</Envelope>`

var diskBytesOfOVA = bytes.Repeat([]byte("disk"), 64<<10)

type tarFile struct {
	name    string
	content []byte
}

// appliance returns the files of an OVA in their order.
func appliance() []tarFile {
	ovf := fmt.Appendf(nil, applianceOVF, len(diskBytesOfOVA))
	mf := fmt.Appendf(nil, "SHA256(appliance.ovf)= %x\nSHA1(disk.vmdk)= %x\n", sha256.Sum256(ovf), sha1.Sum(diskBytesOfOVA))
	return []tarFile{{"appliance.ovf", ovf}, {"appliance.mf", mf}, {"disk.vmdk", diskBytesOfOVA}}
}

func archive(t *testing.T, files []tarFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shelf serves files, and counts who takes them.
type shelf struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte
	taken map[string]int
	hold  chan struct{} // not nil: answers wait for it
	cut   atomic.Int64  // bytes after which an answer breaks off; 0: never
}

func newShelf(t *testing.T, files ...tarFile) *shelf {
	t.Helper()
	s := &shelf{files: map[string][]byte{}, taken: map[string]int{}}
	for _, f := range files {
		s.files["/"+f.name] = f.content
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	content, ok := s.files[r.URL.Path]
	s.taken[r.URL.Path]++
	hold := s.hold
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	if n := s.cut.Load(); n > 0 && n < int64(len(content)) {
		_, _ = w.Write(content[:n])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(content)
}

func (s *shelf) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken["/"+name]
}

// packaged is a VM made of an OVA or OVF of the shelf.
func packaged(name string, s *shelf, file, checksum string) providers.CreateRequest {
	req := wanted(name, "")
	req.VM.Image.VSphere = &manifest.VSphereImage{OVAURL: s.URL + "/" + file, Checksum: checksum, ChecksumType: "sha256"}
	req.VM.RootDisk = manifest.RootDisk{SizeGiB: 1}
	return req
}

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// images lists what we brought to the server.
func brought(t *testing.T, srv *vcsim.Server) []string {
	t.Helper()
	return slices.DeleteFunc(everyone(t, srv), func(name string) bool { return !strings.Contains(name, "vmsteward-image-") })
}

func TestAnOVAIsImportedOnceForTenVMs(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, logged := provide(t, srv, srv.Settings("lab"))
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova}, tarFile{"mirror.ova", ova})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			file := []string{"a.ova", "mirror.ova"}[i%2]
			if err := create(t, p, packaged(fmt.Sprintf("web-%d", i), s, file, sumOf(ova))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count("a.ova") + s.count("mirror.ova"); n != 1 {
		t.Errorf("the image was fetched %d times", n)
	}
	images := brought(t, srv)
	calls := srv.Calls()
	if len(images) != 1 || calls["ImportVApp"] != 1 || calls["CloneVM_Task"] != 10 {
		t.Errorf("images %q, calls %v", images, calls)
	}
	image := machine(t, srv, images[0])
	if !image.Config.Template || image.Config.VAppConfig != nil || len(cardsOf(image.Config.Hardware.Device)) != 0 {
		t.Errorf("the image is a template: %t, with appliance properties: %v, interfaces: %d",
			image.Config.Template, image.Config.VAppConfig, len(cardsOf(image.Config.Hardware.Device)))
	}
	vm := machine(t, srv, "/DC0/vm/web-3")
	for _, o := range vm.Config.ExtraConfig {
		if v := o.GetOptionValue(); v.Key == imageKey && v.Value != "" {
			t.Errorf("the VM carries the mark of its image: %v", v.Value)
		}
	}
	if m := markOf(&vm); m == nil || m.disk(providers.RootDiskName) == nil {
		t.Errorf("the mark is %+v", m)
	}
	srv.ResetCalls()
	if err := create(t, p, packaged("late", s, "a.ova", sumOf(ova))); err != nil {
		t.Fatal(err)
	}
	if calls := srv.Calls(); calls["ImportVApp"] != 0 || calls["FindAllByUuid"] != 1 || calls["FindChild"] != 1 {
		t.Errorf("calls for a VM whose image is there: %v", calls)
	}
	if !strings.Contains(logged.String(), "an image was imported") || strings.Contains(logged.String(), "not verified") {
		t.Errorf("the log:\n%s", logged)
	}
}

func TestAnImageOfAnotherProcessIsFound(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	for i := range 2 {
		p, _ := provide(t, srv, srv.Settings("lab"))
		if err := create(t, p, packaged(fmt.Sprintf("web-%d", i), s, "a.ova", "")); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.count("a.ova"); n != 1 || len(brought(t, srv)) != 1 {
		t.Errorf("the image was fetched %d times; there is %q", n, brought(t, srv))
	}
	other, _ := provide(t, srv, srv.Settings("elsewhere"))
	req := packaged("web", s, "a.ova", "")
	req.Owner.Fleet = "elsewhere"
	if err := create(t, other, req); err != nil {
		t.Fatal(err)
	}
	if len(brought(t, srv)) != 2 {
		t.Errorf("another fleet's image is used: %q", brought(t, srv))
	}
}

func TestAnOVFWithItsFilesBeside(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, logged := provide(t, srv, srv.Settings("lab"))
	s := newShelf(t, appliance()...)
	if err := create(t, p, packaged("web", s, "appliance.ovf", sumOf(appliance()[0].content))); err != nil {
		t.Fatal(err)
	}
	if s.count("disk.vmdk") != 1 || s.count("appliance.mf") != 1 || strings.Contains(logged.String(), "not verified") {
		t.Errorf("fetched %v; the log:\n%s", s.taken, logged)
	}
}

func TestAnImageWithoutAChecksumIsWarnedAbout(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, logged := provide(t, srv, srv.Settings("lab"))
	files := appliance()
	s := newShelf(t, tarFile{"a.ova", archive(t, []tarFile{files[0], files[2]})})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("me", "hunter2")
	req := packaged("web", s, "a.ova", "")
	req.VM.Image.VSphere.OVAURL = u.String() + "/a.ova?token=hunter3"
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), "neither a checksum nor a manifest") || strings.Contains(logged.String(), "hunter") {
		t.Errorf("the log:\n%s", logged)
	}
}

func TestAnImageThatIsNotWhatItShallBe(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	files := appliance()
	good := archive(t, files)
	wrongDisk := archive(t, []tarFile{files[0], files[1], {"disk.vmdk", bytes.Repeat([]byte("risk"), 64<<10)}})
	s := newShelf(t,
		tarFile{"good.ova", good}, tarFile{"wrong.ova", wrongDisk}, tarFile{"short.ova", good[:len(good)/2]},
		tarFile{"lacks.ova", archive(t, files[:2])}, tarFile{"late.ova", archive(t, []tarFile{files[2], files[0]})},
		tarFile{"text.ova", []byte(strings.Repeat("no archive ", 100))},
		tarFile{"wrong.ovf", files[0].content}, tarFile{"wrong.mf", fmt.Appendf(nil, "SHA256(wrong.ovf)= %064x\n", 1)},
		tarFile{"bad.ovf", []byte("<Envelope")},
	)
	before := everyone(t, srv)
	for _, r := range []struct {
		reason, file, checksum string
		kind                   providers.Kind
		says                   string
	}{
		{"another checksum", "good.ova", strings.Repeat("0", 64), providers.InvalidSpec, "and not 0000"},
		{"another disk than the manifest says", "wrong.ova", "", providers.InvalidSpec, "disk.vmdk in " + s.URL + "/wrong.ova has the sha1"},
		{"an archive that ends too early", "short.ova", "", providers.Retryable, "ends too early"},
		{"an archive without the disk", "lacks.ova", "", providers.InvalidSpec, `lacks the file "disk.vmdk"`},
		{"an archive that does not begin with a descriptor", "late.ova", "", providers.InvalidSpec, "its first file is not a descriptor"},
		{"no archive", "text.ova", "", providers.InvalidSpec, "is no OVA"},
		{"a descriptor that its manifest does not know", "wrong.ovf", "", providers.InvalidSpec, "the image is damaged"},
		{"a descriptor that is none", "bad.ovf", "", providers.InvalidSpec, ""},
		{"nothing there", "gone.ova", "", providers.NotFound, "is not there; the server says 404"},
		{"a checksum that is none", "good.ova", "abc", providers.InvalidSpec, "64 hexadecimal digits"},
	} {
		err := create(t, p, packaged("web", s, r.file, r.checksum))
		wantKind(t, r.reason, err, r.kind, r.says)
		if providers.IsAbsent(err) {
			t.Errorf("%s: the error says that the VM is absent: %v", r.reason, err)
		}
	}
	if diff := cmp.Diff(before, everyone(t, srv)); diff != "" {
		t.Errorf("something is left (-before +after):\n%s", diff)
	}
}

func TestAnInterruptedImportIsBegunAnew(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	p, _ := provide(t, srv, srv.Settings("lab"))
	s.cut.Store(int64(len(ova) / 2))
	err := create(t, p, packaged("web", s, "a.ova", sumOf(ova)))
	wantKind(t, "the address breaks off", err, providers.Retryable, "a.ova")
	if left := brought(t, srv); len(left) != 0 {
		t.Errorf("it left %q", left)
	}
	s.cut.Store(0)
	halfImported(t, srv, p, packaged("web", s, "a.ova", sumOf(ova)))
	next, logged := provide(t, srv, srv.Settings("lab"))
	if err := create(t, next, packaged("web", s, "a.ova", sumOf(ova))); err != nil {
		t.Fatal(err)
	}
	if len(brought(t, srv)) != 1 || !strings.Contains(logged.String(), "imported anew") {
		t.Errorf("there is %q; the log:\n%s", brought(t, srv), logged)
	}
}

// halfImported leaves what an import leaves whose process was killed: a VM
// with the mark of the image, which is not a template yet.
func halfImported(t *testing.T, srv *vcsim.Server, p *Provider, req providers.CreateRequest) {
	t.Helper()
	b := berthOf(t, p, req)
	text, err := b.mark.text()
	if err != nil {
		t.Fatal(err)
	}
	folder := object.NewFolder(srv.Client(), b.folder.ref)
	task, err := folder.CreateVM(t.Context(), types.VirtualMachineConfigSpec{
		Name: b.name, InstanceUuid: b.uuid, GuestId: "otherGuest",
		Files:       &types.VirtualMachineFileInfo{VmPathName: "[" + b.store.name + "]"},
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: imageKey, Value: text}},
	}, object.NewResourcePool(srv.Client(), b.site.pool.ref), nil)
	if err == nil {
		err = task.WaitEx(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// berthOf returns where the image of a VM lies.
func berthOf(t *testing.T, p *Provider, req providers.CreateRequest) *berth {
	t.Helper()
	var b *berth
	pack, err := newParcel(req.VM.Image.VSphere)
	if err != nil {
		t.Fatal(err)
	}
	err = p.do(t.Context(), "test", "", func(ctx context.Context, c *vim25.Client) (err error) {
		o := &order{req: req}
		if err = p.placeWith(ctx, c, o, func(*layout) ([]*location, error) { return nil, nil }); err == nil {
			b, err = p.berthFor(o.site, pack.cargo(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnImportEndsWithTheProvider(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	s.hold = make(chan struct{})
	defer close(s.hold)
	p, err := New(srv.Settings("lab"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	req := packaged("web", s, "a.ova", sumOf(ova))
	first, err := p.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Create(t.Context(), req)
	if err != nil || again != first || !isImport(first.Task) {
		t.Errorf("a second call while the image comes: %+v, %v; the first was %+v", again, err, first)
	}
	if done, err := p.IsTaskComplete(t.Context(), first.Task); done || err != nil {
		t.Errorf("the task is complete while nothing has come: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if left := brought(t, srv); len(left) != 0 {
		t.Errorf("it left %q", left)
	}
	next, _ := provide(t, srv, srv.Settings("lab"))
	if done, err := next.IsTaskComplete(t.Context(), first.Task); !done || err != nil {
		t.Errorf("the task of a process that ended: %t, %v; want complete, and to be looked at", done, err)
	}
}

func TestAnImageThatIsNotToBeImported(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	for _, policy := range []string{missingFails, missingWaits} {
		req := packaged("web", s, "a.ova", sumOf(ova))
		req.VM.Image.OnMissing = policy
		err := create(t, p, req)
		wantKind(t, policy, err, providers.NotFound, "onMissing is "+policy)
		if providers.IsAbsent(err) || s.count("a.ova") != 0 {
			t.Errorf("%s: %v; fetched %d times", policy, err, s.count("a.ova"))
		}
	}
	if err := create(t, p, packaged("first", s, "a.ova", sumOf(ova))); err != nil {
		t.Fatal(err)
	}
	req := packaged("web", s, "a.ova", sumOf(ova))
	req.VM.Image.OnMissing = missingWaits
	if err := create(t, p, req); err != nil {
		t.Errorf("once it is there: %v", err)
	}
}

func TestATemplateThatIsMissingIsImported(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	req := packaged("web", s, "a.ova", sumOf(ova))
	req.VM.Image.VSphere.Template = vcsim.Template
	req.VM.RootDisk.SizeGiB = 10
	if err := create(t, p, req); err != nil || s.count("a.ova") != 0 {
		t.Errorf("the template is there, and the image was fetched %d times: %v", s.count("a.ova"), err)
	}
	req = packaged("db", s, "a.ova", sumOf(ova))
	req.VM.Image.VSphere.Template = "gone"
	if err := create(t, p, req); err != nil || s.count("a.ova") != 1 {
		t.Errorf("the template is not there, and the image was fetched %d times: %v", s.count("a.ova"), err)
	}
	req = packaged("cache", s, "a.ova", sumOf(ova))
	req.VM.Image.VSphere.Template, req.VM.Image.OnMissing = "gone", missingFails
	wantKind(t, "the template is not there, and nothing shall be imported", create(t, p, req), providers.NotFound, "template gone")
}

func TestAStrangersImageIsNotUsed(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	req := packaged("web", s, "a.ova", sumOf(ova))
	halfImported(t, srv, p, req)
	b := berthOf(t, p, req)
	vm := machine(t, srv, b.folder.path+"/"+b.name)
	task, err := object.NewVirtualMachine(srv.Client(), vm.Self).Reconfigure(t.Context(), types.VirtualMachineConfigSpec{
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: imageKey, Value: ""}},
	})
	if err == nil {
		err = task.WaitEx(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, "something of the image's name without its mark", create(t, p, req), providers.Conflict, "does not carry the mark")
	if len(brought(t, srv)) != 1 {
		t.Error("it was removed")
	}
}

func TestAnImageThatADatastoreHasNoRoomFor(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	setStore(t, srv, "LocalDS_0", func(s *types.DatastoreSummary) { s.FreeSpace = 1000 })
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	wantKind(t, "no room", create(t, p, packaged("web", s, "a.ova", sumOf(ova))), providers.QuotaExceeded, "1000 left; make room")
}

func TestTheMarkOfAnImage(t *testing.T) {
	b := &berth{mark: imageMark{Image: "abc", Fleet: "lab"}, name: "vmsteward-image-abc", uuid: "11111111-1111-8111-8111-111111111111"}
	text, err := b.mark.text()
	if err != nil {
		t.Fatal(err)
	}
	foreign := imageMark{Image: "abc", Fleet: "elsewhere"}
	other, err := foreign.text()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		reason, name, uuid, mark, annotation string
		template, want                       bool
	}{
		{"whole, whatever its name has become", "renamed", b.uuid, text, "", true, true},
		{"half imported", b.name, b.uuid, text, "", false, true},
		{"half imported by a vCenter that gave it a UUID of its own", b.name, "2", text, "", false, true},
		{"deployed, with the mark in its annotation", b.name, "2", "", text, false, true},
		{"a template that somebody made of it", b.name, "2", text, "", true, false},
		{"a VM that somebody made of it", "copy", "2", text, text, false, false},
		{"another fleet's", b.name, b.uuid, other, "", true, false},
		{"nobody's", b.name, b.uuid, "", "", true, false},
	} {
		vm := &mo.VirtualMachine{Config: &types.VirtualMachineConfigInfo{
			InstanceUuid: r.uuid, Template: r.template, Annotation: r.annotation,
			ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: imageKey, Value: r.mark}},
		}}
		vm.Name = r.name
		if got := b.marks(vm); got != r.want {
			t.Errorf("%s: %t", r.reason, got)
		}
	}
}

func TestChecksumsOfEveryAlgorithm(t *testing.T) {
	ova := archive(t, appliance())
	s := newShelf(t, tarFile{"a.ova", ova})
	for algorithm, newHash := range algorithms {
		h := newHash()
		h.Write(ova)
		right := hex.EncodeToString(h.Sum(nil))
		for checksum, fine := range map[string]bool{
			right: true, strings.ToUpper(right): true, algorithm + ":" + right: true,
			strings.Repeat("0", len(right)): false,
		} {
			p, err := newParcel(&manifest.VSphereImage{OVAURL: s.URL + "/a.ova", Checksum: checksum, ChecksumType: algorithm})
			if err != nil {
				t.Errorf("%s %s: %v", algorithm, checksum, err)
				continue
			}
			u, err := p.unpack(t.Context(), newWeb(), func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			err = u.each(t.Context(), []string{"disk.vmdk"}, func(f *packed) error {
				_, err := io.Copy(io.Discard, f)
				return err
			})
			if (err == nil) != fine {
				t.Errorf("%s %s: %v", algorithm, checksum, err)
			}
			if err := u.in.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := newParcel(&manifest.VSphereImage{OVAURL: s.URL + "/a.ova", ChecksumType: "crc32"}); providers.KindOf(err) != providers.InvalidSpec {
		t.Errorf("an algorithm that there is not: %v", err)
	}
}

func TestADescriptorThatIsTooLarge(t *testing.T) {
	s := newShelf(t, tarFile{"a.ovf", make([]byte, mostDescriptor+1)})
	p, err := newParcel(&manifest.VSphereImage{OVAURL: s.URL + "/a.ovf"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.unpack(t.Context(), newWeb(), func(int) {})
	wantKind(t, "a descriptor of more than 16 MiB", err, providers.InvalidSpec, "has more than 16777216 bytes")
}
