package vsphere

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// provide returns a provider for the server, with what it logs.
func provide(t *testing.T, srv *vcsim.Server, settings providers.Settings) (*Provider, *strings.Builder) {
	t.Helper()
	var mu sync.Mutex
	logged := &strings.Builder{}
	log := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return logged.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	p, err := New(settings, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p, logged
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// wanted is a VM of the demo's shape, made of a template.
func wanted(name, template string) providers.CreateRequest {
	vm := &manifest.VM{
		Key: manifest.Key{Namespace: "prod", Name: name},
		CPU: 2, MemoryMiB: 2048, Firmware: manifest.FirmwareBIOS,
		Image:    &manifest.Image{Key: manifest.Key{Namespace: "prod", Name: "debian"}, VSphere: &manifest.VSphereImage{Template: template}, Digest: "sha256:image"},
		RootDisk: manifest.RootDisk{SizeGiB: 20},
		Disks:    []manifest.Disk{{Name: "data", SizeGiB: 5}, {Name: "logs", SizeGiB: 6}},
		NICs: []manifest.NIC{
			{Name: "front", Network: &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "DC0_DVPG1", AdapterType: "vmxnet3"}}},
			{Name: "back", Network: &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "VM Network", AdapterType: "e1000e"}}},
		},
		CloudInit: manifest.CloudInit{UserData: secret.New("#cloud-config\n# hunter2"), Digest: "sha256:seed"},
	}
	return providers.CreateRequest{Owner: providers.Owner{Fleet: "lab", VM: vm.Key}, VM: vm}
}

// create makes a VM and waits for its task.
func create(t *testing.T, p *Provider, req providers.CreateRequest) error {
	t.Helper()
	res, err := p.Create(t.Context(), req)
	if err != nil {
		return err
	}
	if res.ID != req.Owner.UUID().String() {
		t.Errorf("the id is %q, want %s", res.ID, req.Owner.UUID())
	}
	return await(t, p, res.Task)
}

// await waits until a task has ended.
func await(t *testing.T, p *Provider, task providers.TaskRef) error {
	t.Helper()
	if task == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := p.IsTaskComplete(ctx, task); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("task %s has not ended", task)
		}
	}
}

// machine reads a VM as an administrator does.
func machine(t *testing.T, srv *vcsim.Server, path string) mo.VirtualMachine {
	t.Helper()
	vm, err := find.NewFinder(srv.Client()).VirtualMachine(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var out mo.VirtualMachine
	if err := vm.Properties(t.Context(), vm.Reference(), nil, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// everyone lists the VMs and templates of the server.
func everyone(t *testing.T, srv *vcsim.Server) []string {
	t.Helper()
	list, err := find.NewFinder(srv.Client()).VirtualMachineList(t.Context(), "/...")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, vm := range list {
		out = append(out, vm.InventoryPath)
	}
	slices.Sort(out)
	return out
}

func TestCreateClonesATemplateWithEverything(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, logged := provide(t, srv, srv.Settings("lab"))
	req := wanted("web", vcsim.Template)
	req.VM.Placement.Folder = vcsim.AppsFolder
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	vm := machine(t, srv, "/DC0/vm/apps/web")
	m := markOf(&vm)
	if m == nil || m.owner() != req.Owner || m.Image != "sha256:image" {
		t.Fatalf("the mark is %+v", m)
	}
	if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff || vm.Config.Template {
		t.Errorf("the VM is %s, template %t", vm.Runtime.PowerState, vm.Config.Template)
	}
	devices := object.VirtualDeviceList(vm.Config.Hardware.Device)
	sizes := map[string]int64{}
	for _, d := range m.Disks {
		if disk := diskAt(devices, d.At); disk != nil && d.Made {
			sizes[d.Name] = diskBytes(disk) / gib
		}
	}
	if diff := cmp.Diff(map[string]int64{"root": 20, "data": 5, "logs": 6}, sizes); diff != "" {
		t.Errorf("sizes of our disks (-want +got):\n%s", diff)
	}
	if len(devices.SelectByType((*types.VirtualEthernetCard)(nil))) != 2 || len(m.NICs) != 2 {
		t.Errorf("the template's own interface is still there, or one is missing: %+v", m.NICs)
	}
	texts := decodeGuest(t, vm.Config.ExtraConfig)
	if !strings.Contains(texts[guestUserData], "hunter2") || !strings.Contains(texts[guestMetaData], req.Owner.UUID().String()) {
		t.Errorf("the guest reads %q", texts)
	}
	if strings.Contains(logged.String(), "hunter2") {
		t.Errorf("the log prints the first-boot data:\n%s", logged)
	}
}

func TestCreateCostsFewCalls(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	if err := create(t, p, wanted("first", vcsim.Template)); err != nil {
		t.Fatal(err)
	}
	srv.ResetCalls()
	res, err := p.Create(t.Context(), wanted("second", vcsim.Template))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"FindAllByUuid": 1, "FindChild": 1, "RetrievePropertiesEx": 1, "CloneVM_Task": 1}
	if diff := cmp.Diff(want, srv.Calls()); diff != "" {
		t.Errorf("calls of one creation (-want +got):\n%s", diff)
	}
	if err := await(t, p, res.Task); err != nil {
		t.Fatal(err)
	}
}

func TestCreateOfOneVMFromManyCallersMakesOne(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := create(t, p, wanted("web", vcsim.Template)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := srv.Calls()["CloneVM_Task"]; n != 1 {
		t.Errorf("%d VMs were cloned for ten calls about one", n)
	}
	srv.ResetCalls()
	res, err := p.Create(t.Context(), wanted("web", vcsim.Template))
	if err != nil || res.Task != "" || srv.Calls()["CloneVM_Task"] != 0 {
		t.Errorf("a VM that is there: %+v, %v", res, err)
	}
}

func TestCreateOfManyVMsAtOnce(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if err := create(t, p, wanted(fmt.Sprintf("web-%d", i), vcsim.Template)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	calls := srv.Calls()
	if calls["CloneVM_Task"] != 10 || calls["Login"] != 1 {
		t.Errorf("calls %v", calls)
	}
}

func TestCreateRespectsStrangers(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	if err := create(t, p, wanted("web", vcsim.Template)); err != nil {
		t.Fatal(err)
	}
	other := wanted("web", vcsim.Template)
	other.VM.Key.Namespace, other.Owner.VM.Namespace = "test", "test"
	err := create(t, p, other)
	wantKind(t, "the name is taken in the folder", err, providers.Conflict, `VM "web" does not carry the mark of lab/test/web`)
	other.VM.Placement.Folder = vcsim.AppsFolder
	if err := create(t, p, other); err != nil {
		t.Errorf("the same name in another folder: %v", err)
	}
	vm := machine(t, srv, "/DC0/vm/web")
	task, err := object.NewVirtualMachine(srv.Client(), vm.Self).Reconfigure(t.Context(), types.VirtualMachineConfigSpec{
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: markKey, Value: ""}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := task.WaitEx(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "the UUID is that of a VM without our mark", create(t, p, wanted("web", vcsim.Template)), providers.Conflict, "does not carry the mark")
}

func TestCreateNamesWhatIsMissing(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	before := everyone(t, srv)
	for _, r := range []struct {
		reason  string
		change  func(*manifest.VM)
		missing string
	}{
		{"a template", func(vm *manifest.VM) { vm.Image.VSphere.Template = "gone" }, "template gone"},
		{"a template at a path", func(vm *manifest.VM) { vm.Image.VSphere.Template = "/DC0/vm/apps/template" }, "template /DC0/vm/apps/template"},
		{"a network", func(vm *manifest.VM) {
			vm.NICs[0].Network = &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "gone"}}
		}, `network "gone"`},
		{"a folder", func(vm *manifest.VM) { vm.Placement.Folder = "gone" }, `folder "gone"`},
		{"a snapshot to stand on", func(vm *manifest.VM) {
			vm.ExtraConfig = map[string]string{keyCloneMode: cloneLinked}
		}, "a snapshot of /DC0/vm/templates/template"},
		{"a disk", func(vm *manifest.VM) {
			vm.Image, vm.Imported = nil, &manifest.ImportedDisk{ID: "d", Path: "[LocalDS_0] gone/disk.vmdk"}
		}, "disk [LocalDS_0] gone/disk.vmdk"},
	} {
		req := wanted("web", vcsim.Template)
		r.change(req.VM)
		err := create(t, p, req)
		e, _ := err.(*providers.Error)
		if e == nil || e.Kind != providers.NotFound || e.Missing != r.missing || providers.IsAbsent(err) {
			t.Errorf("%s: %v", r.reason, err)
		}
	}
	if diff := cmp.Diff(before, everyone(t, srv)); diff != "" {
		t.Errorf("something was made (-before +after):\n%s", diff)
	}
}

func TestATemplateThatWasMadeAnewIsFound(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	if err := create(t, p, wanted("one", vcsim.Template)); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	old := object.NewVirtualMachine(srv.Client(), machine(t, srv, "/DC0/vm/templates/"+vcsim.Template).Self)
	finder := find.NewFinder(srv.Client())
	folder, err := finder.Folder(ctx, "/DC0/vm/templates")
	if err != nil {
		t.Fatal(err)
	}
	pool, err := finder.ResourcePool(ctx, "/DC0/host/DC0_C0/Resources")
	if err != nil {
		t.Fatal(err)
	}
	wait := func(task *object.Task, err error) {
		t.Helper()
		if err == nil {
			err = task.WaitEx(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	wait(old.Rename(ctx, "yesterday"))
	wait(old.Clone(ctx, folder, vcsim.Template, types.VirtualMachineCloneSpec{
		Location: types.VirtualMachineRelocateSpec{Pool: types.NewReference(pool.Reference())}, Template: true,
	}))
	if err := create(t, p, wanted("two", vcsim.Template)); err != nil {
		t.Errorf("the template's name is that of another now: %v", err)
	}
	wait(old.Destroy(ctx))
	req := wanted("three", "yesterday")
	if err := create(t, p, req); providers.KindOf(err) != providers.NotFound {
		t.Errorf("a template that is gone: %v", err)
	}
}

func TestCreateFromAnExistingDisk(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	disks := object.NewVirtualDiskManager(srv.Client())
	dc, err := find.NewFinder(srv.Client()).Datacenter(t.Context(), "DC0")
	if err != nil {
		t.Fatal(err)
	}
	task, err := disks.CreateVirtualDisk(t.Context(), "[LocalDS_1] boot.vmdk", dc, &types.FileBackedVirtualDiskSpec{
		VirtualDiskSpec: types.VirtualDiskSpec{AdapterType: "lsiLogic", DiskType: "thin"}, CapacityKb: 1024,
	})
	if err == nil {
		err = task.WaitEx(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	req := wanted("imported", "")
	req.VM.Image, req.VM.Imported = nil, &manifest.ImportedDisk{ID: "d", Path: "[LocalDS_1] boot.vmdk"}
	req.VM.RootDisk = manifest.RootDisk{}
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	vm := machine(t, srv, "/DC0/vm/imported")
	m := markOf(&vm)
	root := m.disk(providers.RootDiskName)
	if root == nil || root.Made {
		t.Fatalf("the disk to boot from is %+v; want one that we have not made", root)
	}
	if disk := diskAt(vm.Config.Hardware.Device, root.At); disk == nil || fileOf(disk) != "[LocalDS_1] boot.vmdk" {
		t.Errorf("it stands at %v", disk)
	}
	if data := m.disk("data"); data == nil || !data.Made {
		t.Errorf("the disk beside it is %+v; want one that we have made", data)
	}
	second := wanted("second", "")
	second.VM.Image, second.VM.Imported = nil, req.VM.Imported
	wantKind(t, "a disk that a VM has", create(t, p, second), providers.Conflict, `disk [LocalDS_1] boot.vmdk is in use by VM "imported"`)
}

// dispose removes a VM or a template as an administrator does.
func dispose(t *testing.T, srv *vcsim.Server, ref types.ManagedObjectReference) {
	t.Helper()
	task, err := object.NewVirtualMachine(srv.Client(), ref).Destroy(t.Context())
	if err == nil {
		err = task.WaitEx(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestALinkedCloneStandsOnItsTemplate(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	req := wanted("web", vcsim.SnapshotTemplate)
	req.VM.RootDisk.SizeGiB = 0
	req.VM.ExtraConfig = map[string]string{keyCloneMode: cloneLinked}
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	vm := machine(t, srv, "/DC0/vm/web")
	root := diskAt(vm.Config.Hardware.Device, markOf(&vm).disk(providers.RootDiskName).At)
	if root == nil || !isChild(root) {
		t.Errorf("the disk to boot from stands alone: %+v", root)
	}
	req = wanted("large", vcsim.SnapshotTemplate)
	req.VM.ExtraConfig = map[string]string{keyCloneMode: cloneLinked}
	wantKind(t, "a linked clone that shall be larger", create(t, p, req), providers.InvalidSpec, "a linked clone has a disk of its template's size")
}

func TestACloneDoesNotInheritFirstBootData(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	old := machine(t, srv, "/DC0/vm/templates/"+vcsim.Template)
	ctx := srv.Simulator().Context
	vm := ctx.Map.Get(old.Self).(*simulator.VirtualMachine)
	ctx.WithLock(vm, func() {
		for _, key := range []string{guestUserData, guestUserData + encodingSuffix, guestVendor, "disk.EnableUUID"} {
			vm.Config.ExtraConfig = append(vm.Config.ExtraConfig, &types.OptionValue{Key: key, Value: "of the template"})
		}
	})
	req := wanted("web", vcsim.Template)
	req.VM.CloudInit = manifest.CloudInit{}
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	clone := machine(t, srv, "/DC0/vm/web")
	kept := ""
	for _, o := range clone.Config.ExtraConfig {
		switch v := o.GetOptionValue(); {
		case isGuestKey(v.Key) && v.Value != "":
			t.Errorf("the VM's guest reads %s: %v", v.Key, v.Value)
		case v.Key == "disk.EnableUUID":
			kept, _ = v.Value.(string)
		}
	}
	if kept != "of the template" {
		t.Errorf("what the template has beside is %q", kept)
	}
}

func TestCreateGoesWhereThePlacementSays(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Datacenters: 2})
	p, _ := provide(t, srv, srv.Settings("lab"))
	req := wanted("web", vcsim.Template)
	req.VM.NICs = req.VM.NICs[1:] // "VM Network" is in both
	req.VM.Placement = manifest.Placement{
		Host: "DC1_C0_H1", ResourcePool: "DC1_C0_RP1", Folder: "/DC1/vm/apps", StoragePod: "DC1_POD0",
	}
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	vm, l := machine(t, srv, "/DC1/vm/apps/web"), layoutOf(t, srv)
	got := []string{l.byRef[*vm.ResourcePool].path, l.byRef[*vm.Runtime.Host].path, l.byRef[vm.Datastore[0]].path, l.byRef[vm.Network[0]].path}
	want := []string{
		"/DC1/host/DC1_C0/Resources/DC1_C0_RP1", "/DC1/host/DC1_C0/DC1_C0_H1",
		"/DC1/datastore/DC1_POD0/DC1_POD0_DS1", "/DC1/network/VM Network",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the VM is at (-want +got):\n%s", diff)
	}
	srv.ResetCalls()
	req.VM.Key.Name, req.Owner.VM.Name = "two", "two"
	if err := create(t, p, req); err != nil {
		t.Fatal(err)
	}
	calls, n := srv.Calls(), 0
	for method, count := range calls {
		if method != "RetrievePropertiesEx" {
			n += count
		}
	}
	if n != 3 { // the polls of the task are property collections, too
		t.Errorf("calls of a creation with a host and a datastore cluster: %v", calls)
	}
}

func TestWhatIsNoTemplate(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	if err := create(t, p, wanted("ours", vcsim.Template)); err != nil {
		t.Fatal(err)
	}
	p.roster.rest = 0 // what was made since is looked for at once
	wantKind(t, "a VM of ours", create(t, p, wanted("web", "ours")), providers.InvalidSpec, "/DC0/vm/ours is the VM of lab/prod/ours and no image")
	admin := object.NewVirtualMachine(srv.Client(), machine(t, srv, "/DC0/vm/templates/"+vcsim.Template).Self)
	pool, err := find.NewFinder(srv.Client()).ResourcePool(t.Context(), "/DC0/host/DC0_C0/Resources")
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.MarkAsVirtualMachine(t.Context(), *pool, nil); err != nil {
		t.Fatal(err)
	}
	if err := create(t, p, wanted("off", vcsim.Template)); err != nil {
		t.Errorf("a VM that is off: %v", err)
	}
	task, err := admin.PowerOn(t.Context())
	if err == nil {
		err = task.WaitEx(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, "a VM that runs", create(t, p, wanted("on", vcsim.Template)), providers.NotFound, "power the VM off, or make a template of it")
}

func TestWhatCanNeverBeCreated(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Datacenters: 2})
	p, _ := provide(t, srv, srv.Settings("lab"))
	fromDisk := func(path string) func(*manifest.VM) {
		return func(vm *manifest.VM) { vm.Image, vm.Imported = nil, &manifest.ImportedDisk{ID: "d", Path: path} }
	}
	for _, r := range []struct {
		reason string
		change func(*manifest.VM)
		says   string
	}{
		{"a name that is too long", func(vm *manifest.VM) { vm.Key.Name = strings.Repeat("x", 81) }, "a VM's can have 80"},
		{"nothing to boot from", func(vm *manifest.VM) { vm.Image = nil }, "neither an image nor an imported disk"},
		{"an image for others", func(vm *manifest.VM) { vm.Image.VSphere = nil }, "add spec.source.vsphere"},
		{"an image without a source", func(vm *manifest.VM) { vm.Image.VSphere = &manifest.VSphereImage{} }, "neither a template nor a library item nor an OVA"},
		{"a disk without a path", fromDisk(""), "has no path"},
		{"a disk of another kind", fromDisk("[LocalDS_0] a.qcow2"), "is no VMDK"},
		{"a datastore without a disk", fromDisk("[LocalDS_0]"), `is not "[datastore] folder/disk.vmdk"`},
		{"two datastores", func(vm *manifest.VM) {
			fromDisk("[LocalDS_0] a.vmdk")(vm)
			vm.Placement.Datastore = "LocalDS_1"
		}, `placement.datastore is "LocalDS_1"`},
	} {
		req := wanted("web", vcsim.Template)
		r.change(req.VM)
		wantKind(t, r.reason, create(t, p, req), providers.InvalidSpec, r.says)
	}
}
