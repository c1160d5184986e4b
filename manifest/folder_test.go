package manifest

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"weak"

	"github.com/google/go-cmp/cmp"
)

func manyFolders() map[string]string {
	files := make(map[string]string)
	for _, name := range []string{"top.yaml", "a/one.yaml", "a/two.yaml", "a/deep/three.yaml", "b/four.yaml", "b/deep/five.yaml"} {
		base := name[strings.LastIndexByte(name, '/')+1:]
		files[name] = envelope(KindVMClass, strings.TrimSuffix(base, ".yaml")) + "spec: {cpu: 1, memory: 1Gi}\n"
	}
	return files
}

func TestOnlyWhatChangedIsRead(t *testing.T) {
	files, opts := manyFolders(), Options{Cache: &Cache{}}
	Load(watch(files), opts)
	for _, tc := range []struct {
		reason, file, content string
		want                  []string
	}{
		{"nothing changed", "", "", []string{"./"}},
		{"one file", "a/two.yaml", "# comment\n", []string{"./", "a/", "a/two.yaml"}},
		{"one file further down", "b/deep/five.yaml", "# comment\n", []string{"./", "b/", "b/deep/", "b/deep/five.yaml"}},
		{"a file that is not read", "a/README", "text", []string{"./", "a/"}},
		{"a new folder", "c/six.yaml", "# comment\n", []string{"./", "c/", "c/six.yaml"}},
	} {
		if tc.file != "" {
			files[tc.file] = tc.content
		}
		w := watch(files)
		Load(w, opts)
		if diff := cmp.Diff(tc.want, w.read); diff != "" {
			t.Errorf("%s: read:\n%s", tc.reason, diff)
		}
	}
}

// What could not be read once is read as soon as it can be, though its content
// id was there all the time.
func TestWhatCouldNotBeReadIsReadAgain(t *testing.T) {
	for _, failing := range []string{"a/deep/three.yaml", "a/deep", "a", "top.yaml", "."} {
		files, opts := manyFolders(), Options{Cache: &Cache{}}
		w := watch(files)
		w.failing = map[string]bool{failing: true}
		first := Load(w, opts)
		if first.Complete || len(first.Findings) != 1 || first.Findings[0].String() != failing+": error: cannot be read: "+errWatched.Error() {
			t.Errorf("%s fails: complete %v with\n%s", failing, first.Complete, lines(first.Findings))
		}
		w.failing = nil
		second := Load(w, opts)
		if !second.Complete || len(second.Findings) != 0 || len(second.Documents) != len(files) {
			t.Errorf("%s failed before: complete %v, %d documents of %d\n%s",
				failing, second.Complete, len(second.Documents), len(files), lines(second.Findings))
		}
		w.failing = map[string]bool{failing: true}
		if third := Load(w, opts); third.Complete && failing == "." {
			t.Error("a tree that cannot be listed any more is taken for what it was")
		}
	}
}

func TestDocumentsAreInTheOrderOfPaths(t *testing.T) {
	files := make(map[string]string)
	want := []string{"a-b.yaml", "a.json", "a.yaml", "a/b.yaml", "a/b/c.yaml", "a0/b.yaml", "aa.yaml", "é.yaml"}
	for i, name := range want {
		files[name] = strings.Replace(goodClass, "good", string(rune('a'+i)), 1)
	}
	var got []string
	for _, doc := range Load(watch(files), Options{}).Documents {
		got = append(got, doc.At.File)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDifferenceIsOfWholeFiles(t *testing.T) {
	before := map[string]string{"a.yaml": "# 1\n", "a/b.yaml": "# 2\n", "a/c.yaml": "# 3\n", "x/y.yaml": "# 4\n", "z.yaml": "# 5\n"}
	after := map[string]string{"a.yaml/b.yaml": "# 6\n", "a/b.yaml": "# 2\n", "a/c.yaml": "# 7\n", "b/y.yaml": "# 4\n", "z.yaml": "# 5\n"}
	opts := Options{Cache: &Cache{}}
	old := Load(watch(before), opts).tree
	next := Load(watch(after), opts).tree
	var d, back, all difference
	d.between(old, next)
	if len(d.gone) != 3 || len(d.come) != 3 {
		t.Errorf("%d files gone and %d come, want 3 and 3", len(d.gone), len(d.come))
	}
	back.between(next, old)
	if diff := cmp.Diff([]int{len(d.come), len(d.gone)}, []int{len(back.gone), len(back.come)}); diff != "" {
		t.Errorf("the way back is another one: %s", diff)
	}
	if all.between(nil, next); len(all.come) != len(after) || len(all.gone) != 0 {
		t.Errorf("against nothing, %d files come, want %d", len(all.come), len(after))
	}
}

// What is kept holds on neither to the files nor to what read them.
func TestCacheDoesNotHoldTheTree(t *testing.T) {
	opts := Options{Cache: &Cache{}}
	first := watch(manyFolders())
	seen := weak.Make(first)
	d := Resolve(Load(first, opts), host())
	first = nil
	runtime.GC()
	runtime.GC()
	if seen.Value() != nil {
		t.Error("the tree is still held after it was loaded and resolved")
	}
	runtime.KeepAlive(d)
	runtime.KeepAlive(opts.Cache)
}

// A Cache is used by whoever wants to, at the same time.
func TestCacheIsShared(t *testing.T) {
	opts := Options{Cache: &Cache{}}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			files := manyFolders()
			name := "vm-" + string(rune('a'+i))
			maps.Copy(files, map[string]string{"vms/a.yaml": vmText(name, ""), "class.yaml": fleet()["class.yaml"], "image.yaml": fleet()["image.yaml"]})
			for range 20 {
				d := Resolve(Load(watch(files), opts), host())
				if len(d.VMs) != 1 || d.VMs[0].Key.Name != name {
					t.Errorf("got %d VMs, want %s alone\n%s", len(d.VMs), name, lines(d.Findings))
				}
			}
		})
	}
	all.Wait()
}
