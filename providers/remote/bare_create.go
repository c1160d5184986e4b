package remote

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// Create implements peer. The name must be free, which is looked for before
// anything is written down; that we are about to make the VM is written down
// before it is asked for. What is found under the name later is then ours.
func (b *bare) Create(ctx context.Context, req providers.CreateRequest) (none providers.CreateResult, err error) {
	if req.Owner.Fleet != b.fleet {
		return none, conflict("we are the fleet %q, not %q", b.fleet, req.Owner.Fleet)
	}
	order, err := seed.NewCreate(b.known, req.VM)
	if err != nil {
		return none, err
	}
	id, err := b.existing(ctx, req.Owner, order.GetName())
	if err != nil || id != "" {
		return providers.CreateResult{ID: id}, err
	}
	entry := providers.LedgerEntry{Name: order.GetName(), Mark: markOf(req), Begun: time.Now().UTC()}
	if err := b.book.put(entry); err != nil {
		return none, err
	}
	res, err := b.client.Create(ctx, order)
	if err != nil {
		return none, b.notMade(ctx, entry, err)
	}
	if res.GetId() == "" {
		return none, broken(errors.New("the VM was given no id"))
	}
	entry.ID = res.GetId()
	if res.GetTask().GetId() == "" {
		entry.Begun = time.Time{}
	} // else it is begun until it is seen
	if err := b.book.put(entry); err != nil {
		return none, err
	}
	return providers.CreateResult{ID: entry.ID, Task: task{id: res.GetTask().GetId(), vm: entry.ID, creates: true}.ref()}, nil
}

func markOf(req providers.CreateRequest) providers.Mark {
	m := providers.Mark{Owner: req.Owner, CloudInit: req.VM.CloudInit.Digest}
	if req.VM.Image != nil {
		m.Image = req.VM.Image.Digest
	}
	return m
}

// existing returns the id of the owner's VM, or nothing if there is none and
// the name is free. Whatever cannot be told is an error.
func (b *bare) existing(ctx context.Context, o providers.Owner, name string) (string, error) {
	e, known := b.book.of(o)
	if known && e.ID != "" {
		_, err := b.look(ctx, e.ID)
		switch {
		case !providers.IsAbsent(err):
			return e.ID, err
		case b.going(e):
			return "", goesOn(e)
		case e.Begun.IsZero(): // it was there
			if err := b.book.drop(o); err != nil {
				return "", err
			}
			known = false
		}
	}
	inv, err := b.List(ctx)
	if err != nil {
		return "", err
	}
	now, begun := b.book.of(o)
	listed := slices.ContainsFunc(inv.VMs, func(vm providers.VM) bool { return vm.ID == now.ID })
	if begun && now.ID != "" && (now.ID != e.ID || listed) { // recognised, or there by now
		return now.ID, nil
	}
	for i := range inv.VMs {
		switch {
		case inv.VMs[i].Name != name:
		case begun && !known:
			return "", untold("another call makes the VM")
		default:
			return "", conflict("a VM named %q is there, and nothing says that it is ours; rename it, or the manifest", name)
		}
	}
	if err := b.free(ctx, name, inv); err != nil {
		return "", err
	}
	if known && b.going(e) {
		return "", goesOn(e)
	}
	return "", nil
}

// free makes sure that a name is not taken that the list does not have.
func (b *bare) free(ctx context.Context, name string, inv *providers.Inventory) error {
	if !inv.Complete {
		return untold("whether a VM named %q is there cannot be told: the server's list is not complete: %w", name, inv.Problems[0].Err)
	}
	if !b.known.Named {
		return nil
	}
	switch _, err := b.ask(ctx, name); {
	case err == nil:
		return conflict("a VM named %q is there, which the server does not list", name)
	case !providers.IsAbsent(err):
		return err
	}
	return nil
}

// notMade explains why a creation failed. Where the server has said so, and has
// no VM of the name, nothing was made, and the name is not ours.
func (b *bare) notMade(ctx context.Context, entry providers.LedgerEntry, err error) error {
	failure := b.explain(err)
	if !answered(err) {
		return failure
	}
	all, listErr := b.everything(ctx)
	if listErr != nil {
		return failure
	}
	if len(b.named(all, entry.Name)) == 0 {
		listErr = b.book.drop(entry.Mark.Owner)
	} else {
		_, listErr = b.recognise(all, entry)
	}
	if listErr != nil {
		return errors.Join(failure, listErr)
	}
	return failure
}

// answered tells whether an error is the server's answer, and not the lack of
// one.
func answered(err error) bool {
	switch status.Code(err) {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.Internal:
		return false
	}
	return true
}
