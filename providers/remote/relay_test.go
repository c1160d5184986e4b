package remote_test

import (
	"net"
	"sync"
	"testing"
)

// relay is the line to a server, which can be cut, stall, and lead elsewhere.
type relay struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	network string
	target  string // of the connections to come
	cut     bool
	stalled chan struct{} // nil: it flows; closed on release
	open    map[net.Conn]bool
	dials   int // connections that were let through
}

func newRelay(t *testing.T, network, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, network: network, target: target, open: map[net.Conn]bool{}}
	r.wg.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) endpoint() string { return "grpc://" + r.listener.Addr().String() }

// lead makes the connections to come lead to another server.
func (r *relay) lead(network, target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.network, r.target = network, target
}

// Cut ends every connection, and refuses others until it is restored.
func (r *relay) Cut() (restore func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	r.drop()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cut = false
	}
}

// Drop ends every connection.
func (r *relay) Drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
}

func (r *relay) drop() {
	for c := range r.open {
		c.Close()
	}
	clear(r.open)
}

// Stall lets nothing through until it is released.
func (r *relay) Stall() (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	gate := make(chan struct{})
	r.stalled = gate
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.stalled == gate {
			r.stalled = nil
			close(gate)
		}
	}
}

// Dials returns how many connections were let through so far.
func (r *relay) Dials() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dials
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.carry(near) })
	}
}

func (r *relay) carry(near net.Conn) {
	r.mu.Lock()
	cut, network, target := r.cut, r.network, r.target
	r.mu.Unlock()
	var far net.Conn
	err := net.ErrClosed
	if !cut {
		far, err = net.Dial(network, target)
	}
	if err != nil {
		near.Close()
		return
	}
	r.mu.Lock()
	r.open[near], r.open[far] = true, true
	if r.cut {
		r.drop()
	}
	r.dials++
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pump(near, far) })
	both.Go(func() { r.pump(far, near) })
	both.Wait()
}

// pump copies one way until either side ends.
func (r *relay) pump(from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		r.mu.Lock()
		gate := r.stalled
		r.mu.Unlock()
		if gate != nil {
			<-gate
		}
		if _, failed := to.Write(b[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	if r.stalled != nil {
		close(r.stalled)
		r.stalled = nil
	}
	r.cut = true
	r.drop()
	r.mu.Unlock()
	r.wg.Wait()
}
