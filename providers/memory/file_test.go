package memory_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// The test binary starts itself again with these set, to be killed.
const (
	envState = "MEMORY_TEST_STATE"
	envStep  = "MEMORY_TEST_STEP"
)

// TestKilledProcess is the child: it creates web-1 in a file and kills itself
// after a step.
func TestKilledProcess(t *testing.T) {
	path := os.Getenv(envState)
	if path == "" {
		t.Skip("runs as the child of TestKillAtEveryStep")
	}
	p := open(t, path)
	p.Hypervisor().OnStep(func(s memory.Step) error {
		if fmt.Sprint(s.N) != os.Getenv(envStep) {
			return nil
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		select {} // until the signal arrives
	})
	create(t, p, "web-1")
}

func TestKillAtEveryStep(t *testing.T) {
	for step := 1; ; step++ {
		path := filepath.Join(t.TempDir(), "state.json")
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledProcess$")
		child.Env = append(os.Environ(), envState+"="+path, fmt.Sprintf("%s=%d", envStep, step))
		out, err := child.CombinedOutput()
		if err == nil {
			if step < 3 {
				t.Fatalf("create has %d steps, want at least 3\n%s", step-1, out)
			}
			return
		}
		if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("step %d: %v\n%s", step, err, out)
		}
		p := open(t, path)
		create(t, p, "web-1")
		inv, err := p.List(t.Context())
		if err != nil || len(inv.VMs) != 1 || len(inv.Leftovers) != 0 || len(p.Hypervisor().Outside().Volumes()) != 2 {
			t.Errorf("killed at step %d: %+v, %v, volumes %v; want one VM with its two volumes",
				step, inv, err, p.Hypervisor().Outside().Volumes())
		}
	}
}

// open connects to the endpoint of a file.
func open(t *testing.T, path string) *memory.Provider {
	t.Helper()
	p, err := new(memory.Registry).Open(providers.Settings{Fleet: fleet, Endpoint: "memory://" + path})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAFileIsSharedAndCopied(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, filepath.Join(dir, "state.json")), open(t, filepath.Join(dir, "state.json"))
	create(t, one, "web-1")
	_, err := two.Power(t.Context(), ref("web-1"), providers.PowerStart)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"create lab/default/web-1", "power default/web-1 start"}
	if diff := cmp.Diff(want, one.Hypervisor().Calls()); diff != "" {
		t.Errorf("calls of both (-want +got):\n%s", diff)
	}
	before, err := one.Describe(t.Context(), ref("web-1"))
	if err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(dir, "copy.json")
	if err := one.Hypervisor().Save(saved); err != nil {
		t.Fatal(err)
	}
	loaded, err := memory.Load(saved)
	if err != nil {
		t.Fatal(err)
	}
	after, err := loaded.Connect(settings()).Describe(t.Context(), ref("web-1"))
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("after Save and Load: %v (-want +got):\n%s", err, diff)
	}
}

func TestRegistryKnowsEndpoints(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage.json")
	if err := os.WriteFile(garbage, []byte("not a state"), 0o600); err != nil {
		t.Fatal(err)
	}
	var r memory.Registry
	for _, row := range []struct {
		endpoint string
		want     providers.Kind
		reason   string
	}{
		{"memory://lab", "", "a name is a hypervisor of the process"},
		{"memory:///" + strings.TrimPrefix(t.TempDir(), "/") + "/state.json", "", "a path is a file"},
		{"memory://" + garbage, providers.Unavailable, "a file that cannot be read is not an empty hypervisor"},
		{"memory://", providers.InvalidSpec, "neither name nor path"},
		{"memory://lab/path", providers.InvalidSpec, "name and path"},
		{"qemu:///system", providers.InvalidSpec, "another scheme"},
	} {
		_, err := r.Open(providers.Settings{Endpoint: row.endpoint})
		if got := providers.KindOf(err); got != row.want {
			t.Errorf("%s: kind %q, want %q: %s (%v)", row.endpoint, got, row.want, row.reason, err)
		}
	}
	a, _ := r.Hypervisor("memory://lab")
	b, _ := r.Hypervisor("memory://lab")
	c, _ := r.Hypervisor("memory://other")
	if a != b || a == c {
		t.Error("one name must be one hypervisor, two names two")
	}
}
