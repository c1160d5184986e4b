package libvirt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// tellLimit is within what an act of somebody else is told, when a Pulse
// follows every second and the page holds every domain.
const tellLimit = 2 * time.Second

// outsideAct is something that somebody does with virsh.
type outsideAct struct {
	what  string
	do    func()
	event bool // libvirt sends an event; without one, Pulse finds it
}

// TestActsOfOthersAreTold is the table of what libvirt tells and what it does
// not.
func TestActsOfOthersAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Guest: true})
	vm := r.richVM("web")
	vm.MemoryMiB = 192
	id := r.create(vm)
	fence, err := defineForeign(r.host, "fence")
	if err != nil {
		t.Fatal(err)
	}
	pulseOf(t, r.Provider)
	w := watch(t, r)
	for i, a := range actsOn(r, id) {
		// What came before is through when a later act is.
		r.host.Virsh("desc", fence, "--config", fmt.Sprint(i))
		if _, ok := w.heard(fence, tellLimit); !ok {
			t.Fatal("the watch has fallen silent")
		}
		// A guest takes its time to follow what was done to it.
		eventually(t, "nothing changes before "+a.what, func() bool {
			pulseOf(t, r.Provider) // knows the documents of what the one before found running
			return len(pulseOf(t, r.Provider)) == 0
		})
		w.forget()
		begin := time.Now()
		a.do()
		done := time.Now()
		if a.event {
			when, ok := w.heard(id, tellLimit)
			t.Logf("%-26s told %5d ms after the act began, %4d ms after it ended", a.what, when.Sub(begin).Milliseconds(), when.Sub(done).Milliseconds())
			if !ok {
				t.Errorf("%s: not told", a.what)
			}
			continue
		}
		got := pulseOf(t, r.Provider)
		t.Logf("%-26s found by a pulse of %v", a.what, time.Since(done).Round(time.Millisecond))
		if len(got) != 1 || got[0] != id {
			t.Errorf("%s: pulse found %v", a.what, got)
		}
	}
	w.ended(t)
}

func actsOn(r *rig, id string) []outsideAct {
	v := func(args ...string) func() { return func() { r.host.Virsh(args...) } }
	change := func(old, fresh string) func() { return func() { r.redefine(id, old, fresh) } }
	nic := func(verb, mac, scope string) func() {
		args := []string{verb, id, "network"}
		if verb == "attach-interface" {
			args = append(args, "isolated")
		}
		return v(append(args, "--mac", mac, scope)...)
	}
	const a, b = "52:54:00:00:00:77", "52:54:00:00:00:78"
	const space = "http://example.com/x"
	disk := strings.Fields(r.host.Virsh("domblklist", id, "--details"))[3]
	name := strings.TrimSpace(r.host.Virsh("domname", id))
	off := []outsideAct{
		{"off: setvcpus", v("setvcpus", id, "3", "--config"), false},
		{"off: setmem", v("setmem", id, "128M", "--config"), false},
		{"off: setmem back", v("setmem", id, "192M", "--config"), false},
		{"off: attach-interface", nic("attach-interface", a, "--config"), false},
		{"off: detach-interface", nic("detach-interface", a, "--config"), false},
		{"off: define another MAC", change("52:54:00:00:00:01", "52:54:00:00:00:02"), true},
		{"off: metadata", v("metadata", id, space, "--config", "--key", "k", "--set", "<a/>"), true},
		{"off: autostart", v("autostart", id, "--disable"), false},
		{"off: domrename", v("domrename", name, "other"), true},
		{"off: vol-resize", v("vol-resize", disk, "3G"), false},
		{"off: start", func() {
			r.host.Virsh("start", id)
			r.host.Console(r.t, id, "STATE ", bootLimit)
		}, true},
	}
	on := []outsideAct{
		{"on: setvcpus live", v("setvcpus", id, "4", "--live"), false},
		{"on: setvcpus config", v("setvcpus", id, "2", "--config"), false},
		{"on: setmem live", v("setmem", id, "176M", "--live"), true},
		{"on: setmem config", v("setmem", id, "160M", "--config"), false},
		{"on: attach-interface live", nic("attach-interface", b, "--live"), true},
		{"on: detach-interface live", nic("detach-interface", b, "--live"), true},
		{"on: attach-interface config", nic("attach-interface", a, "--config"), false},
		{"on: detach-interface config", nic("detach-interface", a, "--config"), false},
		{"on: define another MAC", change("52:54:00:00:00:02", "52:54:00:00:00:03"), true},
		{"on: metadata live", v("metadata", id, space, "--live", "--key", "k", "--set", "<b/>"), true},
		{"on: metadata config", v("metadata", id, space, "--config", "--key", "k", "--set", "<c/>"), true},
		{"on: blockresize", v("blockresize", id, "vda", "4G"), false},
		{"on: autostart", v("autostart", id), false},
		{"on: suspend", v("suspend", id), true},
		{"on: resume", v("resume", id), true},
		{"on: managedsave", v("managedsave", id), true},
		{"saved: managedsave-remove", v("managedsave-remove", id), false},
		{"off: start again", v("start", id), true},
		{"on: destroy", v("destroy", id), true},
		{"off: undefine", v("undefine", id), true},
	}
	return append(off, on...)
}

// redefine changes a definition, as virsh edit does.
func (r *rig) redefine(id, old, fresh string) {
	r.t.Helper()
	text := r.host.Virsh("dumpxml", "--inactive", id)
	if !strings.Contains(text, old) {
		r.t.Errorf("no %q in the definition", old)
	}
	file := filepath.Join(r.host.PoolDir, "edit.xml")
	if err := os.WriteFile(file, []byte(strings.Replace(text, old, fresh, 1)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	defer os.Remove(file)
	r.host.Virsh("define", file)
}

func pulseOf(t testing.TB, p *Provider) []string {
	t.Helper()
	ids, err := p.Pulse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
