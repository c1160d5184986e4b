package sourcetest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Silent accepts connections on loopback, answers the first byte with what first
// holds, and then goes on reading and says nothing more. It returns its host:port.
func Silent(t testing.TB, first string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				if _, err := c.Read(make([]byte, 1)); err != nil {
					return
				}
				_, _ = io.WriteString(c, first)
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}
