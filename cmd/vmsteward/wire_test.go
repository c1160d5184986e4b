package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A person is told that no daemon answers; a script's standard error stays
// free for errors.
func TestOnlyATerminalIsToldOfLookingDirectly(t *testing.T) {
	work := t.TempDir()
	if err := writeHost(filepath.Join(work, "host")); err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{true, false} {
		var said bytes.Buffer
		a := &app{err: &said, errTTY: terminal, getenv: func(string) string { return "" }, now: time.Now}
		a.flags.config = filepath.Join(work, "host", "vmsteward.yaml")
		for range 2 {
			svc, err := a.connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			svc.Close()
		}
		want := 0
		if terminal {
			want = 1
		}
		if got := strings.Count(said.String(), "looking directly"); got != want {
			t.Errorf("terminal %v: told %d times, want %d:\n%s", terminal, got, want, said.String())
		}
	}
}
