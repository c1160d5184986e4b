package manifest

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// richFleet is a tree with several VMs that use much of the vocabulary.
func richFleet() map[string]string {
	files := fleet()
	files["class.yaml"] += "  firmware: UEFI\n  diskDefaults: {size: 20Gi}\n  extraConfig: {a: \"1\", b: \"2\", c: \"3\"}\n"
	files["secret.yaml"] = secretText("s", "{userdata: u, x: z}")
	for i := range 4 {
		n := strconv.Itoa(i)
		files["vm"+n+".yaml"] = strings.Replace(vmText("vm"+n, `  networks:
    - {name: eth0, networkRef: {name: lan}, macAddress: "52:54:00:00:00:0`+n+`"}
    - {name: eth1, ipAddress: 192.0.2.`+n+`, prefix: 24, dns: "192.0.2.53"}
  disks: [{name: a, sizeGiB: 1}, {name: b, sizeGiB: 2}]
  userData: {cloudInit: {inline: i, secretRef: {name: s}}}
  tags: [r, s, t]
  placement: {datastore: d, folder: f}
`), "  name:", "  labels: {p: q, r: s}\n  name:", 1)
	}
	return files
}

func digests(d *Desired) map[Key]string {
	all := make(map[Key]string)
	for _, vm := range d.VMs {
		all[vm.Key] = vm.Digest
	}
	return all
}

// rewrite shuffles the keys of every mapping, the documents and the files.
func rewrite(t *testing.T, r *rand.Rand, files map[string]string) map[string]string {
	t.Helper()
	var documents []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var n yamlv3.Node
		if err := yamlv3.Unmarshal([]byte(files[name]), &n); err != nil {
			t.Fatal(err)
		}
		shuffleKeys(r, &n)
		text, err := yamlv3.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, "# "+strconv.Itoa(r.Int())+"\n"+string(text))
	}
	r.Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
	out := make(map[string]string)
	for _, doc := range documents {
		name := "d" + strconv.Itoa(r.IntN(3)) + "/f" + strconv.Itoa(r.IntN(3)) + ".yml"
		out[name] += "---\n" + doc
	}
	return out
}

func shuffleKeys(r *rand.Rand, n *yamlv3.Node) {
	for _, c := range n.Content {
		shuffleKeys(r, c)
	}
	if n.Kind != yamlv3.MappingNode {
		return
	}
	n.Style = []yamlv3.Style{0, yamlv3.FlowStyle}[r.IntN(2)]
	r.Shuffle(len(n.Content)/2, func(i, j int) {
		c := n.Content
		c[2*i], c[2*j], c[2*i+1], c[2*j+1] = c[2*j], c[2*i], c[2*j+1], c[2*i+1]
	})
}

func TestDigestsDoNotDependOnOrderOrLayout(t *testing.T) {
	files := richFleet()
	want := resolveTree(t, files)
	if len(want.VMs) != 5 {
		t.Fatalf("%d VMs, want 5\n%s", len(want.VMs), lines(want.Findings))
	}
	for seed := range uint64(50) {
		got := resolveTree(t, rewrite(t, rand.New(rand.NewPCG(seed, 1)), files))
		if diff := cmp.Diff(digests(want), digests(got)); diff != "" {
			t.Fatalf("seed %d changes digests (-want +got):\n%s%s", seed, diff, lines(got.Findings))
		}
	}
}

func TestResolveIsDeterministic(t *testing.T) {
	files := richFleet()
	files["dup.yaml"] = files["vm1.yaml"]
	files["bad.yaml"] = vmText("bad", "  networks: [{name: a, macAddress: \"52:54:00:00:00:02\"}]\n  unknown: 1\n  unknwon: 2\n")
	want := resolveTree(t, files)
	for range 20 {
		if diff := cmp.Diff(want, resolveTree(t, files), cmp.Comparer(sameText)); diff != "" {
			t.Fatalf("two runs differ:\n%s", diff)
		}
	}
}

func TestUnrelatedChangesKeepTheDigest(t *testing.T) {
	files := richFleet()
	want := digests(resolveTree(t, files))
	files["class2.yaml"] = envelope(KindVMClass, "other") + "spec: {cpu: 1, memory: 1Gi}\n"
	files["vm1.yaml"] = strings.Replace(files["vm1.yaml"], "sizeGiB: 2", "sizeGiB: 3", 1)
	got := digests(resolveTree(t, files))
	for key, digest := range want {
		if changed := got[key] != digest; changed != (key.Name == "vm1") {
			t.Errorf("%s: changed = %v", key, changed)
		}
	}
}

// Every field of a VM, at any depth, counts: changing it alone changes the digest.
func TestEveryFieldOfAVMChangesTheDigest(t *testing.T) {
	plain := VM{}
	full := filled(reflect.TypeFor[VM]()).Interface().(VM)
	if vmDigest(&plain) == vmDigest(&full) {
		t.Fatal("an empty and a full VM have the same digest")
	}
	base := vmDigest(&full)
	var visit func(path string, v reflect.Value)
	visit = func(path string, v reflect.Value) {
		if path == ".At" || path == ".Digest" || v.Type() == reflect.TypeFor[secret.Text]() {
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				visit(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		case reflect.Pointer:
			visit(path+"*", v.Elem())
			old := v.Elem().Interface()
			v.SetZero()
			if vmDigest(&full) == base {
				t.Errorf("%s: nil has the same digest", path)
			}
			v.Set(reflect.New(v.Type().Elem()))
			v.Elem().Set(reflect.ValueOf(old))
			return
		case reflect.Slice:
			visit(path+"[]", v.Index(0))
		}
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		v.Set(other(v))
		if vmDigest(&full) == base {
			t.Errorf("%s: another value has the same digest", path)
		}
		v.Set(old)
	}
	visit("", reflect.ValueOf(&full).Elem())
	if vmDigest(&full) != base {
		t.Error("the walk left the VM changed")
	}
}

// filled returns a value of which every part is set.
func filled(typ reflect.Type) reflect.Value {
	v := reflect.New(typ).Elem()
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			if v.Field(i).CanSet() {
				v.Field(i).Set(filled(typ.Field(i).Type))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		v.Elem().Set(filled(typ.Elem()))
	case reflect.Slice:
		v.Set(reflect.Append(v, filled(typ.Elem())))
	case reflect.Map:
		v.Set(reflect.MakeMap(typ))
		v.SetMapIndex(filled(typ.Key()), filled(typ.Elem()))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	}
	return v
}

// other returns a value that differs from v.
func other(v reflect.Value) reflect.Value {
	o := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		o.SetString(v.String() + "y")
	case reflect.Bool:
		o.SetBool(!v.Bool())
	case reflect.Int, reflect.Int32, reflect.Int64:
		o.SetInt(v.Int() + 1)
	}
	return o
}

func TestTextsChangeTheirDigest(t *testing.T) {
	seen := map[string]string{}
	for name, ci := range map[string]CloudInit{
		"a":          {UserData: secret.New("a")},
		"b":          {UserData: secret.New("b")},
		"meta":       {MetaData: secret.New("a")},
		"ignition":   {Ignition: secret.New("a")},
		"shifted":    {UserData: secret.New("aa")},
		"shifted by": {UserData: secret.New("a"), MetaData: secret.New("a")},
	} {
		digest := cloudInitDigest(ci)
		if before, twice := seen[digest]; twice {
			t.Errorf("%s and %s have the same digest", name, before)
		}
		seen[digest] = name
	}
}

// The encoding is a promise: a state directory outlives the program.
func TestDigestsStayTheSameForEver(t *testing.T) {
	const want = "96ac429f7549916eebb5cf6d50716e275bca435d3f8a6588762b9ff2766f7658"
	if got := onlyVM(t, fleet()).Digest; got != want {
		t.Errorf("digest of the small fleet is %s, want %s; change digestVersion when the encoding changes", got, want)
	}
}
