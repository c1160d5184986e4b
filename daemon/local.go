package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// Local is the Service without a daemon: it looks and acts itself. Where the
// state directory is not to be had, it still reads and plans, and does not act.
type Local struct {
	core    *core
	store   journal.Store
	version string
	scratch string // a folder to be removed
	// readOnly says why nothing may be done; nil: it may.
	readOnly error
}

// ErrReadOnly says that a pass cannot run from here.
var ErrReadOnly = errors.New("nothing can be applied from here")

// NewLocal builds a Local.
func NewLocal(cfg *Config, opts Options) (_ *Local, err error) {
	l := &Local{version: opts.Version}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if opts.Memory == nil {
		opts.Memory = &memory.Registry{}
	}
	use := *cfg
	l.store, _, err = journal.Open(cfg.StateDir)
	if errors.Is(err, journal.ErrLocked) || errors.Is(err, fs.ErrPermission) {
		l.readOnly = fmt.Errorf("%w: %w", ErrReadOnly, err)
		l.store = journal.NewMemory()
		if l.scratch, err = os.MkdirTemp("", "vmsteward-"); err != nil {
			return nil, err
		}
		use.StateDir = filepath.Join(l.scratch, "state")
	}
	if err != nil {
		return nil, err
	}
	l.core, err = newCore(&use, l.store, opts.Memory, opts.Log)
	return l, err
}

// Plan implements Service. Without the state directory nothing is known of what
// was applied before, which a note of the plan says.
func (l *Local) Plan(ctx context.Context) (*reconcile.Outlook, error) {
	look, err := l.core.engine.Plan(ctx)
	if err == nil && l.readOnly != nil {
		look.Plan.Notes = append(look.Plan.Notes, NoMemory)
	}
	return look, err
}

// NoMemory is the note of a plan that was made without the journal: a change
// made outside cannot be told from a change of the manifest.
const NoMemory = "the state directory could not be read, so changes made outside are not told from changes of the manifests"

// Apply implements Service.
func (l *Local) Apply(ctx context.Context, req ApplyRequest) (*reconcile.Report, error) {
	if l.readOnly != nil {
		return nil, l.readOnly
	}
	return l.core.engine.Pass(ctx, reconcile.PassOptions{Reason: "a person asked for it", Only: req.Only, Expect: req.Expect})
}

// Status implements Service.
func (l *Local) Status(context.Context) (*Status, error) { return l.core.status(l.store, l.version) }

// VMs implements Service.
func (l *Local) VMs(ctx context.Context) ([]reconcile.View, error) {
	look, err := l.Plan(ctx)
	if err != nil {
		return nil, err
	}
	return look.VMs, nil
}

// Close implements Service.
func (l *Local) Close() error {
	var errs []error
	if l.core != nil {
		errs = append(errs, l.core.close())
	}
	if l.store != nil {
		errs = append(errs, l.store.Close())
	}
	if l.scratch != "" {
		errs = append(errs, os.RemoveAll(l.scratch))
	}
	return errors.Join(errs...)
}

var _ Service = (*Local)(nil)
