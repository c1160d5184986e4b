package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// unary is around every call: it counts, refuses, tells the log, and catches
// what the provider throws.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
	c := s.begin(ctx, info.FullMethod)
	c.vm, c.ref = about(req)
	defer func() { c.end(err) }()
	defer s.catch(c.method, &err)
	if err = c.admit(); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

// stream is unary for calls that answer with a stream. Those that last until
// the client ends them have a context that Stop ends, or their age.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	ctx := ss.Context()
	c := s.begin(ctx, info.FullMethod)
	c.endless = strings.HasSuffix(info.FullMethod, "/Watch")
	defer func() { c.end(err) }()
	defer s.catch(c.method, &err)
	if err := c.admit(); err != nil {
		return err
	}
	if !c.endless {
		return handle(srv, ss)
	}
	lasting, cancel := context.WithTimeout(ctx, maxAge)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	err = handle(srv, endlessStream{ss, lasting})
	if lasting.Err() != nil && ctx.Err() == nil {
		return wire.Status(&providers.Error{Op: "watch", Kind: providers.Unavailable, Err: s.whyEnded()})
	}
	return err
}

// whyEnded says why a stream ended that neither side wanted to end.
func (s *Server) whyEnded() error {
	if s.stopping.Err() != nil {
		return errors.New("the server stops")
	}
	return fmt.Errorf("the stream has lasted for %s; another may begin", maxAge)
}

type endlessStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (e endlessStream) Context() context.Context { return e.ctx }

// call is one call on its way through the server.
type call struct {
	s       *Server
	method  string // "Steward/Create"
	from    caller
	begun   time.Time
	endless bool
	refused bool
	vm, ref string // what it is about; empty: nothing that has a name
	over    func()
}

func (s *Server) begin(ctx context.Context, full string) *call {
	return &call{s: s, method: shortMethod(full), from: callerOf(ctx), begun: time.Now(), over: s.meter.begin()}
}

// shortMethod leaves the package out: "/vmsteward.provider.v1.Steward/List" is
// "Steward/List".
func shortMethod(full string) string {
	slash := strings.LastIndexByte(full, '/')
	return full[strings.LastIndexByte(full[:max(slash, 0)], '.')+1:]
}

// admit refuses a peer that is not on the list.
func (c *call) admit() error {
	t := c.s.opts.TLS
	if t == nil || len(t.Allow) == 0 || c.from.on(t.Allow) {
		return nil
	}
	c.refused = true
	c.s.refusals.call(c.from.addr, c.from.name(), c.method)
	return status.Errorf(codes.PermissionDenied, "%s may not call this server", c.from.name())
}

// end counts the call and tells the log: at Info of those that act.
func (c *call) end(err error) {
	c.over()
	code, took := status.Code(err), time.Since(c.begun)
	c.s.meter.done(c.method, code, took, c.endless)
	level := slog.LevelDebug
	if acts(c.method) && !c.refused {
		level = slog.LevelInfo
	}
	attrs := []any{logkey.Method, c.method, logkey.Peer, c.from.name(), logkey.Code, code.String(), logkey.TookMS, took.Milliseconds()}
	if c.vm != "" {
		attrs = append(attrs, logkey.VM, c.vm)
	}
	if c.ref != "" {
		attrs = append(attrs, logkey.Ref, c.ref)
	}
	if err != nil {
		attrs = append(attrs, logkey.Err, status.Convert(err).Message())
	}
	c.s.opts.Log.Log(context.Background(), level, "call answered", attrs...)
}

// acts tells whether a call may change something.
func acts(method string) bool {
	_, name, _ := strings.Cut(method, "/")
	switch name {
	case "Create", "Delete", "Power", "Reconfigure", "Sweep", "TakeSnapshot", "RevertSnapshot", "DropSnapshot",
		"HardwareUpgrade", "SnapshotCreate", "SnapshotDelete", "SnapshotRevert", "Clone", "ImagePrepare", "ExportDisk", "ImportDisk":
		return true
	}
	return false
}

// catch turns a panic into the error of one call.
func (s *Server) catch(method string, err *error) {
	if p := recover(); p != nil {
		*err = wire.StatusOf(codes.Internal, s.guard.caught(method, p))
	}
}
