package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers"
)

// TestVMsThatSetTheSameAreWarnedEachForItself has two VMs share a list of what
// they set, of which one field is honoured for one of them only.
func TestVMsThatSetTheSameAreWarnedEachForItself(t *testing.T) {
	small, large := wantedVM("small"), wantedVM("large")
	large.MemHotAdd = true
	const sized = "VMClass.spec.performanceProfile.memoryHotAddEnabled"
	list := []string{"always", "never", sized}
	small.Declared, large.Declared = list, list
	s := scene(small, large)
	honours := providers.Honours{"always": {}}
	s.Endpoints[0].Caps.Honours = honours
	said := func(name string) []string {
		p := Build(s.Input)
		return itemOf(t, &p, name).Warnings
	}
	for _, name := range []string{"small", "large"} {
		if diff := cmp.Diff([]string{"not honoured by this provider: never", "not honoured by this provider: " + sized}, said(name)); diff != "" {
			t.Errorf("%s: nothing hangs on the VM (-want +got):\n%s", name, diff)
		}
	}
	honours[sized] = providers.Honour{Only: providers.Values{"false"}, Note: "false alone"}
	for name, want := range map[string][]string{
		"small": {"not honoured by this provider: never"},
		"large": {"not honoured by this provider: never", "not honoured by this provider: " + sized},
	} {
		if diff := cmp.Diff(want, said(name)); diff != "" {
			t.Errorf("%s: one field hangs on the VM (-want +got):\n%s", name, diff)
		}
	}
}
