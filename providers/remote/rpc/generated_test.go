package rpc

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGenerated compares the code of the protocols with what their schemas say.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	schemas := []string{"providerv1/provider.proto", "stewardv1/steward.proto"}
	for _, s := range schemas {
		text, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(s)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, s), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", append([]string{"run", "../../../internal/protogen", dir}, schemas...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	written, err := filepath.Glob(filepath.Join(dir, "*", "*.go"))
	if err != nil || len(written) != 4 {
		t.Fatalf("%d files were written: %v %v", len(written), written, err)
	}
	for _, name := range written {
		rel, _ := filepath.Rel(dir, name)
		want, _ := os.ReadFile(name)
		have, err := os.ReadFile(rel)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != string(have) {
			t.Errorf("%s is not what the schema says; run make gen\n%s", rel, cmp.Diff(string(have), string(want)))
		}
	}
}
