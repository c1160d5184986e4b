package vsphere

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// files returns the disks that lie in a folder of LocalDS_0 of DC0.
func (y *yard) files(folder string) []string {
	y.t.Helper()
	finder := find.NewFinder(y.Client())
	dc, err := finder.Datacenter(y.ctx, "/DC0")
	if err != nil {
		y.t.Fatal(err)
	}
	ds, err := finder.SetDatacenter(dc).Datastore(y.ctx, "LocalDS_0")
	if err != nil {
		y.t.Fatal(err)
	}
	browser, err := ds.Browser(y.ctx)
	if err != nil {
		y.t.Fatal(err)
	}
	task, err := browser.SearchDatastore(y.ctx, ds.Path(folder), &types.HostDatastoreBrowserSearchSpec{MatchPattern: []string{"*.vmdk"}})
	if err != nil {
		y.t.Fatal(err)
	}
	info, err := task.WaitForResult(y.ctx)
	if err != nil {
		return nil // no such folder
	}
	var out []string
	for _, f := range info.Result.(types.HostDatastoreBrowserSearchResults).File {
		if name := f.GetFileInfo().Path; !strings.HasSuffix(name, "-flat.vmdk") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// folder makes a folder of LocalDS_0 of DC0.
func (y *yard) folder(name string) {
	y.t.Helper()
	dc, err := find.NewFinder(y.Client()).Datacenter(y.ctx, "/DC0")
	if err != nil {
		y.t.Fatal(err)
	}
	if err := object.NewFileManager(y.Client()).MakeDirectory(y.ctx, "[LocalDS_0] "+name, dc, true); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) delete(name string) error {
	y.t.Helper()
	return y.finish(y.p.Delete(y.ctx, refTo(name)))
}

func TestDeleteTakesItsOwnDisksAlone(t *testing.T) {
	made := markDisk{Name: "root", At: "scsi0:0", Made: true}
	for _, row := range []struct {
		name   string
		mark   []markDisk
		disks  []edit
		kept   []string // in the folder "stranger"
		reason string
	}{
		{"own", []markDisk{made}, []edit{disk(0, "")}, nil, "a disk that we made goes with its VM"},
		{
			"imported", []markDisk{{Name: "root", At: "scsi0:0"}},
			[]edit{disk(0, "[LocalDS_0] stranger/a.vmdk")},
			[]string{"a.vmdk"}, "a disk that was there before the VM stays",
		},
		{
			"attached", []markDisk{made},
			[]edit{disk(0, ""), disk(1, "[LocalDS_0] stranger/a.vmdk"), disk(2, "[LocalDS_0] stranger/b.vmdk")},
			[]string{"a.vmdk", "b.vmdk"}, "disks that somebody attached stay",
		},
		{
			"swapped", []markDisk{made}, []edit{disk(0, "[LocalDS_0] stranger/a.vmdk")},
			[]string{"a.vmdk"}, "a disk that somebody put in the place of ours stays",
		},
		{"without", nil, nil, nil, "a VM without disks"},
	} {
		t.Run(row.name, func(t *testing.T) {
			y := newYard(t, vcsim.Options{})
			y.folder("stranger")
			y.make("web", append([]edit{marked(markFor("web", row.mark...))}, row.disks...)...)
			if err := y.delete("web"); err != nil {
				t.Fatalf("%v (%s)", err, row.reason)
			}
			if _, err := y.p.Describe(y.ctx, refTo("web")); !providers.IsAbsent(err) {
				t.Errorf("after it was deleted: %v", err)
			}
			if d := cmp.Diff(row.kept, y.files("stranger")); d != "" {
				t.Errorf("%s (-want +got):\n%s", row.reason, d)
			}
			if left := y.files("web"); len(left) > 0 {
				t.Errorf("the VM's folder still has %v", left)
			}
			if err := y.delete("web"); err != nil {
				t.Errorf("deleted again: %v", err)
			}
		})
	}
}

func TestDeleteRefuses(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	y.folder("stranger")
	on := y.make("on", marked(markFor("on")))
	task, err := on.PowerOn(y.ctx)
	y.done(task, err)
	asleep := y.make("asleep", marked(markFor("asleep")))
	task, err = asleep.PowerOn(y.ctx)
	y.done(task, err)
	task, err = asleep.Suspend(y.ctx)
	y.done(task, err)
	y.make("stranger")
	held := y.make("held", marked(markFor("held")), disk(0, "[LocalDS_0] stranger/a.vmdk"))
	task, err = held.CreateSnapshot(y.ctx, "before", "", false, false)
	y.done(task, err)
	once := y.make("once", marked(markFor("once")), disk(0, "[LocalDS_0] stranger/b.vmdk"))
	task, err = once.CreateSnapshot(y.ctx, "before", "", false, false)
	y.done(task, err)
	device := y.properties(once, "config.hardware.device").Config.Hardware.Device
	y.reconfigure(once, types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationRemove,
			Device:    object.VirtualDeviceList(device).SelectByType((*types.VirtualDisk)(nil))[0],
		},
	}})
	for _, row := range []struct {
		ref    providers.Ref
		says   string
		reason string
	}{
		{refTo("on"), "not powered off", "it runs"},
		{refTo("asleep"), "not powered off", "what is in its memory would be lost"},
		{providers.Ref{ID: y.id("stranger"), Owner: owner("stranger")}, "does not carry the mark", "it is not ours"},
		{providers.Ref{ID: y.id("on"), Owner: owner("other")}, "does not carry the mark", "it is another VM's"},
		{refTo("held"), "stranger/a.vmdk", "its snapshot holds on to a disk that is not ours"},
		{refTo("once"), "stranger/b.vmdk", "its snapshot holds on to a disk that it has no more"},
	} {
		before := len(y.all())
		_, err := y.p.Delete(y.ctx, row.ref)
		wantKind(t, row.reason, err, providers.Conflict, row.says)
		if after := len(y.all()); after != before {
			t.Errorf("%s: %d VMs before, %d after", row.reason, before, after)
		}
	}
	if d := cmp.Diff([]string{"a.vmdk", "b.vmdk"}, y.files("stranger")); d != "" {
		t.Errorf("disks (-want +got):\n%s", d)
	}
}

// id returns the instance UUID of the VM of that name.
func (y *yard) id(name string) string {
	y.t.Helper()
	return y.properties(y.named(name), "config.instanceUuid").Config.InstanceUuid
}

// named returns the VM of that name.
func (y *yard) named(name string) *object.VirtualMachine {
	y.t.Helper()
	for _, vm := range y.all() {
		if y.properties(vm, "name").Name == name {
			return vm
		}
	}
	y.t.Fatalf("there is no %s", name)
	return nil
}

// all returns every VM, templates among them.
func (y *yard) all() (out []*object.VirtualMachine) {
	for _, e := range y.Simulator().Context.Map.All(virtualMachine) {
		out = append(out, object.NewVirtualMachine(y.Client(), e.Reference()))
	}
	return out
}

// TestDeleteWithSnapshots: disks that are all ours go with their snapshots.
func TestDeleteWithSnapshots(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	vm := y.make("web", marked(markFor("web", markDisk{Name: "root", At: "scsi0:0", Made: true})), disk(0, ""))
	for _, name := range []string{"one", "two"} {
		task, err := vm.CreateSnapshot(y.ctx, name, "", false, false)
		y.done(task, err)
	}
	if err := y.delete("web"); err != nil {
		t.Fatal(err)
	}
	if left := y.files("web"); len(left) > 0 {
		t.Errorf("the VM's folder still has %v", left)
	}
}

func TestInFolder(t *testing.T) {
	for _, row := range []struct {
		file, beside string
		want         bool
		reason       string
	}{
		{"[a] web/web.vmdk", "[a] web/web.vmx", true, "beside it"},
		{"[b] web/data.vmdk", "[a] web/web.vmx", true, "the folder of the same name on another datastore"},
		{"[a] prod/web/web.vmdk", "[a] prod/web/web.vmx", true, "folders in folders"},
		{"[a] web2/web.vmdk", "[a] web/web.vmx", false, "another VM's folder"},
		{"[a] other/web/web.vmdk", "[a] web/web.vmx", false, "a folder of the name elsewhere"},
		{"[a] web/sub/web.vmdk", "[a] web/web.vmx", false, "a folder below it"},
		{"[a] web.vmdk", "[a] web.vmx", false, "the datastore's own folder is everybody's"},
		{"", "[a] web/web.vmx", false, "no file"},
		{"[a] web/web.vmdk", "", false, "the VM's folder is not known"},
	} {
		if got := inFolder(row.file, row.beside); got != row.want {
			t.Errorf("inFolder(%q, %q) = %t, want %t: %s", row.file, row.beside, got, row.want, row.reason)
		}
	}
}

// TestDeleteLooksAgain: a disk that is attached while another is detached is
// not destroyed.
func TestDeleteLooksAgain(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	y.folder("stranger")
	vm := y.make("web", marked(markFor("web")), disk(0, "[LocalDS_0] stranger/a.vmdk"))
	meanwhile := func(req soap.HasFault) {
		if _, is := req.(*methods.ReconfigVM_TaskBody); !is {
			return
		}
		spec := types.VirtualMachineConfigSpec{}
		disk(3, "[LocalDS_0] stranger/b.vmdk")(&spec)
		spec.DeviceChange[0].GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().ControllerKey = 1000
		y.reconfigure(vm, spec)
	}
	err := y.p.do(y.ctx, "delete", "", func(ctx context.Context, c *vim25.Client) error {
		c.RoundTripper = before{c.RoundTripper, meanwhile}
		_, err := y.p.remove(ctx, c, refTo("web"))
		return err
	})
	if providers.KindOf(err) != providers.Conflict {
		t.Errorf("a VM that had got a disk meanwhile: %v; want a Conflict", err)
	}
	if d := cmp.Diff([]string{"a.vmdk", "b.vmdk"}, y.files("stranger")); d != "" {
		t.Errorf("disks (-want +got):\n%s", d)
	}
}
