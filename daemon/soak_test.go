package daemon_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

var (
	soakPushes = flag.Int("soak.pushes", 60, "pushes in a row of TestSoak; make soak takes 10,000")
	soakEvery  = flag.Int("soak.restart", 30, "pushes between two restarts of libvirtd")
)

// TestSoak pushes again and again, changes VMs outside in between, and restarts
// libvirtd. What was pushed last always comes into force, and goroutines,
// descriptors and memory stay as they were.
func TestSoak(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	s := newSite(t, host)
	vms := make([]vmFile, 5)
	for i := range vms {
		vms[i] = vmFile{Name: fmt.Sprintf("s-%d", i), Power: `"Off"`, CPU: 1}
	}
	s.commit(vms)
	s.start()
	s.until("the VMs are created", s.settled)

	var before usage
	for n := 1; n <= *soakPushes; n++ {
		vm := &vms[n%len(vms)]
		vm.CPU = 1 + n%7
		s.repo.Commit(map[string]string{"vms/" + vm.Name + ".yaml": vm.yaml()})
		switch {
		case n%*soakEvery == 0:
			host.Restart(t)
		case n%10 == 0:
			// It may be refused while libvirtd or the daemon is at it.
			_, _ = host.VirshErr("setvcpus", vms[(n+1)%len(vms)].Name, "9", "--config", "--maximum")
		}
		if n%50 == 0 || n == *soakPushes {
			s.until("what was pushed last is in force", s.settled)
			s.wantCPUs(vms)
		}
		if n%1000 == 0 {
			s.log.reset()
			t.Logf("%d pushes: %+v", n, measured())
		}
		if n == min(1000, *soakPushes/2) {
			before = measured()
		}
	}
	var after usage
	s.until("goroutines and descriptors are as before", func() bool {
		after = measured()
		return after.goroutines <= before.goroutines+10 && after.descriptors <= before.descriptors+10
	})
	t.Logf("before %+v, after %+v", before, after)
	if *soakPushes >= 5000 && after.residentKB > before.residentKB*5/4 {
		t.Errorf("resident memory grew from %d to %d KB", before.residentKB, after.residentKB)
	}
}

func (s *site) wantCPUs(vms []vmFile) {
	s.t.Helper()
	for _, v := range vms {
		if got := strings.TrimSpace(s.host.Virsh("vcpucount", v.Name, "--config", "--current")); got != strconv.Itoa(v.CPU) {
			s.t.Errorf("%s has %s CPUs, want %d", v.Name, got, v.CPU)
		}
	}
}

// usage is what a process holds.
type usage struct{ goroutines, descriptors, residentKB int }

func measured() usage {
	runtime.GC()
	u := usage{goroutines: runtime.NumGoroutine()}
	fds, _ := os.ReadDir("/proc/self/fd")
	u.descriptors = len(fds)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			u.residentKB, _ = strconv.Atoi(f[1])
		}
	}
	return u
}
