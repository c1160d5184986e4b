package plan

import (
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// secure has the VM write secureBoot, and the machine be without it.
func secure(w *manifest.VM, f *providers.VM) {
	w.SecureBoot, w.Declared = true, []string{"VMClass.spec.securityProfile.secureBoot"}
	both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{providers.FieldSecureBoot: "false"} })
}

func TestTraits(t *testing.T) {
	extra := func(f *providers.VM, value string) {
		both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{"extraConfig[disk.EnableUUID]": value} })
	}
	try(t, []row{
		{"a property that the manifest writes is compared", func(_ *scenario, w *manifest.VM, f *providers.VM) { secure(w, f) },
			"update restart: secureBoot restart apply | shutdown within 1m0s, reconfigure secureBoot=true, start", "its manifest changed"},
		{"one that it does not write is left alone", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			secure(w, f)
			w.Declared = nil
		}, "none", ""},
		{"one that is not seen is not compared", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			secure(w, f)
			both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{} })
		}, "none", ""},
		{"a provider that reports none has none compared", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			secure(w, f)
			both(f, func(h *providers.Hardware) { h.Traits = nil })
		}, "none", ""},
		{"a key of extraConfig that is not there has no value", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.ExtraConfig = map[string]string{"disk.EnableUUID": "TRUE"}
			both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{} })
		}, "update live: extraConfig[disk.EnableUUID] live apply | reconfigure live extraConfig[disk.EnableUUID]=TRUE", ""},
		{"a key that the manifest lost is taken away", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			extra(f, "TRUE")
			s.fact("web", func(f *Facts) { f.Applied["extraConfig[disk.EnableUUID]"] = "TRUE" })
		}, "update live: extraConfig[disk.EnableUUID] live apply | reconfigure live extraConfig[disk.EnableUUID]=", "its manifest changed"},
		{"a key that only a machine that is off can be given needs a restart", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.ExtraConfig = map[string]string{"board": "21"}
			both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{} })
		}, "update restart: extraConfig[board] restart apply | shutdown within 1m0s, reconfigure extraConfig[board]=21, start", ""},
		{"and needs none to be taken away", func(_ *scenario, _ *manifest.VM, f *providers.VM) {
			both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{"extraConfig[board]": "21"} })
		}, "update live: extraConfig[board]! live apply | reconfigure live extraConfig[board]=", "it was changed outside"},
		{"a key that speaks to another provider is not compared", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.ExtraConfig = map[string]string{"other.key": "1"}
			both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{} })
		}, "none", ""},
		{"a key that is as written is as wanted", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.ExtraConfig = map[string]string{"disk.EnableUUID": "TRUE"}
			extra(f, "TRUE")
		}, "none", ""},
		{"what cannot be changed is refused", func(_ *scenario, w *manifest.VM, f *providers.VM) {
			w.Declared = []string{"VirtualMachine.spec.disks[].type"}
			w.Disks[0].Type = "eagerzeroedthick"
			both(f, func(h *providers.Hardware) { h.Traits = providers.Traits{"disks[data].type": "thin"} })
		}, "hold: disks[data].type replace refuse", "cannot be applied"},
		{"a disk that may only grow while off needs a restart", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.Declared = []string{"VirtualMachine.spec.disks[].expandPolicy"}
			w.Disks[0].SizeGiB = 60
		}, "update restart: disks[data].size restart apply | shutdown within 1m0s, reconfigure disk[data]=60, start", ""},
		{"one that may grow at any time does not", func(_ *scenario, w *manifest.VM, _ *providers.VM) {
			w.Declared = []string{"VirtualMachine.spec.disks[].expandPolicy"}
			w.Disks[0].SizeGiB, w.Disks[0].ExpandOnline = 60, true
		}, "update live: disks[data].size live apply | reconfigure live disk[data]=60", ""},
	})
}
