package manifest

import (
	"bytes"
	"runtime"
	"testing"
	"unicode/utf8"
)

func FuzzLoad(f *testing.F) {
	for _, content := range richFleet() {
		f.Add(content)
	}
	for _, content := range []string{
		"", "---\n...\n---\n", goodClass + "---\n" + goodClass, "\uFEFFa: b", "a: &a [*a]", "a: {<<: {b: c}}\n", "a:\r\rb", "\u2028a: [\u0085",
		"apiVersion: v1\nkind: List\nitems: [{kind: VirtualMachine}, *a]\n", "? [a]\n: b\n", "!!binary a: b", "%YAML 1.1\n---\na", "--- |\n a\n---",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: =}\n", "a: .nan\nb: 0x1\nc: 1_0\n", "{a: b}\nc", "a: 'b\n---\nc'",
	} {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		files := fleet()
		files["fuzz.yaml"] = content
		set := Load(tree(files), Options{})
		d := Resolve(set, host())
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20+uint64(len(content))<<12 {
			t.Errorf("%d bytes of content took %d bytes of memory", len(content), spent)
		}
		text := bytes.TrimPrefix([]byte(content), []byte("\uFEFF"))
		for _, finding := range d.Findings {
			checkPlace(t, finding.At, text)
			if finding.Message == "" {
				t.Errorf("%s: a finding without message", finding.At)
			}
		}
		for _, doc := range set.Documents {
			checkPlace(t, doc.At, text)
			checkPlace(t, doc.Position("spec.networks[0].networkRef"), text)
			if doc.Key.Name == "" && set.Complete {
				t.Errorf("%s: complete with an object without name", doc.At)
			}
		}
		if wanted, got := declaredVMs(set), len(d.VMs)+len(d.Held); wanted != got {
			t.Errorf("%d VMs are declared, %d are resolved or held", wanted, got)
		}
		if !utf8.ValidString(content) && set.Complete {
			t.Error("complete with a file that is not text")
		}
	})
}

// declaredVMs counts the VirtualMachines that have a name, each once.
func declaredVMs(set *Set) int {
	keys := make(map[Key]bool)
	for _, doc := range set.Documents {
		if doc.Kind == KindVirtualMachine && doc.Key.Name != "" {
			keys[doc.Key] = true
		}
	}
	return len(keys)
}

// checkPlace tells whether a position is inside the file.
func checkPlace(t *testing.T, at Position, text []byte) {
	t.Helper()
	if at.File != "fuzz.yaml" {
		return
	}
	all := bytes.Split(text, []byte{'\n'})
	if at.Line < 0 || at.Line > len(all) || at.Column < 0 {
		t.Fatalf("position %s is outside of %d lines", at, len(all))
	}
	if at.Line > 0 && utf8.Valid(text) && at.Column > utf8.RuneCount(all[at.Line-1])+1 {
		t.Fatalf("position %s is outside of a line of %d characters", at, utf8.RuneCount(all[at.Line-1]))
	}
}
