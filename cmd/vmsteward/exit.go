package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/vmsteward/vmsteward/daemon"
)

// exitCode is how the process ends. The numbers are a promise to scripts.
type exitCode int

// The exit codes. Some commands give 1 and 2 a meaning of their own, as
// exitTable says.
const (
	exitOK          exitCode = 0
	exitFailed      exitCode = 1
	exitUsage       exitCode = 2
	exitAttention   exitCode = 3
	exitPartly      exitCode = 4
	exitNoDaemon    exitCode = 5
	exitInterrupted exitCode = 130

	exitDiffers exitCode = 1 // drift: there is drift
	exitTrouble exitCode = 2 // drift, provider conformance: it cannot be told
	exitChanges exitCode = 2 // plan --detailed-exitcode: something differs
)

// exitTable is what "help exit-codes" prints.
var exitTable = []struct {
	code    exitCode
	command string // empty: every command
	meaning string
}{
	{exitOK, "", "done; nothing is left to say"},
	{exitFailed, "", "it did not work; the message says why"},
	{exitUsage, "", "the command line is wrong"},
	{exitAttention, "", "nothing failed, but a person is needed"},
	{exitPartly, "", "partly applied"},
	{exitNoDaemon, "", "no daemon answers, or another process holds the state directory"},
	{exitInterrupted, "", "interrupted"},
	{exitOK, "plan", "the plan was made, whatever is in it"},
	{exitOK, "plan --detailed-exitcode", "everything is as wanted"},
	{exitFailed, "plan --detailed-exitcode", "the plan could not be made, or the source is stale"},
	{exitChanges, "plan --detailed-exitcode", "something differs, whether it can be changed now or not"},
	{exitOK, "drift", "nothing was changed outside"},
	{exitDiffers, "drift", "something was changed outside, or is in the way"},
	{exitTrouble, "drift", "it cannot be told for every VM; what is known is printed"},
	{exitOK, "validate", "no errors; there may be warnings"},
	{exitFailed, "validate", "errors were found, or a folder holds no manifest file"},
	{exitOK, "apply, run --once", "everything that could be done was done"},
	{exitFailed, "apply, run --once", "the pass failed as a whole: no desired state could be had"},
	{exitPartly, "apply, run --once", "a VM failed, is held, in conflict or not done yet, or the source is stale"},
	{exitAttention, "apply", "not agreed to, or the plan had changed: no call was made"},
	{exitOK, "provider conformance", "every promise that could be tried is kept"},
	{exitFailed, "provider conformance", "a promise is broken"},
	{exitTrouble, "provider conformance", "it could not be tried: nothing was made"},
	{exitOK, "status", "all is well"},
	{exitAttention, "status", "a person is needed: the text says what for"},
}

// failure is an error that knows how the process ends and what to do next.
// Either of err and hint may be missing; without err nothing is printed.
type failure struct {
	code exitCode
	err  error
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// ends returns an error that ends the process with a code and prints nothing.
func ends(code exitCode) error {
	if code == exitOK {
		return nil
	}
	return &failure{code: code}
}

func usage(hint, format string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// codeOf is the one place where an error becomes an exit code.
func codeOf(err error) exitCode {
	var f *failure
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, daemon.ErrLocked), errors.Is(err, daemon.ErrReadOnly), errors.Is(err, daemon.ErrUnreachable):
		return exitNoDaemon
	}
	return exitFailed
}

// explain prints an error for a person: what happened, then the next step.
func explain(w io.Writer, s style, err error) {
	var f *failure
	hint := ""
	if errors.As(err, &f) {
		if f.err == nil {
			return
		}
		hint = f.hint
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(w, "vmsteward: interrupted")
		return
	case hint == "" && codeOf(err) == exitNoDaemon:
		hint = "see \"systemctl status vmsteward\", and whether you may use its socket and its state directory"
	}
	text := strings.ReplaceAll(err.Error(), "\n", "\n  ")
	fmt.Fprintf(w, "%s %s\n", s.bad("vmsteward:"), text)
	if hint != "" {
		fmt.Fprintf(w, "%s %s\n", s.note("hint:"), hint)
	}
}
