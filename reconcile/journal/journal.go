// Package journal is memory: intents begun and ended, what was last applied to
// each VM, failures, and the last good revision, in one bbolt file. It must
// not decide anything, and losing the file loses no VM: every fact in it can
// be absent. It is tested by reopening after every step, by damaged files and by
// a full disk.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/vmsteward/vmsteward/manifest"
)

// Store is the memory of one daemon. It is safe for concurrent use; every
// write is on the disk when the call returns. Another process that holds the
// same file makes Open fail.
type Store interface {
	// Records returns what is known of every VM.
	Records() (map[manifest.Key]Record, error)
	// Put replaces the records of some VMs in one transaction: all of them are
	// written, or none is.
	Put(records map[manifest.Key]Record) error
	// Forget removes the record of a VM.
	Forget(vm manifest.Key) error
	// State reads and SetState writes a named value of the daemon as a whole,
	// encoded as JSON. An absent value leaves v as it is.
	State(name string, v any) error
	SetState(name string, v any) error
	// States calls each with every named value whose name begins with prefix,
	// in the order of their names, and DropState forgets one. What each is
	// given holds during the call only.
	States(prefix string, each func(name string, value []byte) error) error
	DropState(name string) error
	// Append adds an event to the history, which keeps the newest ones.
	Append(e Event) error
	// History returns the newest events, newest first, n at most.
	History(n int) ([]Event, error)
	Close() error
}

// Record is what is remembered of one VM. Every field may be lost.
type Record struct {
	Provider manifest.Key      `json:"provider,omitzero"`
	ID       string            `json:"id,omitempty"`
	Digest   string            `json:"digest,omitempty"` // of the VM whose every field is in Applied
	Applied  map[string]string `json:"applied,omitempty"`
	InSync   time.Time         `json:"inSync,omitzero"`

	Intent *Intent `json:"intent,omitempty"` // begun and not ended

	Signature string `json:"signature,omitempty"` // of the differences last applied
	Strikes   int    `json:"strikes,omitempty"`
	Stubborn  bool   `json:"stubborn,omitempty"` // still there right after a live change

	Failure *Failure `json:"failure,omitempty"`
}

// Intent is written before an effect. It stays until the outcome is known:
// until then the VM may be in the midst of it.
type Intent struct {
	Op       string    `json:"op"`
	Pass     string    `json:"pass"`
	Begun    time.Time `json:"begun"`
	Digest   string    `json:"digest,omitempty"` // of the VM that is wanted
	Task     string    `json:"task,omitempty"`   // long work that goes on; empty: none is known of
	Deadline time.Time `json:"deadline,omitzero"`
}

// WithTask returns the intent with another task; nil stays nil. Intents are
// shared and never changed in place.
func (in *Intent) WithTask(task string) *Intent {
	if in == nil {
		return nil
	}
	n := *in
	n.Task = task
	return &n
}

// Failure is the last error of a VM.
type Failure struct {
	Text      string    `json:"text"`
	Kind      string    `json:"kind"`
	Digest    string    `json:"digest,omitempty"`
	Attempts  int       `json:"attempts"`
	At        time.Time `json:"at"`
	ForDigest bool      `json:"forDigest,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// Event is one line of the history.
type Event struct {
	At       time.Time    `json:"at"`
	Pass     string       `json:"pass"`
	Revision string       `json:"revision,omitempty"`
	VM       manifest.Key `json:"vm,omitzero"`
	What     string       `json:"what"`
	Outcome  string       `json:"outcome,omitempty"`
}

// historySize is how many events are kept.
const historySize = 10000

var (
	vmBucket      = []byte("vms")
	stateBucket   = []byte("state")
	historyBucket = []byte("history")
	buckets       = [][]byte{vmBucket, stateBucket, historyBucket}
)

// ErrLocked says that another process holds the store.
var ErrLocked = errors.New("the state directory is in use by another process")

// Open opens or makes the store in dir. A file that is damaged is set aside
// under another name, which aside returns, and a new one is begun.
func Open(dir string) (s Store, aside string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("state directory: %w", err)
	}
	path := filepath.Join(dir, "journal.db")
	err = inspect(path)
	var db *boltStore
	if err == nil {
		if db, err = open(path); err == nil {
			return db, "", nil
		}
	}
	if errors.Is(err, ErrLocked) || !damaged(err) {
		return nil, "", fmt.Errorf("journal %s: %w", path, err)
	}
	if aside, err = setAside(path); err != nil {
		return nil, "", fmt.Errorf("journal %s is damaged and cannot be set aside: %w", path, err)
	}
	if db, err = open(path); err != nil {
		return nil, aside, fmt.Errorf("journal %s: %w", path, err)
	}
	return db, aside, nil
}

// inspect checks the file while no other process has it.
func inspect(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // which unlocks
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	if err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	return check(b)
}

// setAside renames a damaged file to a name that is free.
func setAside(path string) (aside string, err error) {
	stem := fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
	aside = stem
	for n := 1; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			return aside, os.Rename(path, aside)
		}
		aside = fmt.Sprintf("%s-%d", stem, n)
	}
}

// damaged tells whether err is about the content of the file.
func damaged(err error) bool {
	for _, cause := range []error{errDamaged, errInvalid, errChecksum, errVersion} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

func encode(v any) ([]byte, error) { return json.Marshal(v) }

func decode(b []byte, v any) error {
	if b == nil {
		return nil
	}
	return json.Unmarshal(b, v)
}

func bucket(tx *bolt.Tx, name []byte) (*bolt.Bucket, error) {
	b := tx.Bucket(name)
	if b == nil {
		return nil, fmt.Errorf("%w: bucket %s is missing", errDamaged, name)
	}
	b.FillPercent = filled
	return b, nil
}

// filled is how full a page is left that is divided: records seldom grow, and
// every page that was read stays resident.
const filled = 0.85
