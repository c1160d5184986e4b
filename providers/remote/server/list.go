package server

import (
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// List implements stewardv1.StewardServer.
func (s *steward) List(req *stewardv1.ListRequest, out grpc.ServerStreamingServer[stewardv1.ListResponse]) error {
	lister, ok := providers.As[providers.Lister](s.p)
	if !ok {
		return without("list")
	}
	inv, err := lister.List(out.Context())
	if err != nil {
		return wire.Status(err)
	}
	d := s.answers.since(req.Cursor, inv.VMs)
	p := pages{send: out.Send, delta: d.based}
	for _, vm := range d.changed {
		m := wire.EncodeVM(vm)
		p.add(proto.Size(m), func(r *stewardv1.ListResponse) { r.Vms = append(r.Vms, m) })
	}
	for _, id := range d.gone {
		p.add(len(id), func(r *stewardv1.ListResponse) { r.Gone = append(r.Gone, id) })
	}
	for i := range inv.Problems {
		m := wire.EncodeProblem(&inv.Problems[i])
		p.add(proto.Size(m), func(r *stewardv1.ListResponse) { r.Problems = append(r.Problems, m) })
	}
	for i := range inv.Leftovers {
		m := wire.EncodeLeftover(&inv.Leftovers[i])
		p.add(proto.Size(m), func(r *stewardv1.ListResponse) { r.Leftovers = append(r.Leftovers, m) })
	}
	return p.end(inv.Complete, d.cursor)
}

// pageBytes is about how large a page becomes: far below what a client takes,
// far above what a message costs. One thing that is larger has a page alone.
const pageBytes = 1 << 20

// itemBytes is what a thing costs in a page beside its own size.
const itemBytes = 8

// pages sends an answer in pages, the last one with end. After an error nothing
// is sent any more.
type pages struct {
	send  func(*stewardv1.ListResponse) error
	delta bool
	page  *stewardv1.ListResponse
	size  int
	err   error
}

func (p *pages) add(size int, put func(*stewardv1.ListResponse)) {
	if p.size > 0 && p.size+size+itemBytes > pageBytes {
		p.flush()
	}
	p.open()
	put(p.page)
	p.size += size + itemBytes
}

func (p *pages) open() {
	if p.page == nil {
		p.page = &stewardv1.ListResponse{Delta: p.delta}
	}
}

func (p *pages) flush() {
	if p.err == nil {
		p.err = p.send(p.page)
	}
	p.page, p.size = nil, 0
}

func (p *pages) end(complete bool, cursor string) error {
	p.open()
	p.page.Last, p.page.Complete, p.page.Cursor = true, complete, cursor
	p.flush()
	return p.err
}
