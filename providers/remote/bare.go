package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// bare is a server that speaks provider.v1 alone. It has no place for a mark:
// the book says what is ours. It has no word for "could not look": what it does
// not show is looked for a second way before it is believed to be absent.
type bare struct {
	client providerv1.ProviderClient
	known  *seed.Peer
	fleet  string
	book   *book
}

// greetSeed asks a server that knows no extension what it is.
func (p *Provider) greetSeed(ctx context.Context, l *link) (peer, error) {
	if err := p.book.open(p.settings.Ledger); err != nil {
		return nil, &providers.Error{Op: "connect", Subject: p.where(), Kind: providers.InvalidSpec, Err: err}
	}
	client := providerv1.NewProviderClient(l.cc)
	res, err := client.Validate(ctx, &providerv1.ValidateRequest{})
	b := &bare{client: client, known: seed.PeerOf(p.settings.Type, res.GetMessage()), fleet: p.settings.Fleet, book: &p.book}
	if err != nil {
		return nil, translate(ctx, "connect", p.where(), b.explain(err))
	}
	p.state(bareCapabilities(b.known, p.settings.MaxConnections))
	p.offered(providers.Listing)
	return b, nil
}

// String implements peer.
func (b *bare) String() string {
	if b.known.Ours {
		return fmt.Sprintf("vmsteward (%s), by provider.v1", b.known.Type)
	}
	return fmt.Sprintf("a server of provider.v1 (%s)", b.known.Type)
}

// explain gives an error of the server its kind: by what it says of itself if
// it is ours, and otherwise by its code and its words. NotFound in it is the
// server's word alone, and leaves this package as a proof of nothing.
func (b *bare) explain(err error) error {
	if err == nil || hasFailure(err) {
		return err
	}
	s, ok := status.FromError(err)
	if !ok || s.Code() == codes.Canceled || s.Code() == codes.DeadlineExceeded {
		return err
	}
	kind, missing := b.known.Kind(s.Code(), s.Message())
	return &providers.Error{Kind: kind, Missing: missing, Err: errors.New(s.Message())}
}

// Validate implements peer.
func (b *bare) Validate(ctx context.Context) error {
	res, err := b.client.Validate(ctx, &providerv1.ValidateRequest{})
	if err != nil {
		return b.explain(err)
	}
	if res.GetOk() {
		return nil
	}
	kind, _ := b.known.Kind(codes.Unknown, res.GetMessage())
	if kind == providers.Retryable || kind == providers.NotFound {
		kind = providers.Unavailable
	}
	return &providers.Error{Kind: kind, Err: fmt.Errorf("the server cannot use its endpoint: %s", res.GetMessage())}
}

// IsTaskComplete implements peer.
func (b *bare) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	t := parseTask(task)
	switch {
	case t.watch:
		vm, err := b.look(ctx, t.vm)
		if providers.IsAbsent(err) {
			return true, nil
		}
		return err == nil && vm.Power == providers.Off, err
	case t.id == "": // of another protocol: what it did is seen by looking
		return true, nil
	}
	res, err := b.client.TaskStatus(ctx, &providerv1.TaskStatusRequest{Task: &providerv1.TaskRef{Id: t.id}})
	switch {
	case err != nil:
		return false, b.explain(err)
	case !res.GetDone():
		return false, nil
	}
	if e, known := b.book.at(t.vm); known && t.creates {
		b.seen(e)
	}
	switch {
	case res.GetError() != "":
		return true, b.ended(res.GetError())
	case t.deletes:
		return true, b.forget(ctx, t.vm)
	}
	return true, nil
}

// ended returns the error of a task; nil for one that the server does not know
// any more.
func (b *bare) ended(text string) error {
	kind, missing := b.known.Kind(codes.Unknown, text)
	if kind == providers.NotFound && missing == "" {
		return nil
	}
	return &providers.Error{Kind: kind, Missing: missing, Err: errors.New(text)}
}

// forget drops the entry of a VM once it is proven to be gone.
func (b *bare) forget(ctx context.Context, id string) error {
	_, err := b.look(ctx, id)
	if !providers.IsAbsent(err) {
		return nil // it, or an error, is what the next look sees
	}
	if e, known := b.book.at(id); known {
		return b.book.drop(e.Mark.Owner)
	}
	return nil
}

var errNotTold = errors.New("provider.v1 has no word for it")

// Watch implements peer.
func (b *bare) Watch(context.Context, func(), func(...string)) error { return notOffered() }

// Sweep implements peer.
func (b *bare) Sweep(context.Context, providers.Leftover) error { return notOffered() }

// Snapshots implements peer.
func (b *bare) Snapshots(context.Context, providers.Ref) ([]providers.Snapshot, error) {
	return nil, notOffered()
}

// TakeSnapshot implements peer.
func (b *bare) TakeSnapshot(context.Context, providers.Ref, providers.SnapshotRequest) (providers.TaskRef, error) {
	return "", notOffered()
}

// RevertSnapshot implements peer.
func (b *bare) RevertSnapshot(context.Context, providers.Ref, string) (providers.TaskRef, error) {
	return "", notOffered()
}

// DropSnapshot implements peer.
func (b *bare) DropSnapshot(context.Context, providers.Ref, string) (providers.TaskRef, error) {
	return "", notOffered()
}

func notOffered() error { return &providers.Error{Kind: providers.NotSupported, Err: errNotTold} }

// patience is how long after a creation without an answer none is tried again
// where a second one might make a second VM: the server may go on with it.
const patience = 15 * time.Minute

// trust is how long the beginning of a creation makes a VM of that name ours.
const trust = 24 * time.Hour
