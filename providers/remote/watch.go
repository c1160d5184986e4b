package remote

import (
	"context"
	"errors"
	"io"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// Watch implements providers.Watcher. A server also tells what its provider
// finds by asking, so that this side need not ask.
func (p *Provider) Watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	err := p.unbounded(ctx, ctx, "watch", "", func(ctx context.Context, s peer) error { return s.Watch(ctx, ready, changed) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Watch implements peer.
func (s *steward) Watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	if err := s.offers(stewardv1.Part_PART_WATCH, "it does not tell of changes"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.client.Watch(ctx, &stewardv1.WatchRequest{})
	if err != nil {
		return err
	}
	for begun := false; ; {
		news, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return &providers.Error{Kind: providers.Unavailable, Err: errors.New("the server ended the stream of changes")}
		case err != nil:
			return err
		case news.GetReady() && !begun:
			begun = true
			ready()
		}
		ids := news.GetIds()
		if news.GetAnything() {
			ids = append(ids, "")
		}
		if begun && len(ids) > 0 && ctx.Err() == nil {
			changed(ids...)
		}
	}
}
