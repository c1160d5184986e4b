package daemon_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// TestKillWhileCreating kills the daemon with SIGKILL at twenty random moments
// while it creates twenty VMs, and deletes its state in between. Afterwards
// there is one domain per manifest and no orphan volume.
func TestKillWhileCreating(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	program := buildProgram(t)
	rng := rand.New(rand.NewPCG(7, 20))
	for round := range 20 {
		t.Run(fmt.Sprintf("kill %d", round+1), func(t *testing.T) {
			s := newSite(t, host)
			s.policy = "prune: {mode: delete, grace: 0s, maxCount: 100, maxPercent: 100, allowEmpty: true}"
			var vms []vmFile
			for i := range 20 {
				// Not started: what is tried here is creation.
				vms = append(vms, vmFile{Name: fmt.Sprintf("k%d-%02d", round, i), Power: `"Off"`})
			}
			s.commit(vms)
			s.killed(program, time.Duration(rng.IntN(1200))*time.Millisecond)
			if round%2 == 1 {
				if err := os.RemoveAll(filepath.Join(s.dir, "state")); err != nil {
					t.Fatal(err)
				}
			}
			s.converge("after the restart")
			s.wantExactly(vms)
			s.commit(nil, fileNames(vms)...)
			s.converge("after the removal")
			s.wantExactly(nil)
		})
	}
}

// converge runs passes until one has nothing left to do.
func (s *site) converge(reason string) {
	s.t.Helper()
	s.until(reason, func() bool { return len(s.apply()) == 0 && s.inSync() == "" })
}

func fileNames(vms []vmFile) []string {
	var out []string
	for _, v := range vms {
		out = append(out, "vms/"+v.Name+".yaml")
	}
	return out
}

// wantExactly wants the domains and the volumes of these VMs and no others.
func (s *site) wantExactly(vms []vmFile) {
	s.t.Helper()
	var want, volumes []string
	for _, v := range vms {
		want = append(want, v.Name)
	}
	got := strings.Fields(s.host.Virsh("list", "--all", "--name"))
	slices.Sort(got)
	if !slices.Equal(want, got) {
		s.t.Errorf("domains: want %v, got %v", want, got)
	}
	used := s.host.Virsh("vol-list", "default")
	for line := range strings.Lines(used) {
		if f := strings.Fields(line); len(f) == 2 && strings.Contains(f[0], "vmsteward") {
			volumes = append(volumes, f[0])
		}
	}
	if n := len(vms) * 3; len(volumes) != n { // root, data, seed
		s.t.Errorf("%d volumes for %d VMs, want %d: %v", len(volumes), len(vms), n, volumes)
	}
}

// buildProgram builds the real binary.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "vmsteward")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/vmsteward").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// killed runs the daemon and kills it after a time that begins with its first
// call to the hypervisor.
func (s *site) killed(program string, after time.Duration) {
	s.t.Helper()
	s.config()
	cmd := exec.Command(program, "run", "--config", filepath.Join(s.dir, "vmsteward.yaml"))
	log, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	buf, seen := make([]byte, 1<<16), ""
	for !strings.Contains(seen, `"msg":"decision"`) {
		n, err := log.Read(buf)
		if err != nil {
			s.t.Fatalf("the daemon ended before it decided anything: %v\n%s", err, seen)
		}
		seen += string(buf[:n])
	}
	timer := time.NewTimer(after)
	<-timer.C
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}
