package side

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
)

// Stage stands in for a test where a test host or a repository of the tests
// wants one. What it does not implement must not be called.
type Stage struct {
	testing.TB // nil

	name   string
	log    io.Writer
	ctx    context.Context
	after  []func()
	failed bool
}

// stopped is what a fatal error unwinds with.
type stopped struct{ text string }

// run calls fn and cleans up, also after a fatal error.
func (s *Stage) run(fn func() error) (err error) {
	defer func() {
		for _, f := range slices.Backward(s.after) {
			f()
		}
	}()
	defer func() {
		if r := recover(); r != nil {
			why, ok := r.(stopped)
			if !ok {
				panic(r)
			}
			s.failed, err = true, errors.New(why.text)
		}
	}()
	err = fn()
	s.failed = s.failed || err != nil
	return err
}

// Helper implements testing.TB.
func (s *Stage) Helper() {}

// Name implements testing.TB.
func (s *Stage) Name() string { return s.name }

// Cleanup implements testing.TB.
func (s *Stage) Cleanup(fn func()) { s.after = append(s.after, fn) }

// Failed implements testing.TB.
func (s *Stage) Failed() bool { return s.failed }

// Context implements testing.TB.
func (s *Stage) Context() context.Context { return s.ctx }

// Log implements testing.TB.
func (s *Stage) Log(args ...any) { fmt.Fprintln(s.log, args...) }

// Logf implements testing.TB.
func (s *Stage) Logf(format string, args ...any) { fmt.Fprintf(s.log, format+"\n", args...) }

// Error implements testing.TB.
func (s *Stage) Error(args ...any) { s.failed = true; s.Log(args...) }

// Errorf implements testing.TB.
func (s *Stage) Errorf(format string, args ...any) { s.failed = true; s.Logf(format, args...) }

// Fatal implements testing.TB. It is for the goroutine of the program alone.
func (s *Stage) Fatal(args ...any) { panic(stopped{fmt.Sprint(args...)}) }

// Fatalf implements testing.TB.
func (s *Stage) Fatalf(format string, args ...any) { panic(stopped{fmt.Sprintf(format, args...)}) }

// Skip implements testing.TB: what a bench needs and lacks ends it.
func (s *Stage) Skip(args ...any) { s.Fatal(args...) }

// Skipf implements testing.TB.
func (s *Stage) Skipf(format string, args ...any) { s.Fatalf(format, args...) }

// TempDir implements testing.TB.
func (s *Stage) TempDir() string {
	dir, err := os.MkdirTemp("", "vmsteward-bench-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
