package manifest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// tree makes a file system of paths and contents.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

// loadText loads one file with the content.
func loadText(t *testing.T, content string) *Set {
	t.Helper()
	return Load(tree(map[string]string{"a.yaml": content}), Options{})
}

// textOf reads the text of a document again.
func textOf(t *testing.T, fsys fs.FS, doc *Document) []byte {
	t.Helper()
	data, err := fs.ReadFile(fsys, doc.At.File)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, part := range splitDocuments(doc.At.File, data) {
		if part.before < doc.At.Line {
			text = part.text
		}
	}
	return text
}

// lines writes findings one per line.
func lines(fs []Finding) string {
	var b strings.Builder
	for _, f := range fs {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// envelope begins a document of a kind of ours.
func envelope(kind, name string) string {
	return "apiVersion: " + APIVersion + "\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n"
}

// fleet is a tree that resolves: one VM with all that it refers to. Tests
// replace single documents of it.
func fleet() map[string]string {
	return map[string]string{
		"class.yaml": envelope(KindVMClass, "small") + "spec:\n  cpu: 2\n  memory: 4Gi\n",
		"image.yaml": envelope(KindVMImage, "debian") + "spec:\n  source:\n    libvirt:\n      path: /images/debian.qcow2\n",
		"net.yaml":   envelope(KindVMNetworkAttachment, "lan") + "spec:\n  network:\n    libvirt:\n      bridge:\n        name: br0\n",
		"vm.yaml":    vmText("web", ""),
	}
}

// vmText is a valid VirtualMachine with further lines of spec.
func vmText(name, more string) string {
	return envelope(KindVirtualMachine, name) + `spec:
  providerRef:
    name: lab
  classRef:
    name: small
  imageRef:
    name: debian
` + more
}

// host is the provider that fleet refers to.
func host() ResolveOptions { return ResolveOptions{Providers: []Key{{Name: "lab"}}} }

// resolveTree loads and resolves.
func resolveTree(t *testing.T, files map[string]string) *Desired {
	t.Helper()
	return Resolve(Load(tree(files), Options{}), host())
}

// onlyVM returns the one VM that a tree resolves to.
func onlyVM(t *testing.T, files map[string]string) *VM {
	t.Helper()
	d := resolveTree(t, files)
	if len(d.VMs) != 1 || len(d.Held) != 0 {
		t.Fatalf("%d VMs and %d held, want 1 and 0\n%s", len(d.VMs), len(d.Held), lines(d.Findings))
	}
	return d.VMs[0]
}

// goTypeOf returns a type that a scalar of the form can be decoded into.
func goTypeOf(f form) reflect.Type {
	switch f {
	case formBool:
		return reflect.TypeFor[bool]()
	case formInt:
		return reflect.TypeFor[int64]()
	case formQuantity:
		return reflect.TypeFor[Quantity]()
	case formIntOrPercent:
		return reflect.TypeFor[IntOrPercent]()
	}
	return reflect.TypeFor[string]()
}

// defaultAsValue is a default as it would be read from a document.
func defaultAsValue(f *field) any {
	switch f.shape.form {
	case formBool:
		return f.rules.def == "true"
	case formInt:
		return json.Number(f.rules.def)
	}
	return f.rules.def
}

// manyKeys writes n entries of a flow mapping.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1, ", i)
	}
	return b.String()
}
