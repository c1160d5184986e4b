package manifest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vmsteward/vmsteward/internal/secret"
)

var walkSteps = flag.Int("walk.steps", 400, "random edits of each walk through trees")

// What is kept from one tree to the next never shows: after every edit of a
// random walk, loading and resolving with a Cache says the same as without one,
// and a VM that is the same is the same pointer.
func TestCacheNeverShows(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWalk(seed)
			for step := range *walkSteps {
				what := w.edit()
				if w.check(t); t.Failed() {
					t.Fatalf("step %d: %s, in the tree\n%s", step, what, w)
				}
			}
			if w.kept < *walkSteps/2 {
				t.Errorf("%d VMs were kept from one tree to the next, so the walk shows little", w.kept)
			}
		})
	}
}

// walk is a tree that is edited at random.
type walk struct {
	*rand.Rand
	files map[string][]string // documents by file
	opts  Options
	host  ResolveOptions
	ids   bool   // the source gives content ids
	fails string // what cannot be read, or empty

	past []moment
	kept int
}

// moment is a tree that was resolved, and what it must give for good.
type moment struct {
	set       *Set
	host      ResolveOptions
	got, want *Desired
}

func newWalk(seed uint64) *walk {
	w := &walk{Rand: rand.New(rand.NewPCG(seed, 7)), files: make(map[string][]string), ids: true, host: host()}
	w.opts.Cache = &Cache{}
	w.base()
	for range 15 {
		w.write()
	}
	return w
}

func (w *walk) String() string {
	var b strings.Builder
	for _, name := range sortedNames(w.texts()) {
		fmt.Fprintf(&b, "==> %s\n%s", name, w.texts()[name])
	}
	return b.String()
}

func (w *walk) texts() map[string]string {
	texts := make(map[string]string)
	for name, docs := range w.files {
		texts[name] = strings.Join(docs, "---\n")
	}
	return texts
}

// check loads and resolves with and without the cache.
func (w *walk) check(t *testing.T) {
	t.Helper()
	set, fresh := w.load(w.opts), w.load(Options{Strict: w.opts.Strict, DefaultNamespace: w.opts.DefaultNamespace})
	if !reflect.DeepEqual(fresh.Documents, set.Documents) || !cmp.Equal(fresh, set, sameSet) {
		t.Errorf("the set differs:\n%s", cmp.Diff(fresh, set, cmpopts.IgnoreFields(Set{}, "tree", "cache"), cmpopts.IgnoreUnexported(Document{}, secret.Text{})))
	}
	m := moment{set: set, host: w.host, got: Resolve(set, w.host), want: Resolve(fresh, w.host)}
	same(t, "the tree", m.want, m.got)
	if n := len(w.past); n > 0 {
		w.samePointers(t, &w.past[n-1], &m)
	}
	if w.past = append(w.past, m); len(w.past) > 20 {
		w.past = w.past[1:]
	}
	old := &w.past[w.IntN(len(w.past))]
	same(t, "what was handed out before", old.want, old.got)
	if w.IntN(10) == 0 {
		same(t, "a set of before", old.want, Resolve(old.set, old.host))
		again := &w.past[len(w.past)-1]
		again.got = Resolve(set, w.host)
		same(t, "the tree again", again.want, again.got)
	}
}

// sameSet compares sets but for their documents and for how they came to be.
var sameSet = cmpopts.IgnoreFields(Set{}, "Documents", "tree", "cache")

func same(t *testing.T, what string, want, got *Desired) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	t.Errorf("%s resolves differently:\n%s", what, cmp.Diff(want, got, cmp.AllowUnexported(secret.Text{})))
	if !t.Failed() || cmp.Equal(want, got, cmp.AllowUnexported(secret.Text{})) {
		t.Errorf("%s: a difference that is not seen above", what)
	}
}

// samePointers looks for VMs that are equal and were made twice.
func (w *walk) samePointers(t *testing.T, before, now *moment) {
	t.Helper()
	if !before.host.equal(now.host) {
		return
	}
	was := make(map[Key]*VM)
	for _, vm := range before.got.VMs {
		was[vm.Key] = vm
	}
	for _, vm := range now.got.VMs {
		switch old := was[vm.Key]; {
		case old == vm:
			w.kept++
		case old != nil && reflect.DeepEqual(old, vm):
			t.Errorf("%s is the same and another pointer", vm.Key)
		}
	}
}

func (w *walk) load(opts Options) *Set {
	fsys := watch(w.texts())
	if w.fails != "" {
		fsys.failing = map[string]bool{w.fails: true}
	}
	if !w.ids {
		for _, f := range fsys.MapFS {
			f.Sys = nil
		}
	}
	return Load(fsys, opts)
}

func pick[T any](w *walk, from ...T) T { return from[w.IntN(len(from))] }

// maybe returns the text now and then.
func (w *walk) maybe(text string) string {
	if w.IntN(3) > 0 {
		return ""
	}
	return text
}

var walkFiles = []string{
	"a.yaml", "c.json", "vms/a.yaml", "vms/b.yaml", "vms/deep/a.yaml", "vms-more/a.yaml", "x/y/z.yml", "x/.hidden.yaml",
}

func (w *walk) someFile() string {
	names := slices.DeleteFunc(sortedNames(w.texts()), func(name string) bool { return name == baseFile })
	if len(names) == 0 {
		return ""
	}
	return pick(w, names...)
}

// edit changes the tree in one way and says how.
func (w *walk) edit() string {
	w.fails = ""
	name := w.someFile()
	switch n := w.IntN(40); {
	case n < 14:
		return w.write()
	case n < 20 && name != "":
		docs := w.files[name]
		i := w.IntN(len(docs))
		w.put(name, slices.Delete(slices.Clone(docs), i, i+1))
		return "remove a document of " + name
	case n < 23 && name != "":
		docs := slices.Clone(w.files[name])
		i := w.IntN(len(docs))
		docs[i] = pick(w, "# comment\n", "\n", "# two\n# comments\n", " \n") + docs[i]
		w.put(name, docs)
		return "shift a document of " + name
	case n < 26 && name != "":
		docs := w.files[name]
		w.put(name, nil)
		to := pick(w, walkFiles...)
		w.put(to, append(w.files[to], docs...))
		return "move " + name + " to " + to
	case n < 28 && name != "":
		to := pick(w, walkFiles...)
		w.put(to, append(slices.Clone(w.files[to]), w.files[name]...))
		return "copy " + name + " to " + to
	case n < 30 && name != "":
		w.put(name, nil)
		return "remove " + name
	case n < 33 && name != "":
		// What a cache knows need not be read, so it has to be new.
		w.put(name, append(slices.Clone(w.files[name]), fmt.Sprintf("# %d\n", w.Uint64())))
		w.fails = pick(w, name, path.Dir(name))
		return w.fails + " is new and cannot be read"
	case n == 33:
		w.ids = !w.ids
		return fmt.Sprint("content ids: ", w.ids)
	case n == 34:
		w.opts.Strict = !w.opts.Strict
		return fmt.Sprint("strict: ", w.opts.Strict)
	case n == 35:
		w.host.GitProviders = !w.host.GitProviders
		return fmt.Sprint("providers from the tree: ", w.host.GitProviders)
	case n == 36:
		w.host.Secrets = map[Key]secret.Set{{Name: pick(w, "keys", "other")}: {"userdata": secret.New(pick(w, "one", "two"))}}
		return "another secret of the host"
	case n == 37:
		w.host.Providers = pick(w, []Key{{Name: "lab"}}, []Key{{Name: "lab"}, {Name: "den"}})
		return fmt.Sprint("providers of the host: ", w.host.Providers)
	case n == 38:
		w.base()
		return "write " + baseFile
	}
	return "nothing"
}

// baseFile has what most VMs refer to.
const baseFile = "base.yaml"

func (w *walk) base() {
	w.files[baseFile] = []string{
		envelope(KindVMClass, "base") + "spec: {cpu: " + pick(w, "1", "2", "3", "1", "2", "3", "many") + ", memory: 1Gi}\n",
		envelope(KindVMImage, "base") + "spec: {source: {libvirt: {path: " + pick(w, "/a", "/b") + "}}}\n",
		envelope(KindVMNetworkAttachment, pick(w, "base", "base", "base", "base", "bass")) + "spec: {network: {libvirt: {networkName: default}}}\n",
	}
}

func (w *walk) put(name string, docs []string) {
	if len(docs) == 0 {
		delete(w.files, name)
		return
	}
	w.files[name] = docs
}

// write writes one document, in place of another one or beside it.
func (w *walk) write() string {
	name, doc := pick(w, walkFiles...), w.document()
	docs := slices.Clone(w.files[name])
	if len(docs) > 0 && w.IntN(2) == 0 {
		docs[w.IntN(len(docs))] = doc
	} else {
		docs = append(docs, doc)
	}
	if len(docs) > 3 {
		docs = docs[1:]
	}
	w.put(name, docs)
	return "write into " + name
}
