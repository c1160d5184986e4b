package remotetest

import (
	"net"
	"sync"
	"testing"
)

// Line is the way to a server, which can be cut, stall, and lead elsewhere.
type Line struct {
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

// NewLine returns a line on loopback that leads to a server.
func NewLine(t testing.TB, network, target string) *Line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{listener: listener, network: network, target: target, open: map[net.Conn]bool{}}
	l.wg.Go(l.accept)
	t.Cleanup(l.close)
	return l
}

// Endpoint is the near end, for a client.
func (l *Line) Endpoint() string { return "grpc://" + l.listener.Addr().String() }

// Lead makes the connections to come lead to another server.
func (l *Line) Lead(network, target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.network, l.target = network, target
}

// Cut ends every connection, and refuses others until it is restored.
func (l *Line) Cut() (restore func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	l.drop()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cut = false
	}
}

// Drop ends every connection.
func (l *Line) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
}

func (l *Line) drop() {
	for c := range l.open {
		c.Close()
	}
	clear(l.open)
}

// Stall lets nothing through until it is released.
func (l *Line) Stall() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gate := make(chan struct{})
	l.stalled = gate
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.stalled == gate {
			l.stalled = nil
			close(gate)
		}
	}
}

// Dials returns how many connections were let through until now.
func (l *Line) Dials() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dials
}

func (l *Line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.carry(near) })
	}
}

func (l *Line) carry(near net.Conn) {
	l.mu.Lock()
	cut, network, target := l.cut, l.network, l.target
	l.mu.Unlock()
	var far net.Conn
	err := net.ErrClosed
	if !cut {
		far, err = net.Dial(network, target)
	}
	if err != nil {
		near.Close()
		return
	}
	l.mu.Lock()
	l.open[near], l.open[far] = true, true
	if l.cut {
		l.drop()
	}
	l.dials++
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pump(near, far) })
	both.Go(func() { l.pump(far, near) })
	both.Wait()
}

// pump copies one way until either side ends.
func (l *Line) pump(from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		gate := l.stalled
		l.mu.Unlock()
		if gate != nil {
			<-gate
		}
		if _, failed := to.Write(b[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (l *Line) close() {
	l.listener.Close()
	l.mu.Lock()
	if l.stalled != nil {
		close(l.stalled)
		l.stalled = nil
	}
	l.cut = true
	l.drop()
	l.mu.Unlock()
	l.wg.Wait()
}
