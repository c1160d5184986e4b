package vcsim

import (
	"net"
	"sync"
)

// line is the listener of a server, which can be cut and stalled.
type line struct {
	net.Listener

	mu    sync.Mutex
	conns map[*lineConn]struct{}
	cut   bool
	flow  chan struct{} // closed while bytes flow
}

func newLine(l net.Listener) *line {
	flow := make(chan struct{})
	close(flow)
	return &line{Listener: l, conns: make(map[*lineConn]struct{}), flow: flow}
}

// Accept implements net.Listener. While the line is cut, whoever calls is cut
// off.
func (l *line) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if lc := l.take(c); lc != nil {
			return lc, nil
		}
	}
}

func (l *line) take(c net.Conn) *lineConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		reset(c)
		return nil
	}
	lc := &lineConn{Conn: c, line: l}
	l.conns[lc] = struct{}{}
	return lc
}

// reset closes the connection so that the peer sees a reset.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// Cut ends every connection, and every new one, until Restore.
func (s *Server) Cut() {
	l := s.line
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for c := range l.conns {
		reset(c.Conn)
	}
}

// Restore ends what Cut began.
func (s *Server) Restore() {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	s.line.cut = false
}

// CutOnce ends every connection; new ones are taken.
func (s *Server) CutOnce() {
	s.Cut()
	s.Restore()
}

// Stall keeps every connection open and lets no byte through, until Release.
func (s *Server) Stall() {
	l := s.line
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.flow:
		l.flow = make(chan struct{})
	default: // it is stalled
	}
}

// Release ends what Stall began.
func (s *Server) Release() { s.line.release() }

func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.flow:
	default:
		close(l.flow)
	}
}

func (l *line) await() {
	l.mu.Lock()
	flow := l.flow
	l.mu.Unlock()
	<-flow
}

// lineConn is one connection of a line.
type lineConn struct {
	net.Conn
	line *line
}

// Read implements net.Conn.
func (c *lineConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.line.await()
	return n, err
}

// Write implements net.Conn.
func (c *lineConn) Write(b []byte) (int, error) {
	c.line.await()
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *lineConn) Close() error {
	c.line.mu.Lock()
	delete(c.line.conns, c)
	c.line.mu.Unlock()
	return c.Conn.Close()
}
