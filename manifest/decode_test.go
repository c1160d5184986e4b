package manifest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindings(t *testing.T) {
	for _, tc := range []struct {
		reason string
		kind   string
		spec   string
		want   string // all findings, below "a.yaml:"; empty: none
	}{
		{"a minimal class", KindVMClass, "cpu: 2\nmemory: 4Gi", ""},
		{"null is absent", KindVMClass, "cpu: 2\nmemory: 4Gi\nfirmware: null", ""},
		{"memory as a number", KindVMClass, "cpu: 2\nmemory: 4294967296", ""},
		{"a required field that is null is missing", KindVMClass, "cpu: null\nmemory: 4Gi",
			"6:8: error: spec.cpu: is missing"},
		{"a required field", KindVMClass, "cpu: 2", "5:1: error: spec.memory: is missing"},
		{"an old name of a required field is named", KindVMClass, "cpus: 2\nmemory: 4Gi",
			"5:1: error: spec.cpu: is missing (`cpus` stands there: write `cpu`)\n" +
				"6:9: warning: spec.cpus: unknown field (write `cpu`)"},
		{"below the range", KindVMClass, "cpu: 0\nmemory: 4Gi", "6:8: error: spec.cpu: is 0, must be 1..128"},
		{"above the range", KindVMClass, "cpu: 129\nmemory: 4Gi", "6:8: error: spec.cpu: is 129, must be 1..128"},
		{"a number in quotes", KindVMClass, "cpu: \"2\"\nmemory: 4Gi",
			"6:8: error: spec.cpu: must be a whole number, not a string (remove the quotes)"},
		{"a fraction", KindVMClass, "cpu: 2.5\nmemory: 4Gi", "6:8: error: spec.cpu: 2.5 is not a whole number"},
		{"a whole number with a point", KindVMClass, "cpu: 2.0\nmemory: 4Gi", ""},
		{"past 32 bits", KindVMClass, "cpu: 99999999999\nmemory: 4Gi", "6:8: error: spec.cpu: 99999999999 is too large"},
		{"a bad quantity", KindVMClass, "cpu: 2\nmemory: 4GiB",
			`7:11: error: spec.memory: "4GiB": not a quantity, such as 4Gi or 500M (write 4Gi)`},
		{"a negative quantity", KindVMClass, "cpu: 2\nmemory: -4Gi", "7:11: error: spec.memory: is -4Gi, must not be negative"},
		{"a quantity that is a list", KindVMClass, "cpu: 2\nmemory: [4Gi]",
			"7:3: error: spec.memory: must be a quantity such as 4Gi, not a list"},
		{"an enum with a near miss", KindVMClass, "cpu: 2\nmemory: 4Gi\nfirmware: uefi",
			`8:13: error: spec.firmware: "uefi" is not one of BIOS, UEFI, EFI (did you mean "UEFI"?)`},
		{"a boolean in quotes", KindVMClass, "cpu: 2\nmemory: 4Gi\nsecurityProfile: {secureBoot: \"true\"}",
			"8:33: error: spec.securityProfile.secureBoot: must be true or false, not a string (remove the quotes)"},
		{"YAML 1.1 booleans are booleans", KindVMClass, "cpu: 2\nmemory: 4Gi\nsecurityProfile: {secureBoot: yes}", ""},
		{"an unquoted boolean in a text", KindVMClass, "cpu: 2\nmemory: 4Gi\nextraConfig: {autostart: yes}",
			`8:28: error: spec.extraConfig.autostart: must be a string, not a boolean (quote it: "yes")`},
		{"an unquoted number in a text", KindVMClass, "cpu: 2\nmemory: 4Gi\nextraConfig: {a.b: 19}",
			`8:22: error: spec.extraConfig["a.b"]: must be a string, not a number (quote it: "19")`},
		{"TPM version as texts and numbers", KindVMClass, "cpu: 2\nmemory: 4Gi\nsecurityProfile: {tpmVersion: 2}", ""},
		{"TPM version 1.2", KindVMClass, "cpu: 2\nmemory: 4Gi\nsecurityProfile: {tpmVersion: 1.2}", ""},
		{"TPM version 2.0 in quotes", KindVMClass, "cpu: 2\nmemory: 4Gi\nsecurityProfile: {tpmVersion: \"2.0\"}", ""},
		{"no such TPM version", KindVMClass, "cpu: 2\nmemory: 4Gi\nsecurityProfile: {tpmVersion: 3}",
			`8:33: error: spec.securityProfile.tpmVersion: "3" is not one of 1.2, 2.0`},
		{"sizeGiB silently meant 40Gi", KindVMClass, "cpu: 2\nmemory: 4Gi\ndiskDefaults:\n  sizeGiB: 20",
			"9:14: warning: spec.diskDefaults.sizeGiB: unknown field (is not a field, and the default 40Gi then applies; write size: 20Gi)"},
		{"a scalar for an object", KindVMImage, "source: template",
			"6:11: error: spec.source: must be an object, not a string"},
		{"an object for a list", KindVMImage, "source: {}\nmetadata: []", "7:3: error: spec.metadata: must be an object, not a list"},
		{"a pattern", KindVMImage, "source: {http: {url: \"ftp://x\"}}",
			`6:24: error: spec.source.http.url: "ftp://x" must be an http or https address`},
		{"a text that is too long", KindVMImage, "source: {}\ndistribution: {version: " + strings.Repeat("x", 101) + "}",
			"7:27: error: spec.distribution.version: has 101 characters, must have at most 100"},
		{"characters are counted, not bytes", KindVMImage, "source: {}\ndistribution: {version: " + strings.Repeat("ü", 100) + "}", ""},
		{"a duration without unit", KindVMImage, "source: {}\nprepare: {timeout: \"30\"}",
			`7:22: error: spec.prepare.timeout: "30" is not a duration such as 90s or 1h30m (write a number with a unit of s, m or h)`},
		{"a duration in days", KindVMImage, "source: {}\nprepare: {timeout: 2d}",
			`7:22: error: spec.prepare.timeout: "2d" is not a duration such as 90s or 1h30m (write 48h)`},
		{"days in the one field where they stand in the wild", KindVMSnapshot, "vmRef: {name: a}\nretentionPolicy: {maxAge: 30d}",
			`7:29: warning: spec.retentionPolicy.maxAge: "30d" is not a duration such as 90s or 1h30m (write 720h)`},
		{"a near miss", KindVMImage, "source: {libvirt: {storagepool: x}}",
			"6:35: warning: spec.source.libvirt.storagepool: unknown field (did you mean `storagePool`?)"},
		{"nothing near", KindVMImage, "source: {libvirt: {zzzzzzzz: x}}",
			"6:32: warning: spec.source.libvirt.zzzzzzzz: unknown field"},
		{"runtime is for Kubernetes alone", KindProvider, "type: libvirt\nendpoint: qemu:///system\ncredentialSecretRef: {name: a}", ""},
		{"an endpoint that is none", KindProvider, "type: libvirt\nendpoint: kvm1\ncredentialSecretRef: {name: a}",
			`7:13: error: spec.endpoint: "kvm1" must be an address such as https://vcenter/sdk, qemu:///system, qemu+ssh://user@host/system or grpc://host:9443`},
		{"a provider server", KindProvider, "type: libvirt\nendpoint: grpc://kvm1:9443", ""},
		{"a provider server by an address of IPv6", KindProvider, "type: libvirt\nendpoint: \"grpc://[2001:db8::1]:9443\"", ""},
		{"a provider server at a socket", KindProvider, "type: vsphere\nendpoint: unix:///run/p.sock", ""},
		{"a provider server of somebody else's type", KindProvider, "type: acme-cloud\nendpoint: grpc://acme:9443", ""},
		{"a type that is misspelt", KindProvider, "type: libvrit\nendpoint: qemu:///system",
			`6:9: error: spec.type: "libvrit" is not one of vsphere, libvirt, firecracker, qemu, proxmox, memory (did you mean "libvirt"?)`},
		{"a type that is no name", KindProvider, "type: Acme Cloud\nendpoint: grpc://acme:9443",
			`6:9: error: spec.type: "Acme Cloud" must be lower-case letters, digits and '-', with a letter or digit at both ends`},
		{"a login in an address is not repeated", KindProvider, "type: libvirt\nendpoint: ssh://root:hunter2@kvm1\ncredentialSecretRef: {name: a}",
			`7:13: error: spec.endpoint: "ssh://…@kvm1" must be an address such as https://vcenter/sdk, qemu:///system, qemu+ssh://user@host/system or grpc://host:9443`},
		{"pod fields of Kubernetes are accepted", KindProvider, "type: libvirt\nendpoint: qemu:///system\ncredentialSecretRef: {name: a}\n" +
			"runtime: {image: \"a/b:1\", env: [{name: X, value: y}], affinity: {nodeAffinity: {}}}", ""},
		{"a percent", KindVMSet, "selector: {}\ntemplate: {spec: {providerRef: {name: a}, classRef: {name: b}}}\n" +
			"updateStrategy: {rollingUpdate: {maxSurge: 10%, maxUnavailable: 3}}", ""},
		{"neither count nor percent", KindVMSet, "selector: {}\ntemplate: {spec: {providerRef: {name: a}, classRef: {name: b}}}\n" +
			"updateStrategy: {rollingUpdate: {maxSurge: \"3\"}}",
			`8:46: error: spec.updateStrategy.rollingUpdate.maxSurge: must be a count such as 3 or a share such as "25%"`},
		{"a boolean for an object with required enabled", KindVMPlacementPolicy, "antiAffinity: {hostAntiAffinity: true}",
			"6:36: error: spec.antiAffinity.hostAntiAffinity: must be an object, not a boolean"},
		{"explicit false satisfies required", KindVMPlacementPolicy, "antiAffinity: {hostAntiAffinity: {enabled: false}}", ""},
		{"a key that is written twice", KindVMClass, "cpu: 2\nmemory: 4Gi\ncpu: 4",
			"8:3: error: key `cpu` is written twice, before at line 6"},
		{"a key that kubectl reads as a boolean", KindVMClass, "cpu: 2\nmemory: 4Gi\nextraConfig: {on: a}",
			"8:17: error: key must be a string (quote it)"},
		{"a merge key of several maps", KindVMClass, "<<: [{cpu: 2}, {memory: 4Gib}]",
			`6:27: error: spec.memory: "4Gib": not a quantity, such as 4Gi or 500M`},
		{"a long value is cut", KindVMClass, "cpu: 2\nmemory: 4Gi\nfirmware: " + strings.Repeat("x", 100),
			`8:13: error: spec.firmware: "` + strings.Repeat("x", 60) + `…" is not one of BIOS, UEFI, EFI`},
		{"a map that is a text", KindVMClass, "cpu: 2\nmemory: 4Gi\nextraConfig: a=b",
			"8:16: error: spec.extraConfig: must be an object, not a string"},
		{"a map with too many keys", KindVMClass, "cpu: 2\nmemory: 4Gi\nextraConfig: {" + strings.ReplaceAll(manyKeys(51), ": 1", ": a") + "}",
			"8:3: error: spec.extraConfig: has 51 keys, must have at most 50"},
		{"a number as key is its text", KindVMClass, "cpu: 2\nmemory: 4Gi\nextraConfig: {1: a}", ""},
	} {
		content := envelope(tc.kind, "x")[:len(envelope(tc.kind, "x"))-1] + "\nspec:\n  " + strings.ReplaceAll(tc.spec, "\n", "\n  ") + "\n"
		var got []string
		for _, f := range loadText(t, content).Findings {
			got = append(got, strings.TrimPrefix(f.String(), "a.yaml:"))
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestListsAreChecked(t *testing.T) {
	disk := "    - {name: d, sizeGiB: 1}\n"
	for _, tc := range []struct{ reason, more, want string }{
		{"the most disks", "  disks:\n" + strings.Repeat(disk, 20), ""},
		{"one disk too many", "  disks:\n" + strings.Repeat(disk, 21), "has 21 items, must have at most 20"},
		{"an empty item", "  disks:\n    -\n", "item is empty"},
		{"an item of another type", "  tags: [1]\n", "must be a string, not a number"},
		{"a text for a list", "  tags: a,b\n", "must be a list, not a string"},
		{"a map with empty value is an empty text", "  tags: []\n", ""},
		{"an empty command", "  lifecycle: {preStop: {exec: {command: []}}}\n", "has 0 items, must have at least 1"},
	} {
		got := lines(loadText(t, vmText("web", tc.more)).Findings)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: findings %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func TestPowerStateReadsBooleans(t *testing.T) {
	for written, want := range map[string]PowerState{
		`On`: StateOn, `Off`: StateOff, `on`: StateOn, `OFF`: StateOff, `yes`: StateOn, `no`: StateOff,
		`true`: StateOn, `false`: StateOff, `"On"`: StateOn, `"Off"`: StateOff, `OffGraceful`: StateOffGraceful,
	} {
		set := loadText(t, vmText("web", "  powerState: "+written+"\n"))
		if len(set.Findings) > 0 {
			t.Errorf("powerState: %s: %s", written, lines(set.Findings))
			continue
		}
		if got := set.Documents[0].Object.(*VirtualMachine).Spec.PowerState; got != want {
			t.Errorf("powerState: %s reads as %q, want %q", written, got, want)
		}
	}
	got := lines(loadText(t, vmText("web", "  powerState: \"on\"\n")).Findings)
	if !strings.Contains(got, `did you mean "On"?`) {
		t.Errorf("a quoted wrong state gives %q, want a near miss", got)
	}
}

func TestDefaultsNeedTheirObject(t *testing.T) {
	set := loadText(t, envelope(KindVMClass, "a")+"spec: {cpu: 1, memory: 1Gi}\n---\n"+
		envelope(KindVMClass, "b")+"spec: {cpu: 1, memory: 1Gi, diskDefaults: {}}\n---\n"+
		envelope(KindVMMigration, "c")+"spec: {source: {vmRef: {name: a}, createSnapshot: false}, target: {name: a, providerRef: {name: p}}}\n")
	if len(set.Findings) > 0 {
		t.Fatal(lines(set.Findings))
	}
	absent := set.Documents[0].Object.(*VMClass).Spec
	if absent.DiskDefaults != nil || absent.Firmware != "BIOS" {
		t.Errorf("without diskDefaults: %+v, firmware %q", absent.DiskDefaults, absent.Firmware)
	}
	empty := set.Documents[1].Object.(*VMClass).Spec.DiskDefaults
	if empty == nil || empty.Size.String() != "40Gi" || empty.Type != "thin" {
		t.Errorf("with empty diskDefaults: %+v, want 40Gi and thin", empty)
	}
	source := set.Documents[2].Object.(*VMMigration).Spec.Source
	if source.CreateSnapshot {
		t.Error("an explicit false gave way to the default true")
	}
}

func TestStrictMakesUnknownFieldsErrors(t *testing.T) {
	files := map[string]string{"a.yaml": envelope(KindVMClass, "a") + "spec: {cpu: 1, memory: 1Gi, cpus: 2}\n"}
	for strict, want := range map[bool]Severity{false: Warning, true: Error} {
		set := Load(tree(files), Options{Strict: strict})
		if len(set.Findings) != 1 || set.Findings[0].Severity != want || set.Documents[0].Valid == strict {
			t.Errorf("strict %v: valid %v, %s", strict, set.Documents[0].Valid, lines(set.Findings))
		}
	}
}

func TestSecretsAreDecodedAndNeverRepeated(t *testing.T) {
	set := loadText(t, `apiVersion: v1
kind: Secret
metadata: {name: s}
type: Opaque
data: {a: aHVudGVyMg==, b: aHVudGVyMg==}
stringData: {b: wins}
---
apiVersion: v1
kind: Secret
metadata: {name: bad}
data: {a: "hunter2 in plain!"}
stringData: {b: 4711}
`)
	values := set.Documents[0].Object.(*Secret).Values()
	if values["a"].Reveal() != "hunter2" || values["b"].Reveal() != "wins" {
		t.Errorf("a = %q, b = %q", values["a"].Reveal(), values["b"].Reveal())
	}
	got := lines(set.Findings)
	if strings.Contains(got, "hunter2") || strings.Contains(got, "4711") {
		t.Errorf("a finding repeats a secret:\n%s", got)
	}
	for _, want := range []string{"is not base64 (plain text goes into stringData)", "must be a string, not a number (quote it)"} {
		if !strings.Contains(got, want) {
			t.Errorf("findings %q do not say %q", got, want)
		}
	}
}

func TestMetadata(t *testing.T) {
	for _, tc := range []struct{ reason, metadata, want string }{
		{"what Kubernetes adds is ignored",
			"{name: a, uid: x, creationTimestamp: null, generation: 3, finalizers: [a], managedFields: [{a: b}], labels: {a: b}}", ""},
		{"an unknown field", "{name: a, label: {a: b}}", "did you mean `labels`?"},
		{"a name that no hypervisor should see", "{name: My_VM}", "must be lower-case letters"},
		{"a namespace that is none", "{name: a, namespace: a/b}", "must be lower-case letters"},
		{"an unquoted number as name", "{name: 42}", `quote it: "42"`},
		{"an unquoted boolean as label", "{name: a, labels: {on-call: yes}}", `quote it: "yes"`},
	} {
		got := lines(loadText(t, "apiVersion: "+APIVersion+"\nkind: VMClass\nmetadata: "+tc.metadata+
			"\nspec: {cpu: 1, memory: 1Gi}\nstatus: {anything: [1]}\n").Findings)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: findings %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func TestFindingsOfOneDocumentAreBounded(t *testing.T) {
	set := loadText(t, envelope(KindVMClass, "a")+"spec:\n"+strings.Repeat("  x: 1\n", 5000))
	if n := len(set.Findings); n > maxFindings+1 {
		t.Errorf("%d findings, want at most %d", n, maxFindings+1)
	}
	if set.Documents[0].Valid {
		t.Error("a document with unlisted errors is valid")
	}
}

// Every tag is understood, every default is a value of its field that passes
// its own rules, and every pattern exists.
func TestDeclarationsAreWellFormed(t *testing.T) {
	known := map[string]bool{"required": true, "range": true, "len": true, "items": true, "enum": true, "pattern": true,
		"default": true, "duration": true, "durationWarn": true, "": true}
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if _, leaf := leafForm(typ); leaf || seen[typ] || typ.Kind() != reflect.Struct {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			sf := typ.Field(i)
			if sf.Tag.Get("json") == "" && !sf.Anonymous {
				t.Errorf("%s.%s has no json tag", typ.Name(), sf.Name)
			}
			for part := range strings.SplitSeq(sf.Tag.Get("check"), ",") {
				if name, _, _ := strings.Cut(part, "="); !known[name] {
					t.Errorf("%s.%s: check tag says %q", typ.Name(), sf.Name, part)
				}
			}
			visit(sf.Type)
		}
	}
	for _, k := range kinds() {
		visit(k.goType)
		checkDefaults(t, k.kind, k.shape)
	}
}

func checkDefaults(t *testing.T, path string, s *shape) {
	t.Helper()
	if s.elem != nil {
		checkDefaults(t, path+"[]", s.elem)
	}
	for i := range s.fields {
		f := &s.fields[i]
		at := path + "." + f.name
		checkDefaults(t, at, f.shape)
		if _, known := patterns[f.rules.pattern]; f.rules.pattern != "" && !known {
			t.Errorf("%s: no pattern %q", at, f.rules.pattern)
		}
		if !f.rules.hasDefault {
			continue
		}
		if f.pointer {
			t.Errorf("%s: a pointer with a default", at)
		}
		d := decoder{source: splitDocuments("a.yaml", []byte(envelope(KindVMClass, "a")))[0], kind: "x"}
		d.root, _ = d.source.parseNodes()
		target := reflect.New(goTypeOf(f.shape.form)).Elem()
		d.scalar(defaultAsValue(f), f.shape.form, &f.rules, target)
		if len(d.findings) > 0 {
			t.Errorf("%s: default %q: %s", at, f.rules.def, d.findings[0].Message)
		}
	}
}
