package git

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// accepted is the record of the last revision that was read completely. It lies
// beside the clone, so it outlives damage to it.
type accepted struct {
	URL    string   `json:"url"`
	Select string   `json:"select"` // Ref.String of the configuration
	Name   string   `json:"name"`   // the reference chosen, "refs/tags/v1.2.3"; empty for a bare commit
	Target string   `json:"target"` // what the reference points to: the tag object, if it is annotated
	Commit string   `json:"commit"`
	Notes  []string `json:"notes,omitempty"` // those that belong to the revision, not to one fetch
}

func (s *Source) recordPath() string { return s.cfg.Dir + ".accepted" }

// recorded returns what was accepted for the present URL and selection, or nil.
// A record that cannot be understood is reported in the note.
func (s *Source) recorded() (a *accepted, note string, err error) {
	b, err := os.ReadFile(s.recordPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", onDisk(s.cfg.Dir, err)
	}
	a = &accepted{}
	if err := json.Unmarshal(b, a); err != nil || !plumbing.IsHash(a.Commit) || !plumbing.IsHash(a.Target) {
		return nil, "the record of the last accepted revision is unreadable; whether history was rewritten since is not known", nil
	}
	if a.URL != s.addr.String() || a.Select != s.cfg.Ref.String() {
		return nil, "", nil
	}
	return a, "", nil
}

// record writes a durably, and a branch for people who look at the clone.
func (s *Source) record(a *accepted) error {
	b, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(s.recordPath(), append(b, '\n')); err != nil {
		return onDisk(s.cfg.Dir, err)
	}
	ref := filepath.Join(s.cfg.Dir, "refs", "heads", "accepted")
	if err := os.MkdirAll(filepath.Dir(ref), 0o700); err != nil {
		return onDisk(s.cfg.Dir, err)
	}
	return onDisk(s.cfg.Dir, os.WriteFile(ref, []byte(a.Commit+"\n"), 0o600))
}

// writeFile replaces a file so that after a crash it has the old content or the
// new one.
func writeFile(name string, b []byte) error {
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", tmp, err), os.Remove(tmp))
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncPath(filepath.Dir(name))
}
