package libvirt

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// The numbers of libvirt's calls that change something, as its protocol has
// them for good.
const (
	procGetXML = 14
	procUpload = 208
)

func changes(proc uint32) bool {
	switch proc {
	case 11, 29, 93, 94, 125, 160, 161, 174, 196, 199, 204, procUpload, 231, 234, 251, 260, 264, 350, 358:
		return true
	}
	return false
}

// wiretap stands between a provider and a libvirt host. It counts calls, and
// can cut the line after the n-th call that changes something: the host did
// it, and the provider never hears of it, as when its process is killed.
type wiretap struct {
	socket, upstream string

	mu    sync.Mutex
	calls map[uint32]int
	left  int // changing calls until the line is cut; 0: it is not
	conns map[net.Conn]bool
	deaf  bool               // connections are refused
	blurs map[uuid.UUID]bool // domains whose documents cannot be read
}

func newWiretap(t *testing.T, upstream string) *wiretap {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tap-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{socket: filepath.Join(dir, "s"), upstream: upstream, calls: map[uint32]int{}, conns: map[net.Conn]bool{}, blurs: map[uuid.UUID]bool{}}
	l, err := net.Listen("unix", w.socket)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { w.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.hangUp()
		served.Wait()
		os.RemoveAll(dir)
	})
	return w
}

func (w *wiretap) uri() string { return "qemu+unix:///system?socket=" + url.QueryEscape(w.socket) }

// hangUp closes every connection.
func (w *wiretap) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
}

// refuse hangs up and refuses connections until it is called with false.
func (w *wiretap) refuse(deaf bool) {
	w.mu.Lock()
	w.deaf = deaf
	w.mu.Unlock()
	if deaf {
		w.hangUp()
	}
}

// cutAfter cuts the line after n changing calls.
func (w *wiretap) cutAfter(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = n
}

// blur lets the host refuse to show a domain's document, or show it again: the
// flags of the call are made ones that it does not know.
func (w *wiretap) blur(id uuid.UUID, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blurs[id] = on
}

// count returns the calls made during fn.
func (w *wiretap) count(fn func()) map[uint32]int {
	w.mu.Lock()
	w.calls = map[uint32]int{}
	w.mu.Unlock()
	fn()
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.calls)
}

// line is one connection through the tap.
type line struct {
	*wiretap
	client, server net.Conn

	mu   sync.Mutex
	last *uint32 // serial of the call after whose answer the line is cut
}

func (w *wiretap) serve(client net.Conn) {
	defer client.Close()
	w.mu.Lock()
	deaf := w.deaf
	w.conns[client] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.conns, client)
		w.mu.Unlock()
	}()
	if deaf {
		return
	}
	server, err := net.Dial("unix", w.upstream)
	if err != nil {
		return
	}
	defer server.Close()
	l := &line{wiretap: w, client: client, server: server}
	done := make(chan struct{})
	go func() {
		defer close(done)
		relay(client, server, l.answer)
		client.Close()
	}()
	relay(server, client, l.call)
	server.Close()
	<-done
}

// relay passes packets on for as long as pass says so.
func relay(to io.Writer, from io.Reader, pass func(packet []byte) bool) {
	for {
		var size [4]byte
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint32(size[:]))
		copy(packet, size[:])
		if _, err := io.ReadFull(from, packet[4:]); err != nil || !pass(packet) {
			return
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

// A packet's header: size, program, version, procedure, type, serial, status.
func procedure(packet []byte) uint32 { return binary.BigEndian.Uint32(packet[12:]) }
func isStream(packet []byte) bool    { return binary.BigEndian.Uint32(packet[16:]) == 3 }
func serial(packet []byte) uint32    { return binary.BigEndian.Uint32(packet[20:]) }

// call sees a packet on its way to the host.
func (l *line) call(packet []byte) bool {
	l.wiretap.mu.Lock()
	defer l.wiretap.mu.Unlock()
	proc := procedure(packet)
	if isStream(packet) {
		return true
	}
	l.calls[proc]++
	for id, on := range l.blurs {
		if on && proc == procGetXML && bytes.Contains(packet, id[:]) {
			binary.BigEndian.PutUint32(packet[len(packet)-4:], math.MaxUint32)
		}
	}
	if !changes(proc) || l.left == 0 {
		return true
	}
	l.left--
	if l.left == 0 {
		n := serial(packet)
		l.mu.Lock()
		l.last = &n
		l.mu.Unlock()
	}
	return true
}

// answer sees a packet on its way back. An upload is cut off at its first
// answer, before its content has gone.
func (l *line) answer(packet []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last == nil || *l.last != serial(packet)
}
