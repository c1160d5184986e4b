package manifest

import (
	"fmt"
	"strings"
)

// document returns a document of any kind, well-formed or not. Names are few,
// so that references hit and miss, and objects are declared twice.
func (w *walk) document() string {
	switch n := w.IntN(34); {
	case n < 14:
		return w.goodMachine()
	case n < 20:
		return w.virtualMachine()
	}
	return w.other()
}

func (w *walk) other() string {
	switch n := w.IntN(14) + 10; {
	case n < 13:
		return w.class()
	case n < 15:
		return w.image()
	case n < 17:
		return w.network()
	case n < 19:
		return w.secret()
	case n == 19:
		return w.head(KindProvider, "lab", "den") + "spec: {type: " + pick(w, "libvirt", "nothing") + ", endpoint: \"qemu:///system\"}\n"
	case n == 20:
		return w.head(pick(w, KindVMSnapshot, KindVMSet), "a", "b") + pick(w, "spec: {vmRef: {name: a}}\n", "spec: {}\n")
	case n == 21:
		return "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(w.class()), "\n", "\n  ") + "\n"
	}
	return pick(w, "kind: ConfigMap\napiVersion: v1\n", "kind: VirtualMachin\nmetadata: {name: a}\n", "[a, b]\n", "a: [\n", "text\n",
		"kind: VirtualMachine\napiVersion: "+APIVersion+"\nspec: {}\n", "kind: VMClass\nmetadata: {name: small}\n",
		"kind: VirtualMachine\nkind: VMClass\n", "# only a comment\n", "metadata: {name: a}\n", "a: *b\n", "\tkind: x\n")
}

func (w *walk) head(kind string, names ...string) string {
	version := APIVersion
	if kind == KindSecret {
		version = "v1"
	}
	return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata:\n  name: " + pick(w, names...) + "\n" +
		w.maybe("  namespace: "+pick(w, "prod", "test")+"\n") +
		w.maybe("  labels: "+pick(w, "{}", "{role: web}", "{role: web, tier: \"1\"}")+"\n")
}

// goodMachine has no fault of its own.
func (w *walk) goodMachine() string {
	return w.head(KindVirtualMachine, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t") +
		"spec:\n  providerRef: {name: lab}\n  classRef: {name: base, namespace: default}\n  imageRef: {name: base, namespace: default}\n" +
		w.maybe(fmt.Sprintf("  networks: [{name: eth0, networkRef: {name: base, namespace: default}, macAddress: \"52:54:00:00:00:%02d\"}]\n", w.IntN(30))) +
		w.maybe("  tags: "+pick(w, "[]", "[b, a, b]", "[a, b]")+"\n") + w.maybe("  resources: {cpu: "+pick(w, "1", "2")+"}\n")
}

func (w *walk) virtualMachine() string {
	var b strings.Builder
	b.WriteString(w.head(KindVirtualMachine, "a", "b", "c", "d", "e", "f") + w.maybe("  annotations: {note: x}\n") + "spec:\n")
	b.WriteString("  providerRef: {name: " + pick(w, "lab", "lab", "lab", "den", "nowhere") + "}\n")
	b.WriteString("  classRef: {name: " + pick(w, "small", "small", "large", "smal") + pick(w, "", "", ", namespace: prod") + "}\n")
	b.WriteString(pick(w, "  imageRef: {name: debian}\n", "  imageRef: {name: debian}\n", "  imageRef: {name: debain}\n", "",
		"  importedDisk: {diskID: x}\n", "  importedDisk: {diskID: x}\n  imageRef: {name: debian}\n"))
	b.WriteString(w.maybe("  networks:\n" + w.nic("eth0") + w.maybe(w.nic(pick(w, "eth1", "eth0")))))
	b.WriteString(w.maybe("  disks: [{name: " + pick(w, "data", "root") + ", sizeGiB: " + pick(w, "1", "2", "0") + "}]\n"))
	b.WriteString(w.maybe("  powerState: " + pick(w, "On", "Off", "\"OffGraceful\"", "Paused") + "\n"))
	b.WriteString(w.maybe("  tags: " + pick(w, "[]", "[b, a, b]", "[a, b]") + "\n"))
	b.WriteString(w.maybe("  resources: {cpu: " + pick(w, "1", "2") + "}\n"))
	b.WriteString(w.maybe("  userData: {cloudInit: {" + pick(w, "inline: hello", "secretRef: {name: keys}", "secretRef: {name: other}",
		"inline: hello, secretRef: {name: keys}") + "}}\n"))
	b.WriteString(w.maybe("  unknown: 1\n"))
	return b.String()
}

func (w *walk) nic(name string) string {
	return "  - {name: " + name + pick(w, "", ", networkRef: {name: lan}", ", networkRef: {name: wan}", ", networkRef: {name: lna}") +
		w.maybe(fmt.Sprintf(", macAddress: \"52:54:00:00:00:0%d\"", w.IntN(3))) +
		w.maybe(fmt.Sprintf(", ipAddress: 192.0.2.%d", w.IntN(3))+pick(w, "", ", prefix: 24", ", prefix: 24")) +
		w.maybe(", dns: \"192.0.2.53, 192.0.2.54\"") + "}\n"
}

func (w *walk) class() string {
	return w.head(KindVMClass, "small", "large", "medium") + "spec:\n  cpu: " + pick(w, "1", "2", "many") + "\n  memory: " + pick(w, "1Gi", "2Gi", "1Ki") + "\n" +
		w.maybe("  extraConfig: "+pick(w, "{}", "{autostart: \"true\"}", "{autostart: often}")+"\n") +
		w.maybe("  diskDefaults: {size: "+pick(w, "1Gi", "1500Mi", "1Mi")+"}\n") +
		w.maybe("  resourceLimits: {cpuShares: "+pick(w, "1", "2")+"}\n") +
		w.maybe("  securityProfile: {secureBoot: true}\n") + w.maybe("  firmware: "+pick(w, "BIOS", "UEFI")+"\n")
}

func (w *walk) image() string {
	return w.head(KindVMImage, "debian", "alpine") + "spec: {source: " +
		pick(w, "{libvirt: {path: /a}}", "{libvirt: {path: /b}}", "{}", "{http: {url: \"https://example.org\"}}") + "}\n"
}

func (w *walk) network() string {
	return w.head(KindVMNetworkAttachment, "lan", "wan") + "spec:\n  network: " +
		pick(w, "{libvirt: {networkName: default}}", "{mtu: 9000, libvirt: {networkName: default}}", "{mtu: 1}") + "\n" +
		w.maybe("  ipAllocation: "+pick(w, "{type: Static}", "{type: Static, staticConfig: {address: 192.0.2.1/24}}", "{type: DHCP, dnsConfig: {servers: [192.0.2.1]}}")+"\n")
}

func (w *walk) secret() string {
	return w.head(KindSecret, "keys", "other") + "stringData: {" + pick(w, "userdata: one", "userdata: two", "password: three", "userdata: ''") + "}\n"
}
