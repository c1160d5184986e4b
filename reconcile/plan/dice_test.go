package plan

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// dice makes decisions from bytes, so that a fuzzer can steer them.
type dice []byte

func seededDice(seed uint64) *dice {
	r := rand.New(rand.NewPCG(seed, 1))
	d := make(dice, 600)
	for i := range d {
		d[i] = byte(r.Uint32())
	}
	return &d
}

// below returns a number in [0, n).
func (d *dice) below(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

func (d *dice) rarely() bool { return d.below(8) == 7 }

func pick[T any](d *dice, from ...T) T { return from[d.below(len(from))] }

// hush is the secret that must never show.
const hush = "correct-horse-battery-staple"

// anything returns an input with every kind of trouble in it.
func (d *dice) anything() Input {
	s := scene()
	s.Facts = map[manifest.Key]*Facts{}
	s.Policy = d.policy()
	s.Endpoints = append(s.Endpoints, Endpoint{Key: annex, Caps: testCaps(), Inventory: &Inventory{Complete: true}})
	for i := range 1 + d.below(6) {
		d.vm(s, i)
	}
	for i := range d.below(3) {
		d.stranger(s, i)
	}
	for i := range s.Endpoints {
		d.trouble(&s.Endpoints[i])
		d.poorer(&s.Endpoints[i])
	}
	if d.rarely() {
		s.Incomplete = "a file is torn"
	}
	return s.Input
}

func (d *dice) policy() Policy {
	return Policy{
		Drift: pick(d, Enforce, ReportOnly), MaxDisruption: pick(d, Restart, Live, Nothing, ""),
		Prune: Prune{
			Mode: pick(d, PruneDelete, PruneDelete, PruneOff, PruneReport), Grace: time.Duration(d.below(3)) * time.Hour,
			MaxCount: d.below(4), MaxPercent: 25 * d.below(5), AllowEmpty: d.rarely(),
		},
		Window: Window{Restricted: d.rarely(), Open: d.rarely(), Opens: noon.Add(time.Hour)},
	}
}

// vm adds a VM that is wanted, found, both or neither.
func (d *dice) vm(s *scenario, i int) {
	w := wantedVM(fmt.Sprintf("vm-%d", i))
	w.CloudInit.UserData = secret.New(hush)
	w.Provider = pick(d, lab, lab, lab, annex)
	if d.rarely() {
		w.Disks, w.NICs, w.Tags, w.Autostart = nil, nil, nil, nil
	}
	w.Power = pick(d, manifest.PowerOn, manifest.PowerOn, manifest.PowerOff)
	if d.below(4) > 0 {
		f := foundVM(w)
		for range d.below(4) {
			d.tamper(f)
		}
		at := pick(d, 0, 0, 0, 1)
		s.Endpoints[at].Inventory.VMs = append(s.Endpoints[at].Inventory.VMs, f)
		if d.rarely() {
			twin := *f
			twin.ID = "copy-of-" + f.ID
			s.Endpoints[1].Inventory.VMs = append(s.Endpoints[1].Inventory.VMs, &twin)
		}
	}
	s.Facts[w.Key] = d.facts(Base(w, testCaps(), &Item{}, nil), w.Digest)
	switch d.below(8) {
	case 0: // not wanted
	case 1:
		s.Unresolved = append(s.Unresolved, Unresolved{VM: w.Key, Provider: w.Provider, Reason: "its manifest cannot be used"})
	default:
		for range d.below(3) {
			d.commit(w)
		}
		s.Wanted = append(s.Wanted, w)
	}
}

// facts returns memories, true or not.
func (d *dice) facts(applied map[string]string, digest string) *Facts {
	if d.rarely() {
		return &Facts{}
	}
	f := &Facts{Applied: applied, Provider: pick(d, lab, lab, lab, annex), Stubborn: d.rarely(), Strikes: d.below(4)}
	f.Signature = pick(d, "", signatureOf(Diff{Field: "cpu", Wanted: "4"}), signatureOf(Diff{Field: "power", Wanted: "On"}))
	if d.rarely() {
		f.Applied = nil
	}
	if d.below(4) == 3 {
		f.Pending = &Pending{
			Op:   pick(d, CreateVM, Start, Stop, ShutDown, Reconfigure, DeleteVM),
			Task: pick[providers.TaskRef](d, "", "task"), Deadline: noon.Add(time.Duration(d.below(3)-1) * time.Minute),
		}
	}
	if d.rarely() {
		f.Failure = &Failure{Text: "it failed", Digest: pick(d, digest, "", "another"), ForDigest: d.rarely(), NotBefore: noon.Add(time.Duration(d.below(3)-1) * time.Minute)}
	}
	return f
}

// commit changes what is wanted.
func (d *dice) commit(w *manifest.VM) {
	w.Digest += "'"
	switch d.below(9) {
	case 0:
		w.CPU = 1 + d.below(8)
	case 1:
		w.MemoryMiB = int64(1024 * (1 + d.below(8)))
	case 2:
		w.Disks = append(w.Disks, manifest.Disk{Name: "extra", SizeGiB: 1 + d.below(9)})
	case 3:
		w.RootDisk.SizeGiB = d.below(40)
	case 4:
		w.NICs = append(w.NICs, manifest.NIC{Name: "dmz", Network: &manifest.Network{Key: key("dmz")}, MAC: pick(d, "", "52:54:00:00:00:09")})
	case 5:
		w.Tags = []string{"changed"}
	case 6:
		w.Firmware = manifest.FirmwareBIOS
	case 7:
		w.Image = &manifest.Image{Key: key("other"), Digest: "sha256:bbbbbbbb"}
	case 8:
		w.Autostart = new(d.below(2) == 0)
	}
}

// tamper changes what is found.
func (d *dice) tamper(f *providers.VM) {
	live := func(change func(*providers.Hardware)) {
		if f.Running == nil || d.below(3) > 0 {
			change(&f.Config)
		}
		if f.Running != nil && d.below(3) > 0 {
			change(f.Running)
		}
	}
	switch d.below(14) {
	case 0:
		live(func(h *providers.Hardware) { h.CPU.Value = 1 + d.below(8) })
	case 1:
		live(func(h *providers.Hardware) { h.MemoryMiB.Value = int64(512 * (1 + d.below(16))) })
	case 2:
		off(f)
	case 3:
		f.Power = pick(d, providers.Suspended, providers.Unknown)
	case 4:
		live(func(h *providers.Hardware) { h.Disks = h.Disks[:1] })
	case 5:
		live(func(h *providers.Hardware) { h.Disks = append(h.Disks, providers.Disk{Origin: "iso"}) })
	case 6:
		live(func(h *providers.Hardware) {
			h.NICs = append(h.NICs, providers.NIC{MAC: "aa:00:00:00:00:01", Network: "x"})
		})
	case 7:
		live(func(h *providers.Hardware) { h.NICs = nil })
	case 8:
		live(func(h *providers.Hardware) {
			if len(h.NICs) > 0 {
				h.NICs = []providers.NIC{h.NICs[0]}
				h.NICs[0].MAC, h.NICs[0].Model = "52:54:00:00:00:02", pick(d, "virtio", "e1000")
			}
		})
	case 9:
		f.Tags = providers.Known([]string{"z", "a"})
	case 10:
		f.Autostart.Value = !f.Autostart.Value
	case 11:
		f.Mark.Retired = noon.Add(-time.Duration(d.below(4)) * time.Hour)
	case 12:
		f.Mark = pick(d, nil, &providers.Mark{Owner: providers.Owner{Fleet: "other", VM: f.Mark.Owner.VM}}, f.Mark)
		if f.Mark == nil {
			f.Mark = &providers.Mark{} // as good as none, and later tampering needs one
		}
	case 13:
		live(func(h *providers.Hardware) { h.NICsKnown, h.DisksKnown, h.CPU.Known = false, false, false })
	}
}

// stranger adds machines and volumes that are not ours.
func (d *dice) stranger(s *scenario, i int) {
	e := pick(d, &s.Endpoints[0], &s.Endpoints[1])
	name := pick(d, fmt.Sprintf("vm-%d", i), "printer")
	e.Inventory.VMs = append(e.Inventory.VMs, &providers.VM{ID: fmt.Sprintf("stranger-%d", i), Name: name, Power: providers.On})
	owner := providers.Owner{Fleet: pick(d, "lab", "lab", "other"), VM: key(fmt.Sprintf("vm-%d", d.below(7)))}
	e.Inventory.Leftovers = append(e.Inventory.Leftovers,
		providers.Leftover{ID: fmt.Sprintf("volume-%d", i), Owner: owner}, providers.Leftover{ID: fmt.Sprintf("volume-%d-b", i), Owner: owner})
	if _, known := s.Facts[owner.VM]; !known {
		s.Facts[owner.VM] = &Facts{Provider: e.Key, Pending: &Pending{Op: CreateVM}}
	}
}

func (d *dice) trouble(e *Endpoint) {
	switch d.below(12) {
	case 11:
		e.Inventory, e.Unreachable = nil, "no route to host"
	case 10:
		e.Inventory.Complete = false
		e.Inventory.Problems = []providers.Problem{{Name: "b"}, {Name: "a"}}
	}
}
