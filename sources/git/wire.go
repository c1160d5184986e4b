package git

import (
	"context"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/vmsteward/vmsteward/sources"
)

// remote is where the repository lives.
type remote interface {
	// open begins a conversation, which serves one advert and then at most one
	// fetch. All of it ends with the context.
	open(ctx context.Context) (conversation, error)
	close()
}

type conversation interface {
	advert(ctx context.Context) (*advert, error)
	fetch(ctx context.Context, st *store, wants []plumbing.Hash, haves func() []plumbing.Hash) error
	close()
}

// session is the part of go-git's transport.UploadPackSession that is used.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// wire speaks Git's protocol over a session.
type wire struct {
	s        session
	explain  func(error) error // gives a transport's error its kind
	multiAck bool              // the server insists on it
	caps     *capability.List
}

func (w *wire) close() { _ = w.s.Close() } // there is nobody left to tell

func (w *wire) advert(ctx context.Context) (*advert, error) {
	ar, err := w.s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &advert{}, nil
	}
	if err != nil {
		return nil, w.explain(err)
	}
	if len(ar.Shallows) > 0 {
		return nil, errShallow()
	}
	w.caps = ar.Capabilities
	a := &advert{refs: make(map[string]plumbing.Hash, len(ar.References))}
	for n, h := range ar.References {
		a.refs[n] = h
	}
	a.any = ar.Capabilities.Supports(capability.AllowReachableSHA1InWant)
	a.head = defaultBranch(ar)
	return a, nil
}

// defaultBranch finds what HEAD stands for. Old servers do not say; then a
// branch with the same commit is taken, main or master before others.
func defaultBranch(ar *packp.AdvRefs) string {
	const symref = "HEAD:"
	for _, v := range ar.Capabilities.Get(capability.SymRef) {
		if len(v) > len(symref) && v[:len(symref)] == symref {
			return v[len(symref):]
		}
	}
	if ar.Head == nil {
		return ""
	}
	for _, n := range []string{heads + "main", heads + "master"} {
		if ar.References[n] == *ar.Head {
			return n
		}
	}
	return ""
}

func errShallow() error {
	return fail(sources.Invalid, "run git fetch --unshallow in it", "the remote repository is a shallow clone")
}

func (w *wire) fetch(ctx context.Context, st *store, wants []plumbing.Hash, haves func() []plumbing.Hash) error {
	req := packp.NewUploadPackRequestFromCapabilities(w.caps)
	if w.caps.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return w.explain(err)
		}
	}
	if w.multiAck {
		if err := req.Capabilities.Set(capability.MultiACKDetailed); err != nil {
			return w.explain(err)
		}
	}
	req.Wants, req.Haves = wants, haves()
	res, err := w.s.UploadPack(ctx, req)
	if err != nil {
		return w.explain(err)
	}
	defer res.Close()
	var broken error // while reading from the server
	err = st.receive(func(to io.Writer) error {
		in := &watched{r: demultiplex(req.Capabilities, res)}
		n, err := io.Copy(to, in)
		if broken = in.err; err == nil && n == 0 {
			err = packfile.ErrEmptyPackfile
		}
		return err
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case broken != nil:
		return w.explain(broken)
	case classified(err):
		return err
	}
	return fail(sources.Unavailable, "", "the server sent a pack that cannot be used: %w", err)
}

func demultiplex(caps *capability.List, r io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

// watched remembers the error of its reader, to tell it from those of whoever
// uses what was read.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
