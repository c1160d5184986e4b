package manifest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vmsteward/vmsteward/internal/secret"
)

func TestResolveFoldsEverythingIn(t *testing.T) {
	files := fleet()
	files["class.yaml"] = envelope(KindVMClass, "small") + `spec:
  cpu: 2
  memory: 4Gi
  firmware: EFI
  diskDefaults: {size: 20Gi, type: thick}
  extraConfig: {autostart: "true", vsphere.hardwareVersion: "19"}
  resourceLimits: {cpuReservation: 0, memoryLimit: 8Gi}
  performanceProfile: {cpuHotAddEnabled: true, nestedVirtualization: true}
  securityProfile: {secureBoot: true, tpmEnabled: true}
`
	files["image.yaml"] = envelope(KindVMImage, "debian") + `spec:
  source:
    libvirt: {url: "https://example.org/d.qcow2", checksum: abc, storagePool: fast}
    vsphere: {templateName: deb, contentLibrary: {library: l, item: i, version: "2"}}
    http: {url: "https://example.org/d.raw"}
  prepare: {onMissing: Wait}
`
	files["net.yaml"] = envelope(KindVMNetworkAttachment, "lan") + `spec:
  network:
    mtu: 9000
    libvirt: {networkName: default, bridge: {name: br0}}
    vsphere: {portgroup: VM Network, vlan: {vlanID: 7}, distributedSwitch: {name: dvs}, pciSlotNumber: 33}
  ipAllocation:
    type: Static
    staticConfig: {address: 192.000.2.010/24, gateway: 192.0.2.1, routes: [{destination: 10.0.0.0/8, gateway: 192.0.2.2, metric: 5}]}
    dnsConfig: {servers: [192.0.2.53], searchDomains: [example.org]}
`
	files["vm.yaml"] = strings.Replace(vmText("web", `  powerState: OffGraceful
  resources: {cpu: 3, memoryMiB: 3000}
  networks:
    - name: eth0
      networkRef: {name: lan}
      macAddress: 52-54-00-AA-BB-CC
    - name: eth1
      networkRef: {name: lan}
      ipAddress: 192.0.2.30
      prefix: 25
      dns: 192.0.2.54, 192.0.2.55
    - name: eth2
  disks:
    - {name: data, sizeGiB: 5, expandPolicy: Online, storageClass: fast, scsi: {controller: 2}}
  tags: [b, a, b]
  placement: {cluster: c, host: h, resourcePool: r, folder: f, datastore: d, storagePod: s}
  lifecycle: {gracefulShutdownTimeout: 90s}
`), "  name: web\n", "  name: web\n  labels: {role: web}\n  annotations: {note: hi}\n", 1)
	got := onlyVM(t, files)
	net := &Network{
		Key: Key{"default", "lan"}, MTU: 9000,
		Libvirt: &LibvirtNetwork{Network: "default", Bridge: "br0", Model: "virtio"},
		VSphere: &VSphereNetwork{Portgroup: "VM Network", AdapterType: "vmxnet3", VLANID: 7, Switch: "dvs", PCISlot: 33},
	}
	want := &VM{
		Key: Key{"default", "web"}, At: Position{"vm.yaml", 1, 1}, Provider: Key{Name: "lab"},
		Labels: map[string]string{"role": "web"}, Annotations: map[string]string{"note": "hi"},
		CPU: 3, MemoryMiB: 3000, CPUHotAdd: true, NestedVirt: true,
		Power: PowerOff, Shutdown: Shutdown{Graceful: true, Timeout: 90 * time.Second},
		Firmware: FirmwareUEFI, SecureBoot: true, TPM: true,
		ExtraConfig: map[string]string{"autostart": "true", "vsphere.hardwareVersion": "19"}, Autostart: new(true),
		Image: &Image{
			Key: Key{"default", "debian"}, OnMissing: "Wait",
			Libvirt: &LibvirtImage{URL: "https://example.org/d.qcow2", Format: "qcow2", Pool: "fast", Checksum: "abc", ChecksumType: "sha256"},
			VSphere: &VSphereImage{Template: "deb", ChecksumType: "sha256", Library: "l", LibraryItem: "i", LibraryVersion: "2"},
			HTTP:    &HTTPImage{URL: "https://example.org/d.raw", ChecksumType: "sha256"},
		},
		RootDisk: RootDisk{SizeGiB: 20, Type: "thick"},
		Disks: []Disk{{Name: "data", SizeGiB: 5, Type: "thin", ExpandOnline: true, StorageClass: "fast",
			SCSI: &SCSI{Controller: 2, ControllerType: "pvscsi", SharedBus: "noSharing"}}},
		NICs: []NIC{
			{Name: "eth0", Network: net, MAC: "52:54:00:aa:bb:cc", Static: &StaticAddress{
				Address: "192.0.2.10", Prefix: 24, Gateway: "192.0.2.1", DNS: []string{"192.0.2.53"}, Search: []string{"example.org"},
				Routes: []Route{{"10.0.0.0/8", "192.0.2.2", 5}}}},
			{Name: "eth1", Network: net, Static: &StaticAddress{
				Address: "192.0.2.30", Prefix: 25, DNS: []string{"192.0.2.54", "192.0.2.55"}, Search: []string{"example.org"}}},
			{Name: "eth2"},
		},
		Placement: Placement{"c", "h", "r", "f", "d", "s"},
		Limits:    Limits{CPUReservationMHz: new(0), MemoryLimitMiB: new(int64(8192))},
		Tags:      []string{"a", "b"},
	}
	ignore := cmpopts.IgnoreFields(VM{}, "Declared", "Digest")
	if diff := cmp.Diff(want, got, ignore, cmpopts.IgnoreFields(Image{}, "Digest"), cmp.Comparer(sameText)); diff != "" {
		t.Errorf("resolved VM (-want +got):\n%s", diff)
	}
	if len(got.Digest) != 64 || len(got.Image.Digest) != 64 || got.CloudInit.Digest != "" {
		t.Errorf("digests %q, %q, %q", got.Digest, got.Image.Digest, got.CloudInit.Digest)
	}
}

func sameText(a, b secret.Text) bool { return a.Reveal() == b.Reveal() }

func TestDeclaredHasWhatIsWrittenAndNoDefaults(t *testing.T) {
	files := fleet()
	files["vm.yaml"] = vmText("web", `  networks: [{name: eth0, networkRef: {name: lan}}]
  disks: [{name: a, sizeGiB: 1, expandPolicy: Online}, {name: b, sizeGiB: 1, type: thin}]
  tags: [x]
  powerState: null
`)
	want := []string{
		"VMClass.spec.cpu", "VMClass.spec.memory", "VMImage.spec.source.libvirt.path",
		"VMNetworkAttachment.spec.network.libvirt.bridge.name",
		"VirtualMachine.spec.classRef.name", "VirtualMachine.spec.disks[].expandPolicy", "VirtualMachine.spec.disks[].name",
		"VirtualMachine.spec.disks[].sizeGiB", "VirtualMachine.spec.disks[].type", "VirtualMachine.spec.imageRef.name",
		"VirtualMachine.spec.networks[].name", "VirtualMachine.spec.networks[].networkRef.name",
		"VirtualMachine.spec.providerRef.name", "VirtualMachine.spec.tags",
	}
	vm := onlyVM(t, files)
	if diff := cmp.Diff(want, vm.Declared); diff != "" {
		t.Errorf("Declared (-want +got):\n%s", diff)
	}
	fields := map[string]bool{}
	for _, kind := range []string{KindVirtualMachine, KindVMClass, KindVMImage, KindVMNetworkAttachment} {
		for f := range Fields(kind) {
			fields[f.Path] = true
		}
	}
	for _, path := range vm.Declared {
		if !fields[path] {
			t.Errorf("%s is declared but not among Fields", path)
		}
	}
}

// Each row puts one document beside or in place of those of fleet.
func TestFaultsHoldTheVMsThatNeedThem(t *testing.T) {
	other := strings.ReplaceAll(vmText("other", ""), "name: small", "name: large")
	for _, tc := range []struct{ reason, file, content, want string }{
		{"an unknown class", "class.yaml", envelope(KindVMClass, "smal") + "spec: {cpu: 1, memory: 1Gi}\n",
			"vm.yaml:8:3: error: spec.classRef: VMClass default/small is not in the tree (did you mean default/smal at class.yaml:1:1?)"},
		{"a class in another namespace", "class.yaml", strings.Replace(envelope(KindVMClass, "small"), "  name:", "  namespace: lab\n  name:", 1) + "spec: {cpu: 1, memory: 1Gi}\n",
			"VMClass default/small is not in the tree (lab/small is at class.yaml:1:1; write namespace: lab)"},
		{"a bad class", "class.yaml", envelope(KindVMClass, "small") + "spec: {cpu: 0, memory: 1Gi}\n",
			"spec.classRef: VMClass default/small is not valid: class.yaml:5:13: spec.cpu: is 0, must be 1..128"},
		{"a class that is written twice", "class2.yaml", envelope(KindVMClass, "small") + "spec: {cpu: 1, memory: 1Gi}\n",
			"VMClass default/small is declared 2 times, at class.yaml:1:1 and class2.yaml:1:1"},
		{"memory without unit", "class.yaml", envelope(KindVMClass, "small") + "spec: {cpu: 1, memory: 4}\n",
			"class.yaml:5:24: error: spec.memory: is less than 1Mi"},
		{"a root disk without unit", "class.yaml", envelope(KindVMClass, "small") + "spec: {cpu: 1, memory: 1Gi, diskDefaults: {size: 40}}\n",
			"spec.diskDefaults.size: is less than 1Gi"},
		{"secure boot on BIOS", "class.yaml", envelope(KindVMClass, "small") + "spec: {cpu: 1, memory: 1Gi, firmware: BIOS, securityProfile: {secureBoot: true}}\n",
			"BIOS cannot do secureBoot"},
		{"an image without source", "image.yaml", envelope(KindVMImage, "debian") + "spec: {source: {}}\n", "spec.source: has no source"},
		{"an unknown image", "image.yaml", "", "spec.imageRef: VMImage default/debian is not in the tree"},
		{"a data disk with the name of the boot disk", "vm.yaml", vmText("web", "  disks: [{name: root, sizeGiB: 1}]\n"), "spec.disks[0].name: root is the name of the boot disk"},
		{"both image and disk", "vm.yaml", vmText("web", "  importedDisk: {diskID: d}\n"), "both imageRef and importedDisk are written"},
		{"neither image nor disk", "vm.yaml", strings.Replace(vmText("web", ""), "  imageRef:\n    name: debian\n", "", 1), "neither imageRef nor importedDisk is written"},
		{"an unknown provider", "vm.yaml", strings.Replace(vmText("web", ""), "name: lab", "name: lob", 1),
			"vm.yaml:6:3: error: spec.providerRef: provider default/lob is not configured on the host (the host has lab)"},
		{"an unknown network", "vm.yaml", vmText("web", "  networks: [{name: a, networkRef: {name: lon}}]\n"), "did you mean default/lan at net.yaml:1:1?"},
		{"the namespace of a network counts", "vm.yaml", vmText("web", "  networks: [{name: a, networkRef: {name: lan, namespace: b}}]\n"), "VMNetworkAttachment b/lan is not in the tree"},
		{"a static network without address", "net.yaml", envelope(KindVMNetworkAttachment, "lan") + "spec: {network: {}, ipAllocation: {type: Static}}\n", "type Static needs staticConfig"},
		{"an address without prefix", "vm.yaml", vmText("web", "  networks: [{name: a, ipAddress: 192.0.2.1}]\n"), "an address without a prefix length"},
		{"two networks of a name", "vm.yaml", vmText("web", "  networks: [{name: a}, {name: a}]\n"), `network "a" is written twice, before as spec.networks[0]`},
		{"two disks of a name", "vm.yaml", vmText("web", "  disks: [{name: a, sizeGiB: 1}, {name: a, sizeGiB: 2}]\n"), `disk "a" is written twice, before as spec.disks[0]`},
		{"two equal addresses in one VM", "vm.yaml", vmText("web", "  networks: [{name: a, macAddress: \"52:54:00:AA:BB:CC\"}, {name: b, macAddress: 52-54-00-aa-bb-cc}]\n"),
			"hardware address 52:54:00:aa:bb:cc is written twice"},
		{"an unknown secret", "vm.yaml", vmText("web", "  userData: {cloudInit: {secretRef: {name: s}}}\n"), "spec.userData.cloudInit.secretRef: Secret default/s is not in the tree"},
		{"a bad field of its own", "vm.yaml", vmText("web", "  powerState: Paused\n"), `"Paused" is not one of On, Off, OffGraceful`},
		{"errors behind too many warnings", "vm.yaml", vmText("web", "  placement: {"+manyKeys(150)+"}\n  powerState: x\n"), "has errors that are not listed"},
		{"another version", "vm.yaml", strings.Replace(vmText("web", ""), "v1beta1", "v1alpha1", 1), "write apiVersion: infra.virtrigaud.io/v1beta1"},
	} {
		files := fleet()
		if tc.file == "class.yaml" || tc.file == "image.yaml" || tc.file == "net.yaml" {
			files["vm.yaml"] = vmText("web", "  networks: [{name: eth0, networkRef: {name: lan}}]\n")
		}
		files[tc.file] = tc.content
		files["other.yaml"] = other + "---\n" + envelope(KindVMClass, "large") + "spec: {cpu: 8, memory: 8Gi}\n"
		if tc.file == "image.yaml" {
			files["other.yaml"] = strings.Replace(files["other.yaml"], "imageRef:\n    name: debian", "importedDisk:\n    diskID: d", 1)
		}
		d := resolveTree(t, files)
		if len(d.VMs) != 1 || d.VMs[0].Key.Name != "other" || len(d.Held) != 1 || d.Held[0].Key.Name != "web" {
			t.Errorf("%s: %d VMs and %d held, want other and web\n%s", tc.reason, len(d.VMs), len(d.Held), lines(d.Findings))
			continue
		}
		if got := lines(d.Held[0].Reasons); !strings.Contains(got, tc.want) {
			t.Errorf("%s: held because\n%swant %q", tc.reason, got, tc.want)
		}
		if !strings.Contains(lines(d.Findings), tc.want) {
			t.Errorf("%s: the reason is not among the findings", tc.reason)
		}
		if !d.Complete {
			t.Errorf("%s: not complete, though every kind and name is known", tc.reason)
		}
		if tc.reason != "an unknown provider" && tc.reason != "another version" && d.Held[0].Provider.Name != "lab" {
			t.Errorf("%s: held without its provider", tc.reason)
		}
	}
}

func TestConflictsHoldBoth(t *testing.T) {
	const mac = "  networks: [{name: a, macAddress: \"52:54:00:aa:bb:cc\"}]\n"
	in := func(ns, text string) string {
		return strings.Replace(text, "metadata:\n", "metadata:\n  namespace: "+ns+"\n", 1)
	}
	full := func(text string) string {
		return strings.NewReplacer("name: small", "name: small\n    namespace: default", "name: debian", "name: debian\n    namespace: default").Replace(text)
	}
	for _, tc := range []struct{ reason, one, two, want string }{
		{"one key twice", vmText("web", ""), vmText("web", "  tags: [a]\n"), "VirtualMachine default/web is declared 2 times"},
		{"one name in two namespaces", vmText("web", ""), full(in("b", vmText("web", ""))), "name web is wanted by"},
		{"one name, one of them not usable", vmText("web", ""), in("b", vmText("web", "")), "name web is wanted by"},
		{"one hardware address", vmText("web", mac), vmText("db", strings.ReplaceAll(mac, ":aa", "-AA")), "hardware address 52:54:00:aa:bb:cc is wanted by"},
		{"one hardware address, one of them not usable", vmText("web", mac), vmText("db", mac+"  powerState: x\n"), "hardware address 52:54:00:aa:bb:cc is wanted by"},
	} {
		files := fleet()
		files["vm.yaml"], files["vm2.yaml"] = tc.one, tc.two
		d := resolveTree(t, files)
		wantHeld := 2
		if tc.reason == "one key twice" {
			wantHeld = 1
		}
		if len(d.VMs) != 0 || len(d.Held) != wantHeld {
			t.Errorf("%s: %d VMs and %d held, want 0 and %d", tc.reason, len(d.VMs), len(d.Held), wantHeld)
			continue
		}
		for _, h := range d.Held {
			got := lines(h.Reasons)
			if !strings.Contains(got, tc.want) || !strings.Contains(got, "vm.yaml:1:1") || !strings.Contains(got, "vm2.yaml:1:1") {
				t.Errorf("%s: %s is held because\n%swant %q and both places", tc.reason, h.Key, got, tc.want)
			}
			if h.Provider.Name != "lab" {
				t.Errorf("%s: %s is held without its provider", tc.reason, h.Key)
			}
		}
	}
	files := fleet()
	files["vm.yaml"] = vmText("web", mac)
	files["vm2.yaml"] = strings.Replace(full(in("b", vmText("web", mac))), "name: lab", "name: lab2", 1)
	d := Resolve(Load(tree(files), Options{}), ResolveOptions{Providers: []Key{{Name: "lab"}, {Name: "lab2"}}})
	if len(d.VMs) != 2 {
		t.Errorf("equal names and addresses on two providers conflict:\n%s", lines(d.Findings))
	}
}

func TestProviderReferences(t *testing.T) {
	git := envelope(KindProvider, "lab") + "spec: {type: libvirt, endpoint: \"qemu:///system\", credentialSecretRef: {name: a}}\n"
	for _, tc := range []struct {
		reason string
		git    string
		opts   ResolveOptions
		want   Key // zero: held
	}{
		{"full key", "", ResolveOptions{Providers: []Key{{"default", "lab"}}}, Key{"default", "lab"}},
		{"by name alone", "", ResolveOptions{Providers: []Key{{"", "lab"}}}, Key{"", "lab"}},
		{"the full key wins", "", ResolveOptions{Providers: []Key{{"", "lab"}, {"default", "lab"}}}, Key{"default", "lab"}},
		{"another namespace", "", ResolveOptions{Providers: []Key{{"x", "lab"}}}, Key{}},
		{"no providers", "", ResolveOptions{}, Key{}},
		{"the tree may not define providers", git, ResolveOptions{}, Key{}},
		{"unless the host says so", git, ResolveOptions{GitProviders: true}, Key{"default", "lab"}},
		{"the host wins over the tree", git, ResolveOptions{GitProviders: true, Providers: []Key{{"", "lab"}}}, Key{"", "lab"}},
		{"a bad provider in the tree", strings.Replace(git, "libvirt", "libvrit", 1), ResolveOptions{GitProviders: true}, Key{}},
	} {
		files := fleet()
		files["provider.yaml"] = tc.git
		d := Resolve(Load(tree(files), Options{}), tc.opts)
		var got Key
		if len(d.VMs) == 1 {
			got = d.VMs[0].Provider
		}
		if got != tc.want || len(d.VMs)+len(d.Held) != 1 {
			t.Errorf("%s: provider %q, want %q\n%s", tc.reason, got, tc.want, lines(d.Findings))
		}
	}
}

func TestCompleteNeedsEveryDocument(t *testing.T) {
	for _, tc := range []struct {
		reason, content string
		want            bool
	}{
		{"nothing odd", "# empty\n", true},
		{"a foreign kind", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", true},
		{"broken YAML", "a: [\n", false},
		{"a VM without name", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\n", false},
	} {
		files := fleet()
		files["z.yaml"] = tc.content
		d := resolveTree(t, files)
		if d.Complete != tc.want || len(d.VMs) != 1 {
			t.Errorf("%s: complete %v and %d VMs, want %v and 1", tc.reason, d.Complete, len(d.VMs), tc.want)
		}
	}
}

func TestIdleKindsAreNamedOnce(t *testing.T) {
	files := fleet()
	files["idle.yaml"] = envelope(KindVMSnapshot, "s") + "spec: {vmRef: {name: web}}\n---\n" + envelope(KindVMPlacementPolicy, "p")
	d := resolveTree(t, files)
	want := "idle.yaml:1:1: warning: VMSnapshot is validated but not acted on yet\n" +
		"idle.yaml:7:1: warning: VMPlacementPolicy is validated but not acted on yet\n"
	if diff := cmp.Diff(want, lines(d.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestSmallDecisions(t *testing.T) {
	class := func(more string) map[string]string {
		files := fleet()
		files["class.yaml"] = envelope(KindVMClass, "small") + "spec:\n  cpu: 1\n  memory: 1000M\n" + more
		return files
	}
	withVM := func(more string) map[string]string {
		files := fleet()
		files["vm.yaml"] = vmText("web", more)
		return files
	}
	for _, tc := range []struct {
		reason string
		files  map[string]string
		holds  func(*VM) bool
	}{
		{"memory is divided down to MiB", class(""), func(v *VM) bool { return v.MemoryMiB == 953 }},
		{"no disk size without diskDefaults", class(""), func(v *VM) bool { return v.RootDisk == RootDisk{} }},
		{"disk sizes are divided down to GiB", class("  diskDefaults: {size: 20.7Gi}\n"), func(v *VM) bool { return v.RootDisk.SizeGiB == 20 }},
		{"BIOS unless said otherwise", class(""), func(v *VM) bool { return v.Firmware == FirmwareBIOS }},
		{"secure boot brings UEFI along", class("  securityProfile: {secureBoot: true}\n"), func(v *VM) bool { return v.Firmware == FirmwareUEFI }},
		{"autostart says no", class("  extraConfig: {autostart: \"false\"}\n"), func(v *VM) bool { return v.Autostart != nil && !*v.Autostart }},
		{"autostart says something else", class("  extraConfig: {autostart: \"maybe\"}\n"), func(v *VM) bool { return v.Autostart == nil }},
		{"no power state is On", withVM(""), func(v *VM) bool { return v.Power == PowerOn && v.Shutdown.Timeout == time.Minute }},
		{"Off is not graceful", withVM("  powerState: Off\n"), func(v *VM) bool { return v.Power == PowerOff && !v.Shutdown.Graceful }},
		{"an empty lifecycle has the default", withVM("  lifecycle: {}\n"), func(v *VM) bool { return v.Shutdown.Timeout == time.Minute }},
		{"an MTU that is not written is not known", withVM("  networks: [{name: a, networkRef: {name: lan}}]\n"), func(v *VM) bool { return v.NICs[0].Network.MTU == 0 }},
		{"an image that says nothing is imported", withVM(""), func(v *VM) bool { return v.Image.OnMissing == "Import" }},
	} {
		if vm := onlyVM(t, tc.files); !tc.holds(vm) {
			t.Errorf("%s: %+v", tc.reason, vm)
		}
	}
}

func TestEqualGuestAddressesAreWarnedOf(t *testing.T) {
	const nic = "  networks: [{name: a, networkRef: {name: lan}, ipAddress: 192.0.2.9, prefix: 24}]\n"
	files := fleet()
	files["vm.yaml"], files["vm2.yaml"] = vmText("web", nic), vmText("db", nic)
	d := resolveTree(t, files)
	if got := lines(d.Findings); len(d.VMs) != 2 || strings.Count(got, "warning: address 192.0.2.9 is wanted by") != 2 {
		t.Errorf("%d VMs, findings\n%s", len(d.VMs), got)
	}
}
