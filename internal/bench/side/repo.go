package side

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Repo is a bare repository and a working tree that pushes to it.
type Repo struct {
	Bare, Work string
}

// NewRepo makes both, with one commit of the files on the branch main.
func NewRepo(s *Stage, files map[string]string) (*Repo, error) {
	dir := s.TempDir()
	r := &Repo{Bare: filepath.Join(dir, "fleet.git"), Work: filepath.Join(dir, "work")}
	if err := os.MkdirAll(r.Work, 0o755); err != nil {
		return nil, err
	}
	steps := [][]string{
		{"init", "-q", "--bare", "--initial-branch=main", r.Bare},
		{"-C", r.Bare, "config", "receive.autogc", "false"},
		{"init", "-q", "--initial-branch=main", r.Work},
		{"-C", r.Work, "config", "gc.auto", "0"},
		{"-C", r.Work, "remote", "add", "origin", r.Bare},
	}
	for _, step := range steps {
		if err := runGit(step...); err != nil {
			return nil, err
		}
	}
	if err := r.Commit(files); err != nil {
		return nil, err
	}
	return r, r.Push()
}

// URL is where a reader finds it.
func (r *Repo) URL() string { return "file://" + r.Bare }

// Commit writes the files and commits them in the working tree.
func (r *Repo) Commit(files map[string]string) error {
	for name, text := range files {
		p := filepath.Join(r.Work, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := runGit("-C", r.Work, "add", "-A"); err != nil {
		return err
	}
	return runGit("-C", r.Work, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "-m", "change the fleet")
}

// Push brings what was committed to the bare repository.
func (r *Repo) Push() error { return runGit("-C", r.Work, "push", "-q", "origin", "main") }

func runGit(args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %q: %w: %s", args, err, out)
	}
	return nil
}
