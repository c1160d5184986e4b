package libvirt

import (
	"context"
	"errors"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
)

// lane is a kind of work that has connections of its own, so that it need not
// queue behind the others: libvirtd serves five requests of a connection at
// once and keeps the rest waiting.
type lane int

const (
	control lane = iota // short reads, and whatever must not wait
	work                // calls that take their time
	stream              // uploads and downloads, which fill a connection
	beats               // the pulse: it gives up on what does not answer, and cuts nobody else off
)

const (
	defaultConnectTimeout  = 20 * time.Second
	defaultWorkConnections = 2
	defaultIdle            = 30 * time.Second
	callsPerConnection     = 4
	streamConnections      = 4
	pingTimeout            = 2 * time.Second
)

// sessionConfig says how to reach a host. Zero numbers mean the defaults.
type sessionConfig struct {
	Endpoint           string // a libvirt connection URI
	Credentials        secret.Set
	InsecureSkipVerify bool // with TLS only
	ConnectTimeout     time.Duration
	WorkConnections    int
	RuntimeDir         string        // $XDG_RUNTIME_DIR, for qemu:///session
	Idle               time.Duration // a connection unused for longer is checked before it is used
}

// session shares connections to one host among calls. It dials when a
// connection is needed and again when one is lost; it neither retries nor
// waits in between.
type session struct {
	cfg      sessionConfig
	endpoint endpoint
	dialer   dialer
	lanes    map[lane]*laneConns

	ctx     context.Context // ends with Close: bounds dialling, never a call
	stop    context.CancelFunc
	dialing sync.WaitGroup
}

// errClosed is the error of calls after Close.
var errClosed = errors.New("the session is closed")

// newSession checks the configuration. It does not dial.
func newSession(cfg sessionConfig) (*session, error) {
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	if cfg.WorkConnections <= 0 {
		cfg.WorkConnections = defaultWorkConnections
	}
	if cfg.Idle <= 0 {
		cfg.Idle = defaultIdle
	}
	e, err := parseURI(cfg.Endpoint)
	if err != nil {
		return nil, &providers.Error{Op: "configure", Kind: providers.InvalidSpec, Err: err}
	}
	d, err := newDialer(e, cfg)
	if err != nil {
		return nil, &providers.Error{Op: "configure", Subject: e.String(), Kind: providers.InvalidSpec, Err: err}
	}
	s := &session{cfg: cfg, endpoint: e, dialer: d}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.lanes = map[lane]*laneConns{
		control: newLane(s, 1, callsPerConnection),
		work:    newLane(s, cfg.WorkConnections, callsPerConnection),
		stream:  newLane(s, streamConnections, 1),
		beats:   newLane(s, 1, callsPerConnection),
	}
	return s, nil
}

// do runs fn on a connection of the lane, once. fn may make several calls, and
// may start goroutines that it waits for: the library takes calls from many
// goroutines on one connection. It runs on a goroutine of its own and must
// return when its calls fail.
//
// do returns by ctx's end (plus a second at most, for an fn that does not
// return when its calls fail: what such an fn writes must not be read). A call
// that is stuck then is freed by closing its connection, which also cuts off
// the calls that share it. What a deadline cut off has kind Timeout, and its
// outcome is unknown; so is that of what was cancelled, which returns the
// context's error as it is, and that of what was cut off by another or by the
// daemon's end, which has kind Unavailable. A failed dial has kind Unavailable
// or Unauthorized, and fn has not run. If ctx ends before fn has run, its error
// is returned as it is, except that a daemon that did not answer in time is
// Unavailable. Errors of the daemon are returned as fn returns them.
//
// In the stream lane fn has the connection for itself. An io.Writer that is
// given to the library must not return an error there: the library's
// connection locks up for good, and do returns only at ctx's end.
func (s *session) do(ctx context.Context, l lane, fn func(c *golibvirt.Libvirt) error) error {
	p := s.lanes[l]
	sl, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer p.release(sl)
	c, err := sl.get(ctx)
	if err != nil {
		return err
	}
	defer c.leave()
	err = c.run(ctx, fn)
	if l == stream {
		sl.drop(c)
	}
	return err
}

// Close ends every connection. Calls in flight fail as Unavailable.
func (s *session) Close() error {
	for _, p := range s.lanes {
		for _, sl := range p.slots {
			sl.close() // and dials no more
		}
	}
	s.stop()
	s.dialing.Wait()
	return nil
}

// open makes a connection within the connect timeout.
func (s *session) open(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ConnectTimeout)
	defer cancel()
	c, err := openConn(ctx, s.dialer, s.endpoint)
	if err != nil {
		return nil, dialError(s.endpoint.String(), err)
	}
	return c, nil
}
