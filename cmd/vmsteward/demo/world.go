// Package demo is the world that "vmsteward demo" shows: a Git repository, a
// simulated vCenter behind TLS and the real daemon between them, in a temporary
// folder. It must not decide anything that the daemon decides. It is tested by
// playing every step.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
	"github.com/vmsteward/vmsteward/reconcile"
)

// World is everything that the demo needs.
type World struct {
	dir      string
	worktree *gogit.Worktree
	daemon   *daemon.Daemon
	vcenter  *vcsim.Server
	started  bool
}

const providerText = `apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: lab}
spec:
  type: vsphere
  endpoint: %q
  credentialSecretRef: {name: lab-login}
  defaults: {cluster: %q, datastore: %q, folder: %q}
`

const configText = `apiVersion: vmsteward.dev/v1
kind: Config
fleet: demo
source: {git: {url: "file://%[1]s/vms.git"}}
interval: 30s
drift: enforce
prune: {mode: delete, grace: %[2]s, maxCount: 5, maxPercent: 100, allowEmpty: true}
providersDir: %[1]s/providers.d
credentialsDir: %[1]s/credentials
stateDir: %[1]s/state
api: {socket: "%[1]s/vmsteward.sock"}
`

// New makes the world. The grace period of retired VMs is short, so that its
// end can be watched, but longer than a reader's pauses between two steps.
func New(log *slog.Logger, version string, pause time.Duration) (w *World, err error) {
	dir, err := os.MkdirTemp("", "vmsteward-demo-")
	if err != nil {
		return nil, err
	}
	w = &World{dir: dir}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if err := w.repository(); err != nil {
		return nil, err
	}
	if w.vcenter, err = vcsim.Start(vcsim.Options{}); err != nil {
		return nil, err
	}
	if err := w.provider(); err != nil {
		return nil, err
	}
	cfg, err := daemon.ParseConfig(fmt.Appendf(nil, configText, dir, 3*pause+3*time.Second))
	if err != nil {
		return nil, err
	}
	w.daemon, err = daemon.New(cfg, daemon.Options{Log: log, Version: version})
	return w, err
}

// provider writes how the host reaches the vCenter: the endpoint, where VMs go,
// and the login with the authority behind the certificate.
func (w *World) provider() error {
	if err := w.vcenter.WriteLogin(filepath.Join(w.dir, "credentials", "lab-login")); err != nil {
		return err
	}
	folder := filepath.Join(w.dir, "providers.d")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	d := w.vcenter.Settings("demo").Defaults
	text := fmt.Sprintf(providerText, w.vcenter.URL(), d.Cluster, d.Datastore, d.Folder)
	return os.WriteFile(filepath.Join(folder, "lab.yaml"), []byte(text), 0o600)
}

// repository makes a bare repository and a work tree that is pushed to it.
func (w *World) repository() error {
	bare := filepath.Join(w.dir, "vms.git")
	repo, err := gogit.PlainInit(bare, true)
	if err != nil {
		return err
	}
	head := plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName("main"))
	if err := repo.Storer.SetReference(head); err != nil {
		return err
	}
	work, err := gogit.Open(repo.Storer, nil)
	if err != nil {
		return err
	}
	w.worktree, err = checkout(work, filepath.Join(w.dir, "work"))
	return err
}

// Close stops the daemon and removes everything.
func (w *World) Close() {
	if w.daemon != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = w.daemon.Stop(ctx) // it is logged, and the folder goes anyway
	}
	if w.vcenter != nil {
		_ = w.vcenter.Close() // the process ends soon anyway
	}
	_ = os.RemoveAll(w.dir)
}

// Play makes one step's commit or outside change, waits until the daemon has
// brought about what the step promises, and returns the VMs.
func (w *World) Play(ctx context.Context, s Step) ([]reconcile.View, error) {
	if s.Outside != nil {
		if err := s.Outside(ctx, w.vcenter); err != nil {
			return nil, err
		}
	}
	if err := w.commit(s); err != nil {
		return nil, err
	}
	if !w.started {
		if err := w.daemon.Start(ctx); err != nil {
			return nil, err
		}
		w.started = true
	}
	return w.await(ctx, s)
}

func (w *World) commit(s Step) error {
	if len(s.Write) == 0 && len(s.Remove) == 0 {
		return nil
	}
	root := w.worktree.Filesystem.Root()
	for name, text := range s.Write {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			return err
		}
		if _, err := w.worktree.Add(name); err != nil {
			return err
		}
	}
	for _, name := range s.Remove {
		if _, err := w.worktree.Remove(name); err != nil {
			return err
		}
	}
	who := &object.Signature{Name: "Operator", Email: "operator@example.com", When: time.Now()}
	_, err := w.worktree.Commit(s.Title, &gogit.CommitOptions{Author: who})
	return err
}

// patience bounds one step, apart from the grace period.
const patience = time.Minute

func (w *World) await(ctx context.Context, s Step) ([]reconcile.View, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		look, err := w.daemon.Plan(ctx)
		if err == nil && s.done(look) {
			return look.VMs, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// done tells whether the plan has nothing left to do, the VMs are in the
// states that the step promises, and exactly the one that it retires is retired.
func (s Step) done(look *reconcile.Outlook) bool {
	if !look.Plan.Empty() || len(look.VMs) != len(s.Ends) {
		return false
	}
	for _, v := range look.VMs {
		if want, ok := s.Ends[v.VM.Name]; !ok || v.Power != want {
			return false
		}
	}
	for _, it := range look.Plan.Items {
		retired := it.Found != nil && !it.Found.Mark.Retired.IsZero()
		if retired != (it.VM.Name == s.Retired) {
			return false
		}
	}
	return true
}
