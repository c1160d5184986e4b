package manifest

import (
	"strings"
	"testing"
)

// What is written and has no effect is warned about where it stands, once, and
// holds nothing. Two VMs write the same, but for their addresses.
func TestWarnings(t *testing.T) {
	vm := func(more string) string { return "  networks: [{name: a, networkRef: {name: lan}" + more + "}]\n" }
	lan := func(allocation string) string {
		return envelope(KindVMNetworkAttachment, "lan") + "spec: {network: {}, ipAllocation: {" + allocation + "}}\n"
	}
	const own = ", ipAddress: 192.0.2.1, prefix: 24"
	for _, tc := range []struct {
		reason, vm, net string
		n               int
		want            string
	}{
		{"nothing is amiss", vm(""), lan("type: DHCP"), 0, ""},
		{"there is no kind of pools", vm(""), lan("type: Pool, poolConfig: {poolRef: {name: p}}"), 1,
			"net.yaml:5:42: warning: spec.ipAllocation.type: type Pool has no effect: the guest asks for an address by DHCP"},
		{"a guest cannot be told to have none", vm(""), lan("type: None"), 1, "spec.ipAllocation.type: type None has no effect"},
		{"the VMs have addresses of their own", vm(own), lan("type: None"), 0, ""},
		{"a gateway without an address", vm(", gateway: 192.0.2.1"), lan("type: DHCP"), 2,
			"spec.networks[0]: gateway, prefix and dns have no effect without ipAddress"},
	} {
		files := fleet()
		files["net.yaml"], files["vm.yaml"], files["vm2.yaml"] = tc.net, vmText("web", tc.vm), vmText("db", strings.ReplaceAll(tc.vm, "192.0.2.1", "192.0.2.2"))
		d := resolveTree(t, files)
		if len(d.VMs) != 2 || len(d.Held) != 0 {
			t.Errorf("%s: %d VMs and %d held, want both VMs\n%s", tc.reason, len(d.VMs), len(d.Held), lines(d.Findings))
		}
		if got := lines(d.Findings); strings.Count(got, "warning: ") != tc.n || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got\n%swant %d warnings %q", tc.reason, got, tc.n, tc.want)
		}
	}
}
