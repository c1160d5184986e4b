package plan

import (
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// givenMAC is the address that the fixture's interface was given.
var givenMAC = providers.Owner{Fleet: "lab", VM: key("web")}.MAC("52:54:00", "lan")

func TestCPUAndMemory(t *testing.T) {
	try(t, []row{
		{"nothing differs", func(*scenario, *manifest.VM, *providers.VM) {}, "none", "as wanted"},
		{"a growing guest has head-room", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.CPU, w.MemoryMiB = 4, 3072 },
			"update live: cpu live apply, memory live apply | reconfigure live cpu=4 memory=3072", "its manifest changed"},
		{"a guest off takes anything without noticing", func(_ *scenario, w *manifest.VM, f *providers.VM) { w.CPU, w.Power = 64, manifest.PowerOff; off(f) },
			"update: cpu none apply | reconfigure cpu=64", ""},
		{"beyond the head-room a restart is needed", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.CPU = 5 },
			"update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=5, start", "without room"},
		{"an unknown head-room is none", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.CPU = 3
			f.Running.CPUMax = providers.Opt[int]{}
		}, "update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=3, start", ""},
		{"CPUs cannot be taken away", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.CPU = 1 },
			"update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=1, start", "taken from"},
		{"memory shrinks live where the provider says so", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.MemoryMiB = 1024
			s.Endpoints[0].Caps.MemoryShrinksLive = true
		}, "update live: memory live apply | reconfigure live memory=1024", ""},
		{"a hypervisor without two sides has its head-room in the definition", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			f.Running = nil
			w.CPU = 5
		}, "update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=5, start", ""},
		{"only the definition was changed, so only it is changed back", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Config.CPU.Value = 8 },
			"update live: cpu@definition! live apply | reconfigure cpu=2", "changed outside"},
		{"only the running machine was changed", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Running.MemoryMiB.Value = 1024 },
			"update live: memory@running! live apply | reconfigure live memory=2048", ""},
		{"a running difference that needs a restart needs no new definition", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Running.CPU.Value = 4 },
			"update restart: cpu@running! restart apply | shutdown within 1m0s, start", ""},
		{"the two sides are changed in calls of their own", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			f.Config.CPU.Value, f.Running.MemoryMiB.Value = 8, 1024
		}, "update live: cpu@definition! live apply, memory@running! live apply | reconfigure live memory=2048, reconfigure cpu=2", ""},
		{"unknown is not different", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			both(f, func(h *providers.Hardware) { h.CPU, h.MemoryMiB = providers.Opt[int]{}, providers.Opt[int64]{} })
		}, "none", ""},
		{"what a provider does not compare is not compared", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			delete(s.Endpoints[0].Caps.Change, providers.FieldCPU)
		}, "none", ""},
		{"a live change that did not take becomes a restart", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			s.fact("web", func(f *Facts) {
				f.Stubborn, f.Strikes = true, 1
				f.Signature = signatureOf(Diff{Field: "cpu", Wanted: "4"})
			})
		}, "update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=4, start", "did not take it"},
		{"half taken is not taken", func(s *scenario, w *manifest.VM, f *providers.VM) {
			w.MemoryMiB = 4096
			f.Config.MemoryMiB.Value, f.Running.MemoryMiB.Value = 4096, 3000
			s.fact("web", func(f *Facts) {
				f.Stubborn, f.Strikes = true, 1
				f.Signature = signatureOf(Diff{Field: "memory", Wanted: "4 GiB"})
			})
		}, "update restart: memory@running restart apply | shutdown within 1m0s, start", ""},
	})
}

func TestDisks(t *testing.T) {
	try(t, []row{
		{"a disk is added to a running guest", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.Disks = append(w.Disks, manifest.Disk{Name: "logs", SizeGiB: 5})
		}, "update live: disks[logs] live apply | reconfigure live +disk[logs]=5", ""},
		{"a disk is plugged in again where it is missing", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Running.Disks = f.Running.Disks[:1] },
			"update live: disks[data]@running! live apply | reconfigure live +disk[data]=50", ""},
		{"a disk that the next start lacks is added to the definition", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Config.Disks = f.Config.Disks[:1] },
			"update live: disks[data]@definition! live apply | reconfigure +disk[data]=50", ""},
		{"a disk grows", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Disks[0].SizeGiB = 60 },
			"update live: disks[data].size live apply | reconfigure live disk[data]=60", ""},
		{"the root disk grows", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.RootDisk.SizeGiB = 30 },
			"update live: disks[root].size live apply | reconfigure live disk[root]=30", ""},
		{"a root disk without a wanted size is as large as it is", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.RootDisk.SizeGiB = 0 }, "none", ""},
		{"a disk never shrinks", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Disks[0].SizeGiB = 40 },
			"hold: disks[data].size destroy refuse", "losing data"},
		{"a disk that is larger on either side never shrinks", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.Disks[0].SizeGiB = 60
			f.Config.Disks[1].SizeGiB.Value = 70
		}, "hold: disks[data].size destroy refuse", "losing data"},
		{"a disk that left the manifest stays", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Disks = nil },
			"hold: disks[data] destroy refuse", "detach it by hand"},
		{"a refused difference does not hold up the others", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Disks = nil; w.CPU = 4 },
			"update live: cpu live apply, disks[data] destroy refuse | reconfigure live cpu=4", ""},
		{"somebody's disk is reported, once for both sides", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			both(f, func(h *providers.Hardware) { h.Disks = append(h.Disks, providers.Disk{Origin: "/tmp/iso"}) })
		}, "hold: disks[/tmp/iso]! destroy refuse", ""},
		{"disks that could not be read are not missing", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			both(f, func(h *providers.Hardware) { h.DisksKnown, h.Disks = false, nil })
		}, "none", ""},
		{"running disks that could not be read are not missing", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			f.Running.DisksKnown, f.Running.Disks = false, nil
		}, "none", ""},
	})
}

func TestNICs(t *testing.T) {
	lan := func(f *providers.VM, change func(*providers.NIC)) {
		both(f, func(h *providers.Hardware) { change(&h.NICs[0]) })
	}
	try(t, []row{
		{"an interface is added", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.NICs = append(w.NICs, manifest.NIC{Name: "dmz", Network: &manifest.Network{Key: key("dmz")}})
		}, "update live: nics[dmz] live apply | reconfigure live +nic[dmz]=", ""},
		{"an interface that left the manifest goes", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.NICs = nil },
			"update live: nics[lan] live apply | reconfigure live -nic[lan]", "its manifest changed"},
		{"somebody's interface goes, by its address", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			both(f, func(h *providers.Hardware) { h.NICs = append(h.NICs, providers.NIC{MAC: "aa:bb:cc:dd:ee:ff"}) })
		}, "update live: nics[aa:bb:cc:dd:ee:ff]! live apply | reconfigure live -nic[aa:bb:cc:dd:ee:ff]", ""},
		{"an interface that was taken away comes back with its address", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			both(f, func(h *providers.Hardware) { h.NICs = nil })
		}, "update live: nics[lan]! live apply | reconfigure live +nic[lan]=" + givenMAC, ""},
		{"another network is a live change", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.NICs[0].Network = &manifest.Network{Key: key("dmz")}
		}, "update live: nics[lan].network live apply | reconfigure live +nic[lan]=" + givenMAC, ""},
		{"another model needs a restart here", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			lan(f, func(n *providers.NIC) { n.Model = "e1000" })
		}, "update restart: nics[lan].model! restart apply | shutdown within 1m0s, reconfigure +nic[lan]=" + givenMAC + ", start", ""},
		{"a stated address is compared", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.NICs[0].MAC = "52:54:00:00:00:01" },
			"update restart: nics[lan].mac restart apply | shutdown within 1m0s, reconfigure +nic[lan]=52:54:00:00:00:01, start", "its manifest changed"},
		{"a given address is kept though the manifest states none", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			lan(f, func(n *providers.NIC) { n.MAC = "52:54:00:00:00:02" })
		}, "update restart: nics[lan].mac! restart apply | shutdown within 1m0s, reconfigure +nic[lan]=" + givenMAC + ", start", ""},
		{"an interface is replaced as a whole, so all of it costs the most", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			lan(f, func(n *providers.NIC) { n.Network, n.Model = "dmz", "e1000" })
		}, "update restart: nics[lan].network! restart apply, nics[lan].model! restart apply | shutdown within 1m0s, reconfigure +nic[lan]=" + givenMAC + ", start", "as a whole"},
		{"a commit does not undo drift that is only reported", func(s *scenario, w *manifest.VM, f *providers.VM) {
			s.Policy.Drift = ReportOnly
			lan(f, func(n *providers.NIC) { n.Model = "e1000" })
			w.NICs[0].MAC = "52:54:00:00:00:01"
		}, "report: nics[lan].model! restart report, nics[lan].mac restart defer", "as a whole"},
		{"no opinion about the template's own interface", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.NICs[0].Network = nil
			lan(f, func(n *providers.NIC) { n.Network, n.Model = "anything", "e1000" })
		}, "none", ""},
		{"interfaces that could not be read are not missing", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			f.Config.NICsKnown, f.Config.NICs = false, nil
		}, "none", ""},
		{"an address that differs in the definition alone waits for no restart", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			f.Config.NICs[0].MAC = "52:54:00:00:00:02"
		}, "update live: nics[lan].mac@definition! live apply | reconfigure +nic[lan]=" + givenMAC, ""},
	})
}

func TestPropertiesOfTheMachine(t *testing.T) {
	try(t, []row{
		{"tags follow the manifest", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Tags = []string{"db"} },
			"update: tags none apply | reconfigure live tags=db", ""},
		{"the order of tags is nobody's", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			f.Tags = providers.Known([]string{"web", "prod"})
		}, "none", ""},
		{"tags that left the manifest go", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Tags = nil },
			"update: tags none apply | reconfigure live tags=", ""},
		{"tags that cannot be read are not compared", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Tags = providers.Opt[[]string]{} }, "none", ""},
		{"autostart follows the manifest", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Autostart.Value = false },
			"update: autostart! none apply | reconfigure live autostart=true", ""},
		{"autostart that the manifest leaves open is nobody's", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Autostart = nil }, "none", ""},
		{"firmware is part of the machine", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Firmware = manifest.FirmwareBIOS },
			"hold: firmware replace refuse", "made anew"},
		{"a firmware that the manifest leaves open is nobody's", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Firmware = "" }, "none", ""},
		{"a disk keeps its image", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Image = &manifest.Image{Digest: "sha256:bbbb"} },
			"hold: image replace refuse", "keeps the image"},
		{"a guest reads its first-boot data once", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.CloudInit.Digest = "" },
			"hold: cloudInit replace refuse", "once"},
	})
}

func TestPower(t *testing.T) {
	try(t, []row{
		{"a guest that was stopped is started", func(_ *scenario, _ *manifest.VM, f *providers.VM) { off(f) },
			"update: power! none apply | start", "changed outside"},
		{"a guest that is wanted off is asked", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Power = manifest.PowerOff },
			"update restart: power restart apply | shutdown within 1m0s", ""},
		{"a guest that is wanted off hard is not asked", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.Power, w.Shutdown.Graceful = manifest.PowerOff, false
		}, "update restart: power restart apply | stop", ""},
		{"a guest that is wanted off is changed while it is, and not started", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.Power, w.CPU = manifest.PowerOff, 64
		}, "update restart: cpu restart apply, power restart apply | shutdown within 1m0s, reconfigure cpu=64", ""},
		{"a guest that is off and wanted on is changed first", func(_ *scenario, w *manifest.VM, f *providers.VM) { w.CPU = 64; off(f) },
			"update: cpu none apply, power! none apply | reconfigure cpu=64, start", "its manifest changed, and"},
		{"a suspended guest is resumed", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Power = providers.Suspended },
			"update: power! none apply | start", ""},
		{"a suspended guest is resumed before a live change", func(_ *scenario, w *manifest.VM, f *providers.VM) { f.Power = providers.Suspended; w.CPU = 4 },
			"update live: cpu live apply, power! none apply | start, reconfigure live cpu=4", ""},
		{"a suspended guest cannot be asked", func(_ *scenario, w *manifest.VM, f *providers.VM) { f.Power = providers.Suspended; w.CPU = 64 },
			"update restart: cpu restart apply, power! none apply | stop, reconfigure cpu=64, start", ""},
		{"an unknown power state is not off", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Power, f.Running = providers.Unknown, nil },
			"none", "power state is unknown"},
		{"nothing is changed on a machine in an unknown state", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			f.Power, f.Running = providers.Unknown, nil
			w.CPU, w.Tags = 4, nil
		}, "hold: cpu live defer, tags none defer", "unknown"},
		{"a guest that is wanted off and is off stays", func(_ *scenario, w *manifest.VM, f *providers.VM) { w.Power = manifest.PowerOff; off(f) }, "none", ""},
	})
}
