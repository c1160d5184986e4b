package libvirt

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// crowd creates n VMs at once.
func (r *rig) crowd(n, atOnce int) []*manifest.VM {
	r.t.Helper()
	vms := make([]*manifest.VM, n)
	errs := make([]error, n)
	var g sync.WaitGroup
	gate := make(chan struct{}, atOnce)
	for i := range n {
		vms[i] = r.vm(fmt.Sprintf("vm-%04d", i))
		g.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			_, errs[i] = r.Create(r.ctx, providers.CreateRequest{Owner: owner(vms[i]), VM: vms[i]})
		})
	}
	g.Wait()
	for i, err := range errs {
		if err != nil {
			r.t.Fatalf("create %s: %v", vms[i].Key, err)
		}
	}
	return vms
}

func TestInventoryOfMany(t *testing.T) {
	r := newRig(t, libvirttest.Options{})
	n := 100
	if text := os.Getenv("VMSTEWARD_TEST_DOMAINS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	begin := time.Now()
	vms := r.crowd(n, 24)
	t.Logf("create %d, 24 at once: %v", n, time.Since(begin))
	for range 3 {
		begin = time.Now()
		inv := r.list()
		t.Logf("list %d: %v", n, time.Since(begin))
		if len(inv.VMs) != n || !inv.Complete || len(inv.Leftovers) != 0 {
			t.Fatalf("%d VMs, complete %v, leftovers %d", len(inv.VMs), inv.Complete, len(inv.Leftovers))
		}
		for _, vm := range inv.VMs {
			if vm.Mark == nil || vm.Power != providers.Off || len(vm.Config.Disks) != 1 || vm.Config.Disks[0].SizeGiB.Value != 1 {
				t.Fatalf("%+v", vm)
			}
		}
	}
	begin = time.Now()
	r.describe(vms[0])
	t.Logf("describe: %v", time.Since(begin))
	begin = time.Now()
	r.delete(vms[0])
	t.Logf("delete: %v", time.Since(begin))
}

// Domains come and go while the inventory is read: those that stay are all
// there, and those that go are no problem.
func TestInventoryWhileDomainsVanish(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	stay := r.crowd(10, 10)
	gone := r.vm("gone")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if _, err := r.Create(r.ctx, providers.CreateRequest{Owner: owner(gone), VM: gone}); err != nil {
				t.Error(err)
			}
			if _, err := r.Delete(r.ctx, ref(gone)); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		inv := r.list()
		if n := len(inv.VMs); !inv.Complete || n < len(stay) || n > len(stay)+1 {
			t.Errorf("%d VMs, complete %v, problems %v", n, inv.Complete, inv.Problems)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
