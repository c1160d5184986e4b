package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vmsteward": main})
}

// TestScripts runs the whole program, as a person does. Every script has a
// host of its own, whose hypervisor is a file.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../manifests-example")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("VMSTEWARD_CONFIG", filepath.Join(e.WorkDir, "host", "vmsteward.yaml"))
			e.Setenv("EXAMPLES", examples)
			return writeHost(filepath.Join(e.WorkDir, "host"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "outside": outside, "waitfor": waitfor,
		},
	})
}

// writeHost configures a host: its hypervisor and its manifests are files of
// the script's folder.
func writeHost(dir string) error {
	work := filepath.Dir(dir)
	files := map[string]string{
		"vmsteward.yaml": `apiVersion: vmsteward.dev/v1
kind: Config
fleet: lab
source: {dir: {path: ` + work + `/m}}
interval: 1h
prune: {mode: delete, grace: 24h}
providersDir: ` + dir + `/providers.d
stateDir: ` + work + `/state
api: {socket: ` + dir + `/sock}
log: {format: json}
`,
		"providers.d/lab.yaml": `apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: kvm}
spec: {type: memory, endpoint: "memory://` + dir + `/hypervisor.json"}
`,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// exits runs vmsteward and checks its exit code: "exits 4 apply --yes".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code arguments...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("vmsteward", args[1:]...)
	got := 0
	if coded, ok := err.(interface{ ExitCode() int }); ok {
		got = coded.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("want exit code %d, got %d", want, got)
	}
}

// waitfor waits until a file is there.
func waitfor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor file")
	}
	path := ts.MkAbs(args[0])
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not come", args[0])
}

// outside changes the hypervisor's own file: "outside old new".
func outside(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: outside old new")
	}
	path := ts.MkAbs("host/hypervisor.json")
	text := ts.ReadFile(path)
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%q is not in the state of the hypervisor:\n%s", args[0], text)
	}
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}
