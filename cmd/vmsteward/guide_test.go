package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guideBlock is a block of commands of the guide that is run.
var guideBlock = regexp.MustCompile("(?ms)^<!-- run -->\n```\n(.*?)^```$")

// TestTheGuideEndsWithAVM runs the commands of the guide for authors of
// providers word for word, in an empty folder, without network.
func TestTheGuideEndsWithAVM(t *testing.T) {
	guide, err := os.ReadFile("../../docs/provider-guide.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -eu\n")
	blocks := guideBlock.FindAllSubmatch(guide, -1)
	if len(blocks) < 4 || strings.Count(string(guide), "<!-- run -->") != len(blocks) {
		t.Fatalf("%d blocks of commands are found", len(blocks))
	}
	for _, b := range blocks {
		script.Write(b[1])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", script.String())
	cmd.Dir = t.TempDir()
	// A file: with a pipe, the end of the server would be waited for.
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly", "GOWORK=off")
	// The server is left in the background by the guide: it ends with its group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	failed := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	out, err := os.ReadFile(said.Name())
	if failed != nil || err != nil {
		t.Fatalf("%v, %v\n%s", failed, err, out)
	}
	for _, want := range []string{
		`(?m)^kept +create-twice-is-once$`, `: \d+ kept, 0 broken, \d+ not tried`, `nothing is left behind`, `(?m)^default/web-1 .*\bOn +in sync\b`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
