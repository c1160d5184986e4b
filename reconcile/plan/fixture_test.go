package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

var (
	lab   = manifest.Key{Namespace: "default", Name: "lab"}
	annex = manifest.Key{Namespace: "default", Name: "annex"}
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func key(name string) manifest.Key { return manifest.Key{Namespace: "default", Name: name} }

// wantedVM is a VM that wants something of every field.
func wantedVM(name string) *manifest.VM {
	return &manifest.VM{
		Key: key(name), Provider: lab, CPU: 2, MemoryMiB: 2048, Power: manifest.PowerOn,
		Shutdown: manifest.Shutdown{Graceful: true, Timeout: time.Minute},
		Firmware: manifest.FirmwareUEFI, Image: &manifest.Image{Key: key("base"), Digest: "sha256:aaaaaaaaaaaaaaaa"},
		RootDisk:  manifest.RootDisk{SizeGiB: 20},
		Disks:     []manifest.Disk{{Name: "data", SizeGiB: 50}},
		NICs:      []manifest.NIC{{Name: "lan", Network: &manifest.Network{Key: key("lan")}}},
		CloudInit: manifest.CloudInit{Digest: "sha256:cccccccccccccccc"},
		Tags:      []string{"prod", "web"}, Autostart: new(true), Digest: "digest-of-" + name,
	}
}

// foundVM is the machine that a creation of w makes, running when that is
// wanted, with head-room for twice as much.
func foundVM(w *manifest.VM) *providers.VM {
	h := providers.Hardware{
		CPU: providers.Known(w.CPU), CPUMax: providers.Known(2 * w.CPU),
		MemoryMiB: providers.Known(w.MemoryMiB), MemoryMaxMiB: providers.Known(2 * w.MemoryMiB),
		Firmware: providers.Known(w.Firmware), DisksKnown: true, NICsKnown: true,
		Disks: []providers.Disk{{Name: providers.RootDiskName, Origin: "root", SizeGiB: providers.Known(max(w.RootDisk.SizeGiB, 10))}},
	}
	owner := providers.Owner{Fleet: "lab", VM: w.Key}
	mark := &providers.Mark{Owner: owner, CloudInit: w.CloudInit.Digest, MACs: map[string]string{}}
	if w.Image != nil {
		mark.Image = w.Image.Digest
	}
	for _, d := range w.Disks {
		h.Disks = append(h.Disks, providers.Disk{Name: d.Name, Origin: d.Name, SizeGiB: providers.Known(d.SizeGiB)})
	}
	names := testCaps().NIC
	for _, n := range w.NICs {
		network, model := names.Of(n)
		mac := n.MAC
		if mac == "" {
			mac = owner.MAC("52:54:00", n.Name)
		}
		mark.MACs[n.Name] = mac
		h.NICs = append(h.NICs, providers.NIC{Name: n.Name, Network: network, Model: model, MAC: mac})
	}
	f := &providers.VM{ID: "id-" + w.Key.Name, Name: w.Key.Name, Mark: mark, Power: providers.Off, Config: h,
		Autostart: providers.Known(w.Autostart != nil && *w.Autostart), Tags: providers.Known(w.Tags)}
	if w.Power == manifest.PowerOn {
		running(f)
	}
	return f
}

// running puts the machine on, with its definition in force.
func running(f *providers.VM) {
	r := f.Config
	r.Disks = append([]providers.Disk{}, r.Disks...)
	r.NICs = append([]providers.NIC{}, r.NICs...)
	f.Power, f.Running = providers.On, &r
}

func off(f *providers.VM) { f.Power, f.Running = providers.Off, nil }

// both changes the definition and the running machine.
func both(f *providers.VM, change func(*providers.Hardware)) {
	change(&f.Config)
	if f.Running != nil {
		change(f.Running)
	}
}

func testCaps() *providers.Capabilities {
	return &providers.Capabilities{
		Change: map[providers.Field]providers.Ability{
			providers.FieldCPU: providers.LiveInHeadroom, providers.FieldMemory: providers.LiveInHeadroom,
			providers.FieldDisk: providers.Live, providers.FieldDiskSize: providers.Live,
			providers.FieldNIC: providers.Live, providers.FieldNICNetwork: providers.Live,
			providers.FieldNICModel: providers.Restart, providers.FieldNICMAC: providers.Restart,
			providers.FieldTags: providers.Live, providers.FieldAutostart: providers.Live, providers.FieldRetired: providers.Live,
			providers.FieldSecureBoot: providers.Restart, providers.FieldExtraConfig: providers.Live, providers.FieldDiskType: providers.Never,
			"extraConfig[board]": providers.Restart, "extraConfig[other.]": providers.Uncompared,
			providers.FieldFirmware: providers.Replace, providers.FieldImage: providers.Replace, providers.FieldCloudInit: providers.Replace,
		},
		NIC: providers.NICNames{Network: []string{"name"}, DefaultModel: "virtio"}, Concurrency: 4,
	}
}

func testPolicy() Policy {
	return Policy{
		Drift: Enforce, MaxDisruption: Restart,
		Prune: Prune{Mode: PruneDelete, Grace: 24 * time.Hour, MaxCount: 2, MaxPercent: 50},
	}
}

// scenario is an input in the making.
type scenario struct{ Input }

// scene returns an input where every wanted VM is found as wanted.
func scene(wanted ...*manifest.VM) *scenario {
	s := &scenario{Input{
		Fleet: "lab", Revision: "r1", Now: noon, Wanted: wanted, Policy: testPolicy(), Facts: map[manifest.Key]*Facts{},
		Endpoints: []Endpoint{{Key: lab, Caps: testCaps(), Inventory: &Inventory{Complete: true}}},
	}}
	for _, w := range wanted {
		s.find(foundVM(w))
		s.Facts[w.Key] = &Facts{Provider: lab, Applied: Base(w, s.Endpoints[0].Caps, &Item{}, nil)}
	}
	return s
}

func (s *scenario) find(vms ...*providers.VM) {
	for _, vm := range vms {
		s.Endpoints[0].Inventory.VMs = append(s.Endpoints[0].Inventory.VMs, vm)
	}
}

// machine returns the found machine of that name.
func (s *scenario) machine(name string) *providers.VM {
	for _, vm := range s.Endpoints[0].Inventory.VMs {
		if vm.Name == name {
			return vm
		}
	}
	return nil
}

func (s *scenario) gone(name string) {
	inv := s.Endpoints[0].Inventory
	for i := range inv.VMs {
		if inv.VMs[i].Name == name {
			inv.VMs = append(inv.VMs[:i:i], inv.VMs[i+1:]...)
			return
		}
	}
}

func (s *scenario) fact(name string, change func(*Facts)) {
	f := Facts{}
	if known := s.Facts[key(name)]; known != nil {
		f = *known
	}
	change(&f)
	s.Facts[key(name)] = &f
}

// brief renders an item in one line: "update restart: cpu restart apply |
// shutdown 1m0s, reconfigure cpu=4, start". A difference that is drift has a !.
func brief(it *Item) string {
	var diffs, ops []string
	for _, d := range it.Diffs {
		if it.Action == Create && len(it.Ops) > 0 {
			break // everything
		}
		text := d.Field
		if d.Where != Both {
			text += "@" + string(d.Where)
		}
		if d.Drift {
			text += "!"
		}
		diffs = append(diffs, fmt.Sprintf("%s %s %s", text, d.Disruption, d.Verdict))
	}
	for _, op := range it.Ops {
		ops = append(ops, opText(op))
	}
	text := string(it.Action)
	if it.Disruption != Nothing {
		text += " " + string(it.Disruption)
	}
	if len(diffs) > 0 {
		text += ": " + strings.Join(diffs, ", ")
	}
	if len(ops) > 0 {
		text += " | " + strings.Join(ops, ", ")
	}
	return text
}

func opText(op Op) string {
	text := string(op.Kind)
	if op.Change != nil {
		text += changeText(op.Change)
	}
	if op.Timeout > 0 {
		text += " within " + op.Timeout.String()
	}
	if op.Leftover != nil {
		text += " " + op.Leftover.ID
	}
	if !op.Retired.IsZero() {
		text += " retired " + stamp(op.Retired)
	}
	if op.Task != "" {
		text += " (awaits " + string(op.Task) + ")"
	}
	return text
}

func changeText(c *providers.Change) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	if c.Live {
		say("live")
	}
	if c.CPU != nil {
		say("cpu=%d", *c.CPU)
	}
	if c.MemoryMiB != nil {
		say("memory=%d", *c.MemoryMiB)
	}
	for _, d := range c.AddDisks {
		say("+disk[%s]=%d", d.Name, d.SizeGiB)
	}
	for _, d := range c.GrowDisks {
		say("disk[%s]=%d", d.Name, d.SizeGiB)
	}
	for _, n := range c.RemoveNICs {
		say("-nic[%s%s]", n.Name, n.MAC)
	}
	for _, n := range c.AddNICs {
		say("+nic[%s]=%s", n.Name, n.MAC)
	}
	for _, f := range slices.Sorted(maps.Keys(c.Traits)) {
		say("%s=%s", f, c.Traits[f])
	}
	if c.Tags != nil {
		say("tags=%s", strings.Join(*c.Tags, ","))
	}
	if c.Autostart != nil {
		say("autostart=%t", *c.Autostart)
	}
	if c.Retired != nil {
		say("retired=%t", !c.Retired.IsZero())
	}
	return b.String()
}

// itemOf returns the plan's only item for the VM.
func itemOf(t *testing.T, p *Plan, name string) *Item {
	t.Helper()
	var found *Item
	for i := range p.Items {
		if p.Items[i].VM == key(name) {
			if found != nil {
				t.Fatalf("two items for %s: %s and %s", name, brief(found), brief(p.Items[i]))
			}
			found = p.Items[i]
		}
	}
	if found == nil {
		t.Fatalf("no item for %s in %v", name, p.Items)
	}
	return found
}

// row is one situation of the VM "web", which is as wanted before set.
type row struct {
	reason string // why the outcome is right
	set    func(s *scenario, w *manifest.VM, f *providers.VM)
	want   string // brief
	says   string // part of the item's reason, or of a difference's
}

func try(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(strings.ReplaceAll(r.reason, " ", "_"), func(t *testing.T) {
			w := wantedVM("web")
			s := scene(w)
			r.set(s, w, s.machine("web"))
			p := Build(s.Input)
			it := itemOf(t, &p, "web")
			if got := brief(it); got != r.want {
				t.Errorf("%s:\nwant %s\ngot  %s\nreason: %s", r.reason, r.want, got, it.Reason)
			}
			if text := reasons(it); !strings.Contains(text, r.says) {
				t.Errorf("%s: %q is not said in:\n%s", r.reason, r.says, text)
			}
		})
	}
}

func reasons(it *Item) string {
	text := it.Reason
	for _, d := range it.Diffs {
		text += "\n" + d.Field + ": " + d.Reason
	}
	return text
}
