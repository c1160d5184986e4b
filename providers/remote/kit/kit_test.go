package kit_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/providers/remote/kit"
)

// TestTheNewProviderPasses builds and tests a new provider in an empty folder,
// with the modules that this one has and no network.
func TestTheNewProviderPasses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "acme-cloud")
	if _, err := kit.Write("acme-cloud", "git.example.com/infra/acme-cloud", dir); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestFilesAreTheProvidersOwn(t *testing.T) {
	files, err := kit.Files("acme", "git.example.com/acme")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.Contains(name+string(text), "xprovider") {
			t.Errorf("%s says the template's name", name)
		}
		if strings.HasSuffix(name, ".tmpl") {
			t.Errorf("%s is named as in the template", name)
		}
		if filepath.Ext(name) != ".go" {
			continue
		}
		if bytes.Contains(text, []byte(`"github.com/vmsteward/vmsteward/`)) {
			t.Errorf("%s imports this module", name)
		}
		if strings.HasPrefix(name, "internal/rpc/") {
			continue
		}
		if lines := bytes.Count(text, []byte("\n")); lines > 400 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
	for _, want := range []string{"go.mod", "main.go", "acme-provider.service", ".gitignore", "internal/rpc/stewardv1/steward.proto"} {
		if files[want] == nil {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestTheTemplateIsFormatted holds that the template is as gofmt has it. Names
// of other lengths may move a comment.
func TestTheTemplateIsFormatted(t *testing.T) {
	files, err := filepath.Glob("template/*.go.tmpl")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
			t.Errorf("%s is not formatted: %v", name, err)
		}
	}
}

// TestVersionsAreOurs holds that a new provider needs the versions that this
// module is tested with, and the sums that are known here.
func TestVersionsAreOurs(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ourMod, ourSum := read("../../../go.mod"), "\n"+read("../../../go.sum")
	needs := regexp.MustCompile(`(?m)^\s+(\S+ v\S+)`).FindAllStringSubmatch(read("template/go.mod.tmpl"), -1)
	if len(needs) < 3 {
		t.Fatalf("%d modules are needed", len(needs))
	}
	for _, m := range needs {
		if !strings.Contains(ourMod, m[1]) {
			t.Errorf("%s is not the version of this module", m[1])
		}
	}
	for line := range strings.Lines(read("template/go.sum.tmpl")) {
		if !strings.Contains(ourSum, "\n"+line) {
			t.Errorf("this module does not know the sum %s", line)
		}
	}
	goLine := regexp.MustCompile(`(?m)^go \S+$`)
	if want, got := goLine.FindString(ourMod), goLine.FindString(read("template/go.mod.tmpl")); want != got {
		t.Errorf("want %s, got %s", want, got)
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"demo": true, "acme-cloud2": true, "": false, "Demo": false, "-a": false, "a-": false, "a/b": false, "../x": false, "libvirt": false,
	} {
		if _, err := kit.Write(name, "example.com/x", filepath.Join(t.TempDir(), "d")); (err == nil) != ok {
			t.Errorf("%q: want ok = %t, got %v", name, ok, err)
		}
	}
}

func TestNothingIsWrittenOver(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kit.Write("demo", "example.com/demo", dir); err == nil {
		t.Error("a folder with a file in it was written into")
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) != 1 {
		t.Errorf("%d files, %v", len(there), err)
	}
}
