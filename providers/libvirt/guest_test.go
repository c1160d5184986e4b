package libvirt

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

const bootLimit = 2 * time.Minute

// TestGuest follows a machine with a real guest: what the guest sees is what
// the manifest says, at first boot, after changes while it runs, and at its end.
func TestGuest(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Guest: true})
	vm := r.vm("tiny")
	const userData = "#cloud-config\nusers: []\n"
	vm.CPUHotAdd, vm.MemoryMiB, vm.RootDisk.SizeGiB = true, 256, 2
	vm.Disks = []manifest.Disk{{Name: "data", SizeGiB: 1}}
	vm.CloudInit = manifest.CloudInit{UserData: secret.New(userData), Digest: "x"}
	vm.NICs = []manifest.NIC{{Name: "front", Network: network("default", "")}, {Name: "back", Network: network("isolated", "")}}
	id := r.create(vm)
	r.power(vm, providers.PowerStart)
	sum := sha256.Sum256([]byte(userData))
	r.says("STATE ", "seed=/dev/sr0", "hostname=tiny", "instance-id="+id, "user-data="+hex.EncodeToString(sum[:]),
		"vda:2147483648", "vdb:1073741824", "cpus=1", "ip=192.168.12")
	eventually(t, "addresses by lease and agent", func() bool {
		via := map[string]bool{}
		for _, a := range r.describe(vm).Addresses {
			via[a.Via+" "+a.NIC] = true
		}
		return via["lease front"] && via["lease back"]
	})

	more := providers.Change{
		Live: true, MemoryMiB: ptr(int64(224)), GrowDisks: []providers.DiskSize{{Name: "root", SizeGiB: 3}},
		AddDisks: []manifest.Disk{{Name: "more", SizeGiB: 1}}, RemoveNICs: []providers.NICRef{{Name: "back"}},
	}
	r.change(vm, more)
	r.says("STATE ", "vda:3221225472", "vdb:1073741824", "vdc:1073741824")
	got := r.describe(vm)
	if len(got.Running.NICs) != 1 || len(got.Running.Disks) != 3 || got.Config.MemoryMiB.Value != 224 {
		t.Errorf("running %+v, config %+v", got.Running, got.Config)
	}
	eventually(t, "the balloon is as wanted", func() bool { return r.describe(vm).Running.MemoryMiB.Value == 224 })
	r.untouched("tiny", func() { r.change(vm, more) }) // once the guest has followed
	r.change(vm, providers.Change{Live: true, CPU: ptr(2)})
	if got := r.describe(vm); got.Running.CPU.Value != 2 || got.Running.CPUMax.Value != 4 {
		t.Errorf("running %+v", got.Running)
	}
	r.shutsDown(vm)
	r.power(vm, providers.PowerStart)
	if line := r.says("STATE ", "cpus=2", "vdc:1073741824"); !strings.Contains(line, "vda:3221225472") {
		t.Errorf("after a restart: %s", line)
	}
	r.shutsDown(vm)
	r.delete(vm)
	if left := r.files(); len(left) != 0 {
		t.Errorf("after delete: %v", left)
	}
}

// says waits for a line of the guest with all of the words.
func (r *rig) says(prefix string, words ...string) string {
	r.t.Helper()
	return r.host.Console(r.t, "tiny", prefix, bootLimit, words...)
}

// shutsDown asks the guest to go off and waits for it.
func (r *rig) shutsDown(vm *manifest.VM) {
	r.t.Helper()
	begin := time.Now()
	task := r.power(vm, providers.PowerShutdown)
	eventually(r.t, "the guest is off", func() bool {
		done, err := r.IsTaskComplete(r.ctx, task)
		return done && err == nil
	})
	r.t.Logf("off after %v", time.Since(begin))
	if got := r.describe(vm); got.Power != providers.Off || got.Running != nil {
		r.t.Errorf("after a shutdown: %+v", got)
	}
}
