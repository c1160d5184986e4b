package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The limits. Raising one is a commit with a reason.
const (
	maxFileLines     = 600
	maxTestFileLines = 800
	maxFuncLines     = 80
	p90FuncLines     = 40
)

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

type source struct {
	name string // relative to the module
	text []byte
	file *ast.File
	fset *token.FileSet
}

func sourceFiles(t *testing.T) []source {
	t.Helper()
	var out []source
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil || generated.Match(text) {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, text, parser.ParseComments)
		rel, _ := filepath.Rel(root, p)
		out = append(out, source{filepath.ToSlash(rel), text, f, fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSizes counts lines, because growth is where shape is lost.
func TestSizes(t *testing.T) {
	var lengths []int
	for _, s := range sourceFiles(t) {
		limit := maxFileLines
		test := strings.HasSuffix(s.name, "_test.go")
		if test {
			limit = maxTestFileLines
		}
		if n := bytes.Count(s.text, []byte("\n")); n > limit {
			t.Errorf("%s has %d lines, the limit is %d: what is its second subject?", s.name, n, limit)
		}
		for _, d := range s.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || test {
				continue
			}
			n := s.fset.Position(fn.End()).Line - s.fset.Position(fn.Pos()).Line + 1
			lengths = append(lengths, n)
			if n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, the limit is %d", s.name, fn.Name.Name, n, maxFuncLines)
			}
		}
	}
	slices.Sort(lengths)
	if p90 := lengths[len(lengths)*9/10]; p90 > p90FuncLines {
		t.Errorf("nine in ten functions have up to %d lines, the aim is %d", p90, p90FuncLines)
	}
	t.Logf("%d functions, median %d lines, nine in ten up to %d, longest %d",
		len(lengths), lengths[len(lengths)/2], lengths[len(lengths)*9/10], lengths[len(lengths)-1])
}

// banned are package names that say nothing.
var banned = []string{"util", "utils", "common", "helper", "helpers", "base", "manager", "misc"}

// TestWordsStayInTheirRooms looks for what must not be said in a room.
func TestWordsStayInTheirRooms(t *testing.T) {
	rules := []struct {
		in     string // prefix of the file
		except string // prefixes of files
		say    *regexp.Regexp
		reason string
	}{
		{"reconcile/plan/", "", regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep|After|NewTimer)\(`), "judgement has no clock"},
		{"manifest/", "", regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep)\(`), "words have no clock"},
		{"providers/", "providers/memory/", regexp.MustCompile(`\btime\.Sleep\(`), "waiting belongs to reconcile"},
		{"", "cmd/ internal/bench/ internal/protogen/", regexp.MustCompile(`\bos\.(Exit|Stdout|Stderr)\b`), "only cmd speaks to a person and ends the process"},
		{"", "", regexp.MustCompile(`\bexec\.Command(Context)?\("(sh|bash|virsh)"`), "no shell, anywhere"},
		{"", "", regexp.MustCompile(`(?m)^func init\(\)`), "registration is a literal table"},
		{"", "cmd/", regexp.MustCompile(`\bslog\.(Info|Warn|Error|Debug|Default|SetDefault)\(`), "the logger is injected"},
	}
	for _, s := range sourceFiles(t) {
		if slices.Contains(banned, s.file.Name.Name) {
			t.Errorf("%s: package %s says nothing; name the subject", s.name, s.file.Name.Name)
		}
		if strings.HasSuffix(s.name, "_test.go") || strings.Contains(s.name, "test/") {
			continue
		}
		for _, r := range rules {
			excepted := slices.ContainsFunc(strings.Fields(r.except), func(e string) bool { return strings.HasPrefix(s.name, e) })
			if strings.HasPrefix(s.name, r.in) && !excepted && r.say.Match(s.text) {
				t.Errorf("%s says %q: %s", s.name, r.say.Find(s.text), r.reason)
			}
		}
	}
}

// TestPackagesSayWhatTheyAre wants a package comment in every package.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sourceFiles(t) {
		if strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		dir := filepath.Dir(s.name)
		said[dir] = said[dir] || s.file.Doc != nil
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment: what does it own, what must it not know, how is it tested?", dir)
		}
	}
}

// secretCallers are the files that may open a secret, each on the line that
// sends it.
var secretCallers = regexp.MustCompile(`^(internal/secret/|manifest/|sources/git/|sources/sourcetest/|providers/cloudinit/|providers/libvirt/|providers/vsphere/|providers/remote/|daemon/credentials\.go|daemon/webhook/authenticate\.go)`)

// TestSecretsAreOpenedWhereTheyAreSent lists who calls Reveal.
func TestSecretsAreOpenedWhereTheyAreSent(t *testing.T) {
	for _, s := range sourceFiles(t) {
		if !strings.HasSuffix(s.name, "_test.go") && bytes.Contains(s.text, []byte(".Reveal()")) && !secretCallers.MatchString(s.name) {
			t.Errorf("%s opens a secret; is it the line that sends it?", s.name)
		}
	}
}
