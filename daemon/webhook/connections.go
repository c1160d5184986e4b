package webhook

import (
	"net"
	"sync"
)

// limitConnections lets at most total connections be open, and at most each
// from one address. Above the total, new ones wait to be accepted; above what
// one address may have, they are closed at once.
func limitConnections(l net.Listener, total, each int) net.Listener {
	return &limited{
		Listener: l, slots: make(chan struct{}, total), done: make(chan struct{}),
		each: each, open: map[string]int{},
	}
}

type limited struct {
	net.Listener
	slots chan struct{}
	done  chan struct{} // closed with the listener
	once  sync.Once
	each  int
	mu    sync.Mutex
	open  map[string]int // by address; guarded by mu
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		from := sourceOf(c.RemoteAddr().String())
		if l.enter(from) {
			return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // it is not ours to tell why it cannot be closed
	}
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

func (l *limited) enter(from string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.each {
		return false
	}
	l.open[from]++
	return true
}

func (l *limited) leave(from string) {
	l.mu.Lock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
	l.mu.Unlock()
	<-l.slots
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}
