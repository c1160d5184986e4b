package manifest

import (
	"errors"
	"io/fs"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodClass = "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VMClass\nmetadata: {name: good}\nspec: {cpu: 1, memory: 1Gi}\n"

func TestWhatOneFileYields(t *testing.T) {
	for _, tc := range []struct {
		reason   string
		name     string // a.yaml when empty
		content  string
		objects  string // kinds and keys
		complete bool
		finding  string // part of the findings
	}{
		{"an empty file", "", "", "", true, ""},
		{"comments only", "", "# nothing\n---\n# here\n...\n", "", true, ""},
		{"two documents", "", goodClass + "---\n" + envelope(KindSecret, "s"), "VMClass default/good, Secret default/s", true, "write apiVersion: v1"},
		{"a foreign version of a Secret", "", "apiVersion: example.org/v1\nkind: Secret\nmetadata: {name: s}\n", "", true, ""},
		{"the end of a document without a beginning", "", goodClass + "...\n" + strings.ReplaceAll(goodClass, "good", "two"), "VMClass default/good, VMClass default/two", true, ""},
		{"content on the line of the marker", "", "--- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n", "Secret default/s", true, ""},
		{"a directive before the first document", "", "%YAML 1.1\n---\n" + goodClass, "VMClass default/good", true, ""},
		{"a marker inside a block scalar is text", "", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: |\n    ---\n    b\n", "Secret default/s", true, ""},
		{"a broken document does not lose its neighbours", "", goodClass + "---\na: [\n---\n" + strings.ReplaceAll(goodClass, "good", "two"), "VMClass default/good, VMClass default/two", false, "a.yaml:6: error: not valid YAML"},
		{"carriage returns", "", strings.ReplaceAll(goodClass+"---\n"+strings.ReplaceAll(goodClass, "good", "two"), "\n", "\r\n"), "VMClass default/good, VMClass default/two", true, ""},
		{"a byte order mark", "", "\uFEFF" + goodClass, "VMClass default/good", true, ""},
		{"a tab as indentation", "", "a:\n\tb: 1\n", "", false, "a.yaml:2: error: indented with a tab (indent with spaces)"},
		{"binary content", "", goodClass + "\x00", "", false, "a.yaml:5: error: binary content"},
		{"not UTF-8", "", "a: b\nc: \xff\n", "", false, "a.yaml:2: error: text is not UTF-8"},
		{"UTF-16", "", "\xff\xfea\x00", "", false, "text is UTF-16"},
		{"content behind the root", "", "{apiVersion: v1}\nkind: VirtualMachine\n", "", false, "error: "},
		{"a kind of others", "", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "", true, ""},
		{"the same kind name of another group", "", "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: a}\n", "", true, ""},
		{"no name", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nspec: {}\n", "VirtualMachine default/", false, "metadata: is missing"},
		{"no name in the metadata", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nmetadata: {labels: {a: b}}\nspec: {}\n", "VirtualMachine default/", false, "metadata.name: is missing"},
		{"two names", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nmetadata: {name: a, name: b}\n", "", false, "cannot tell which object"},
		{"two kinds", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nkind: VMClass\nmetadata: {name: a}\n", "", false, "cannot tell which object"},
		{"a name that is a list", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nmetadata: {name: [a]}\n", "", false, "cannot tell which object"},
		{"no kind", "", "apiVersion: infra.virtrigaud.io/v1beta1\nmetadata: {name: a}\n", "", false, "kind is missing"},
		{"a mistyped kind", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachin\nmetadata: {name: a}\n", "", false, "did you mean `VirtualMachine`?"},
		{"another version", "", "apiVersion: infra.virtrigaud.io/v1alpha1\nkind: VirtualMachine\nmetadata: {name: a}\n", "VirtualMachine default/a", true, "write apiVersion: infra.virtrigaud.io/v1beta1"},
		{"a mistyped group", "", "apiVersion: infra.virtigaud.io/v1beta1\nkind: VirtualMachine\nmetadata: {name: a}\n", "VirtualMachine default/a", true, "is not served"},
		{"a name that two versions of YAML read differently", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nmetadata: {name: !!binary d2Vi}\n", "VirtualMachine default/d2Vi", false, "YAML 1.1 and 1.2 read its kind or name differently"},
		{"no apiVersion", "", "kind: VirtualMachine\nmetadata: {name: a}\n", "VirtualMachine default/a", true, "apiVersion is missing"},
		{"a mistyped kind key", "", "knid: VirtualMachine\nfoo: bar\n", "", false, "kind is missing"},
		{"values of something else", "", "replicas: 3\nimage: nginx\n", "", true, "warning: not a manifest"},
		{"a chart of Helm", "", "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: \"1\"\n", "", true, "warning: not a manifest: it has no kind"},
		{"a manifest of others without kind", "", "apiVersion: v1\nmetadata: {name: a}\n", "", false, "kind is missing"},
		{"a list of something else", "", "- step: 1\n- step: 2\n", "", true, "warning: not a manifest: a list"},
		{"a list of manifests", "", "- apiVersion: v1\n  kind: Secret\n", "", false, "write one document per object"},
		{"a single value", "", "hello\n", "", false, "not a manifest: a single value"},
		{"a List of Kubernetes", "", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n- apiVersion: infra.virtrigaud.io/v1beta1\n  kind: VMClass\n  metadata: {name: b}\n  spec: {cpu: 0, memory: 1Gi}\n", "Secret default/a, VMClass default/b", true, "a.yaml:10:15: error: spec.cpu"},
		{"a List with an item that is none", "", "apiVersion: v1\nkind: List\nitems: [1]\n", "", false, "item of a List is not an object"},
		{"JSON", "a.json", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}`, "Secret default/s", true, ""},
		{"JSON that is indented with tabs", "a.json", "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Secret\",\n\t\"metadata\": {\"name\": \"s\"}\n}\n", "Secret default/s", true, ""},
		{"an alias", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VMClass\nmetadata: &m {name: a}\nspec: {cpu: 1, memory: 1Gi}\nstatus: *m\n", "VMClass default/a", true, ""},
		{"a merge key", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VMClass\nmetadata: {name: a}\nspec: {<<: {cpu: 0}, memory: 1Gi}\n", "VMClass default/a", true, "a.yaml:4:18: error: spec.cpu"},
		{"a value that JSON does not have", "", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: VirtualMachine\nmetadata: {name: a}\nspec: {x: .inf}\n", "VirtualMachine default/a", true, "cannot be read by the rules of YAML 1.1"},
	} {
		name := tc.name
		if name == "" {
			name = "a.yaml"
		}
		set := Load(tree(map[string]string{name: tc.content}), Options{})
		var objects []string
		for _, d := range set.Documents {
			objects = append(objects, d.Kind+" "+d.Key.String())
		}
		got := lines(set.Findings)
		if diff := cmp.Diff(tc.objects, strings.Join(objects, ", ")); diff != "" {
			t.Errorf("%s: objects (-want +got):\n%s%s", tc.reason, diff, got)
		}
		if set.Complete != tc.complete {
			t.Errorf("%s: complete = %v, want %v\n%s", tc.reason, set.Complete, tc.complete, got)
		}
		if tc.finding == "" && got != "" || !strings.Contains(got, tc.finding) {
			t.Errorf("%s: findings %q, want %q", tc.reason, got, tc.finding)
		}
	}
}

func TestWhatTheTreeYields(t *testing.T) {
	class := &fstest.MapFile{Data: []byte(goodClass)}
	fsys := fstest.MapFS{
		"b/a.yml": class, "README.md": {Data: []byte("kind: no")}, ".github/ci.yaml": {Data: []byte("a: [")},
		".hidden.yaml": {Data: []byte("a: [")}, "docs/link.md": {Mode: fs.ModeSymlink},
	}
	set := Load(fsys, Options{DefaultNamespace: "lab"})
	if set.Files != 1 || len(set.Findings) != 0 || !set.Complete || set.Documents[0].Key.String() != "lab/good" {
		t.Errorf("files %d, complete %v, findings:\n%s", set.Files, set.Complete, lines(set.Findings))
	}
	for _, tc := range []struct {
		reason, name string
		file         *fstest.MapFile
		want         string
	}{
		{"a link to a file", "web.yaml", &fstest.MapFile{Mode: fs.ModeSymlink}, "symbolic link not followed"},
		{"a link that may lead to a folder", "vms", &fstest.MapFile{Mode: fs.ModeSymlink}, "symbolic link not followed"},
		{"a pipe", "web.yaml", &fstest.MapFile{Mode: fs.ModeNamedPipe}, "not a regular file"},
		{"a file that is too large", "web.yaml", &fstest.MapFile{Data: make([]byte, 2000)}, "larger than 1000 bytes"},
	} {
		with := fstest.MapFS{"good.yaml": class, tc.name: tc.file}
		set := Load(with, Options{MaxFileBytes: 1000})
		if set.Complete || len(set.Documents) != 1 || !strings.Contains(lines(set.Findings), tc.name+": error: "+tc.want) {
			t.Errorf("%s: complete %v, %d documents, findings %q", tc.reason, set.Complete, len(set.Documents), lines(set.Findings))
		}
	}
}

// brokenFS cannot read one file and lies about the size of another.
type brokenFS struct{ fstest.MapFS }

func (b brokenFS) Open(name string) (fs.File, error) {
	if name == "broken.yaml" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("input/output error")}
	}
	return b.MapFS.Open(name)
}

func TestReadErrorsAreFindings(t *testing.T) {
	set := Load(brokenFS{tree(map[string]string{"broken.yaml": goodClass, "good.yaml": goodClass})}, Options{})
	if set.Complete || len(set.Documents) != 1 ||
		lines(set.Findings) != "broken.yaml: error: cannot be read: input/output error\n" {
		t.Errorf("complete %v, %d documents, findings %q", set.Complete, len(set.Documents), lines(set.Findings))
	}
	set = Load(fstest.MapFS{}, Options{})
	if !set.Complete || set.Files != 0 {
		t.Errorf("an empty tree: complete %v, %d files", set.Complete, set.Files)
	}
}

// tooLong is far above what any document takes on a busy machine with the race
// detector, and far below what one that grows with the square takes.
const tooLong = 30 * time.Second

func TestHostileDocumentsAreRefusedQuickly(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString(envelope(KindVMClass, "a") + "spec: {}\na0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		c, n := string(rune('0'+i)), string(rune('1'+i))
		bomb.WriteString("a" + n + ": &a" + n + " [" + strings.Repeat("*a"+c+",", 9) + "]\n")
	}
	const most = 1 << 20
	for _, tc := range []struct{ reason, content string }{
		{"aliases that unfold", bomb.String()},
		{"a long text behind many aliases", "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 30000) + "]\n"},
		{"an alias within itself", "a: &a [*a]\n"},
		{"deep flow lists", strings.Repeat("[", most)},
		{"deep flow maps", strings.Repeat("{a: ", most/4)},
		{"deep block lists", strings.Repeat("- ", most/2)},
		{"deep keys", strings.Repeat("? ", most/2)},
		{"moderately deep lists", strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		{"a wide flow list", "[" + strings.Repeat("a,", most/2) + "]"},
		{"a wide flow map", "{" + strings.Repeat("a,", most/2) + "}"},
		{"many lines", strings.Repeat("a:\n", most/3)},
		{"many documents", strings.Repeat("---\n1\n", most/6)},
		{"one long line", strings.Repeat("a", most)},
		{"one long key", strings.Repeat("a", most) + ": b"},
		{"many anchors", strings.Repeat("&a ", most/3)},
		{"many quotes", strings.Repeat("\"", most)},
		{"many colons", strings.Repeat(": ", most/2)},
		{"many tags", strings.Repeat("!", most)},
		{"many comments", strings.Repeat("#\n", 49000) + "a: ["},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		set := loadText(t, tc.content)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if set.Complete {
			t.Errorf("%s: the set is complete", tc.reason)
		}
		if took > tooLong {
			t.Errorf("%s: took %v", tc.reason, took)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 400 {
			t.Errorf("%s: allocated %d MiB", tc.reason, mib)
		}
		t.Logf("%-40s %8v %5d MiB %d findings", tc.reason, took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, len(set.Findings))
	}
}

// What is within the limits must be quick too, however odd it is.
func TestLargeDocumentsAreReadQuickly(t *testing.T) {
	const n = 10_000
	var distinct strings.Builder
	for i := range n {
		distinct.WriteString("  k" + strconv.Itoa(i) + ": 1\n")
	}
	head := strings.TrimSuffix(goodClass, "spec: {cpu: 1, memory: 1Gi}\n")
	for _, tc := range []struct{ reason, content string }{
		{"unknown fields", head + "spec:\n" + distinct.String()},
		{"wrong labels", strings.Replace(head, "metadata: {name: good}", "metadata:\n  name: good\n  labels:\n"+strings.ReplaceAll(distinct.String(), "  k", "    k"), 1)},
		{"the same key again and again", head + "spec:\n" + strings.Repeat("  k: 1\n", n)},
		{"lines of a text", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: |\n" + strings.Repeat("    text\n", n)},
		{"comments everywhere", head + "spec:\n" + strings.Repeat("  # comment\n  k: 1 # comment\n", n)},
		{"empty items", envelope(KindVirtualMachine, "a") + "spec:\n  tags:\n" + strings.Repeat("  -\n", n)},
		{"disks without end", envelope(KindVirtualMachine, "a") + "spec:\n  disks:\n" + strings.Repeat("  - {}\n", n)},
		{"aliases", "a: &a {b: c}\nl: [" + strings.Repeat("*a,", n) + "]\n" + goodClass},
		{"merge keys in merge keys", head + "spec:\n  a: &a {x: 1}\n" + strings.Repeat("  b: &a {<<: *a}\n", n/2)},
	} {
		start := time.Now()
		set := Load(tree(map[string]string{"a.yaml": tc.content}), Options{})
		Resolve(set, host())
		if took := time.Since(start); took > tooLong {
			t.Errorf("%s: took %v", tc.reason, took)
		} else {
			t.Logf("%-40s %8v %d findings", tc.reason, took.Round(time.Millisecond), len(set.Findings))
		}
	}
}

// identified gives its files a content id, as a source from Git does.
type identified struct{ fstest.MapFS }

type blobID string

func TestCacheKeepsDecodedFiles(t *testing.T) {
	content := map[string]*fstest.MapFile{
		"a.yaml": {Data: []byte(goodClass), Sys: blobID("1")},
		"b.yaml": {Data: []byte(strings.ReplaceAll(goodClass, "good", "two")), Sys: blobID("2")},
		"c.yaml": {Data: []byte(strings.ReplaceAll(goodClass, "good", "three"))},
	}
	opts := Options{Cache: &Cache{}}
	first := Load(identified{fstest.MapFS(content)}, opts)
	content["b.yaml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(goodClass, "good", "four")), Sys: blobID("3")}
	second := Load(identified{fstest.MapFS(content)}, opts)
	if first.Documents[0] != second.Documents[0] {
		t.Error("a file with the same content id was decoded again")
	}
	if got := second.Documents[1].Key.Name; got != "four" {
		t.Errorf("a file with another content id yields %q, want four", got)
	}
	if first.Documents[2] == second.Documents[2] {
		t.Error("a file without content id came from the cache")
	}
	delete(content, "a.yaml")
	Load(identified{fstest.MapFS(content)}, opts)
	if n := len(opts.Cache.tree.entries); n != 2 {
		t.Errorf("the cache holds %d files, want the 2 that the last load met", n)
	}
	strict := Load(identified{fstest.MapFS(content)}, Options{Strict: true, Cache: opts.Cache})
	if strict.Documents[0] == second.Documents[1] {
		t.Error("a strict load took what a lenient one decoded")
	}
}

func TestLoadFileReadsAsLoadDoes(t *testing.T) {
	got := LoadFile("a.yaml", []byte(goodClass), Options{})
	want := loadText(t, goodClass)
	if len(got.Documents) != 1 || got.Documents[0].Digest != want.Documents[0].Digest || got.Files != 1 || !got.Complete {
		t.Errorf("%+v", got)
	}
	large := LoadFile("a.yaml", []byte(goodClass), Options{MaxFileBytes: 10})
	if large.Complete || len(large.Documents) != 0 || len(large.Findings) != 1 {
		t.Errorf("a file that is too large: %+v", large)
	}
}

func TestDocumentDigestIsOfTheContent(t *testing.T) {
	digest := func(content string) string { return loadText(t, content).Documents[0].Digest }
	base := digest(goodClass)
	same := digest("# comment\nmetadata: {\"name\": good}\nkind: VMClass\nspec:\n  memory: 1Gi\n  cpu: 1 # one\napiVersion: infra.virtrigaud.io/v1beta1\n")
	if base != same {
		t.Error("order, layout and comments change the digest")
	}
	if base == digest(strings.ReplaceAll(goodClass, "cpu: 1", "cpu: 2")) {
		t.Error("another value has the same digest")
	}
}

func TestBrokenSecretsAreNotQuoted(t *testing.T) {
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
	for _, tc := range []struct{ reason, rest, want string }{
		{"an alias", "stringData: {password: *hunter6secret}\n", "a.yaml:4: error: an unquoted text that begins with * is an alias (quote it)"},
		{"an alias in a block", "stringData:\n  user: x\n  password: *hunter6secret\n", "a.yaml:6: error: an unquoted"},
		{"an alias as a key", "stringData: {*hunter6secret : x}\n", "begins with * is an alias"},
		{"an anchor", "stringData: {password: &hunter6secret}\n", ""},
		{"a tag", "stringData: {password: !hunter6secret x}\n", ""},
		{"a tag of a known kind", "stringData: {password: !!int hunter6secret}\n", ""},
		{"bytes that are none", "stringData: {password: !!binary hunter6secret*}\n", ""},
		{"a tag of no handle", "stringData: {password: !x!hunter6secret x}\n", "not valid YAML"},
		{"a directive", "stringData: {password: %hunter6secret}\n", "not valid YAML"},
		{"an escape", "stringData: {password: \"\\hunter6secret\"}\n", "not valid YAML"},
		{"a merge", "stringData: {<<: hunter6secret}\n", ""},
		{"an open quote", "stringData: {password: 'hunter6secret}\n", "not valid YAML"},
		{"base64 that is none", "data: {password: hunter6secret}\n", ""},
		{"a list", "stringData: [hunter6secret]\n", ""},
	} {
		said := lines(loadText(t, head+tc.rest).Findings)
		if strings.Contains(said, "hunter6") || !strings.Contains(said, tc.want) {
			t.Errorf("%s: want %q and no secret in:\n%s", tc.reason, tc.want, said)
		}
	}
}
