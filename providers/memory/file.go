package memory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vmsteward/vmsteward/providers"
)

// stateFile keeps the state of a hypervisor that several processes share.
// Beside it lie a lock and the log of calls.
type stateFile struct{ path string }

// OpenFile returns the hypervisor whose state is kept in a file, which need
// not exist. Each call reads the file and each effect writes it, under a lock
// that other processes respect, so that a process may be killed at any moment.
// Faults, nature and hooks belong to the process.
func OpenFile(path string) (*Hypervisor, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	h := NewHypervisor()
	h.file = &stateFile{path: path}
	if err := h.view(func(*state) error { return nil }); err != nil {
		return nil, fmt.Errorf("state of the memory hypervisor: %w", err)
	}
	return h, nil
}

// Save writes the present state to a file that Load or OpenFile reads.
func (h *Hypervisor) Save(path string) error {
	f := &stateFile{path: path}
	return h.view(func(s *state) error { return f.save(s) })
}

// Load returns a hypervisor in memory with the state of a file.
func Load(path string) (*Hypervisor, error) {
	f := &stateFile{path: path}
	st, err := f.load()
	if err != nil {
		return nil, err
	}
	h := NewHypervisor()
	h.st = st
	return h, nil
}

// locked runs fn while no other process has the file. It waits for as long as
// another process needs for one effect.
func (f *stateFile) locked(fn func() error) (err error) {
	lock, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return unavailable(err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // closing unlocks
	for {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return unavailable(err)
	}
	return fn()
}

// load reads the state; a file that is not there is an empty one.
func (f *stateFile) load() (*state, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(), nil
	}
	if err != nil {
		return nil, unavailable(err)
	}
	st := newState()
	if err := json.Unmarshal(b, st); err != nil {
		return nil, unavailable(fmt.Errorf("%s: %w", f.path, err))
	}
	st.index()
	return st, nil
}

// save replaces the file in one step. It outlives the death of the process,
// for which no sync is needed, and not that of the host.
func (f *stateFile) save(st *state) (err error) {
	b, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return unavailable(err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*.tmp")
	if err != nil {
		return unavailable(err)
	}
	_, err = tmp.Write(append(b, '\n'))
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		return unavailable(errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

func (f *stateFile) callsPath() string { return f.path + ".calls" }

// appendCall adds a line to the log of all processes. The log is for tests and
// demonstrations: a line that cannot be written is lost.
func (f *stateFile) appendCall(line string) {
	log, err := os.OpenFile(f.callsPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = log.WriteString(line + "\n")
	_ = log.Close()
}

func (f *stateFile) readCalls() []string {
	b, err := os.ReadFile(f.callsPath())
	if err != nil || len(b) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func (f *stateFile) dropCalls() { _ = os.Remove(f.callsPath()) }

// unavailable is the error of an endpoint whose file cannot be used.
func unavailable(err error) error {
	return &providers.Error{Op: "open", Kind: providers.Unavailable, Err: err}
}
