package journal

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vmsteward/vmsteward/manifest"
)

// Memory is a Store that forgets everything when the process ends: for a plan
// without write access to the state directory, and for tests.
type Memory struct {
	mu      sync.Mutex
	records map[manifest.Key][]byte // as encoded, to share nothing with callers
	state   map[string][]byte
	history []Event
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{records: map[manifest.Key][]byte{}, state: map[string][]byte{}}
}

// Records implements Store.
func (m *Memory) Records() (map[manifest.Key]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[manifest.Key]Record, len(m.records))
	for key, enc := range m.records {
		var r Record
		if err := decode(enc, &r); err != nil {
			return nil, err
		}
		out[key] = r
	}
	return out, nil
}

// Put implements Store.
func (m *Memory) Put(records map[manifest.Key]Record) error {
	encoded := make(map[manifest.Key][]byte, len(records))
	for vm, r := range records {
		enc, err := encode(r)
		if err != nil {
			return err
		}
		encoded[vm] = enc
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.records, encoded)
	return nil
}

// Forget implements Store.
func (m *Memory) Forget(vm manifest.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, vm)
	return nil
}

// State implements Store.
func (m *Memory) State(name string, v any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return decode(m.state[name], v)
}

// SetState implements Store.
func (m *Memory) SetState(name string, v any) error {
	enc, err := encode(v)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state[name] = enc
	return nil
}

// States implements Store.
func (m *Memory) States(prefix string, each func(name string, value []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.state)) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := each(name, m.state[name]); err != nil {
			return err
		}
	}
	return nil
}

// DropState implements Store.
func (m *Memory) DropState(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.state, name)
	return nil
}

// Append implements Store.
func (m *Memory) Append(e Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.history = append(m.history, e)
	if len(m.history) >= 2*historySize { // seldom, because it copies them all
		m.history = slices.Clone(m.history[len(m.history)-historySize:])
	}
	return nil
}

// History implements Store.
func (m *Memory) History(n int) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := slices.Clone(m.history[max(0, len(m.history)-min(n, historySize)):])
	slices.Reverse(newest)
	return newest, nil
}

// Close implements Store.
func (m *Memory) Close() error { return nil }
