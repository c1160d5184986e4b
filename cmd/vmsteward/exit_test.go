package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vmsteward/vmsteward/daemon"
)

func TestExitCodesAreFrozen(t *testing.T) { golden(t, "exit-codes.txt", exitCodesText()+"\n") }

func TestCodeOf(t *testing.T) {
	tests := []struct {
		err  error
		want exitCode
	}{
		{nil, 0},
		{errors.New("it broke"), 1},
		{usage("", "which files?"), 2},
		{ends(exitAttention), 3},
		{ends(exitPartly), 4},
		{ends(exitOK), 0},
		{fmt.Errorf("journal: %w", daemon.ErrLocked), 5},
		{fmt.Errorf("%w: %w", daemon.ErrReadOnly, daemon.ErrLocked), 5},
		{fmt.Errorf("%w on /run/x: refused", daemon.ErrUnreachable), 5},
		{context.Canceled, 130},
		{&failure{code: exitTrouble, err: fmt.Errorf("plan: %w", context.Canceled)}, 130},
		{context.DeadlineExceeded, 1},
	}
	for _, tt := range tests {
		if got := codeOf(tt.err); got != tt.want {
			t.Errorf("%v: want %d, got %d", tt.err, tt.want, got)
		}
	}
}

func TestExplain(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{ends(exitPartly), ""},
		{errors.New("it broke"), "vmsteward: it broke\n"},
		{errors.Join(errors.New("fleet: bad"), errors.New("source: bad")), "vmsteward: fleet: bad\n  source: bad\n"},
		{usage("run it as root", "you may not"), "vmsteward: you may not\nhint: run it as root\n"},
		{context.Canceled, "vmsteward: interrupted\n"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		explain(&b, style{}, tt.err)
		if b.String() != tt.want {
			t.Errorf("want %q, got %q", tt.want, b.String())
		}
	}
}
