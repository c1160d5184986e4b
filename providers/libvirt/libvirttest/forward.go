package libvirttest

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// forward listens on a free loopback port of the machine and forwards to a
// port of the host's own loopback, for the host has a network namespace of its
// own. It returns the address.
func (h *Host) forward(t testing.TB, port int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		open.Wait()
	})
	open.Go(func() {
		for {
			outer, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer outer.Close()
				if inner, err := h.dialInside(port); err == nil {
					pipe(outer, inner)
				}
			})
		}
	})
	return l.Addr().String()
}

// pipe copies both ways until either side has ended.
func pipe(a, b net.Conn) {
	var both sync.WaitGroup
	for _, d := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			io.Copy(d[0], d[1])
			d[0].Close()
			d[1].Close()
		})
	}
	both.Wait()
}

// dialInside dials a loopback port of the host's network namespace. Only the
// thread that makes the socket has to be in there.
func (h *Host) dialInside(port int) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		conn, err := h.enterAndDial(port)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

func (h *Host) enterAndDial(port int) (net.Conn, error) {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.inside()))
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), syscall.CLONE_NEWNET); err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "inside")
	defer f.Close()
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	return net.FileConn(f)
}

// inside is the id of a process in the host's namespaces: that of unshare
// itself, which enters all but the process namespace.
func (h *Host) inside() int { return h.pid }
