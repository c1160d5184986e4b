package libvirt

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// packet makes a packet of the given type and status with a body of n bytes.
func packet(procedure, kind, status uint32, n int) []byte {
	var b bytes.Buffer
	for _, v := range []uint32{uint32(headLen + n), 0x20008086, 1, procedure, kind, 1, status} {
		binary.Write(&b, binary.BigEndian, v)
	}
	b.Write(make([]byte, n))
	return b.Bytes()
}

func TestFramesFollowTheStream(t *testing.T) {
	yes := packet(openProcedure, replyType, statusOK, 0)
	for _, tc := range []struct {
		reason string
		stream []byte
		opened bool
		err    error
	}{
		{"nothing", nil, false, nil},
		{"the yes to the open call", yes, true, nil},
		{"the yes after other packets", append(packet(66, 1, 0, 1000), yes...), true, nil},
		{"half of the yes", yes[:headLen-1], false, nil},
		{"a no", packet(openProcedure, replyType, 1, 100), false, nil},
		{"another call's yes", packet(2, replyType, statusOK, 0), false, nil},
		{"a large packet", packet(2, replyType, statusOK, 1<<20), false, nil},
		{"less than a header", []byte{0, 0, 0, 27}, false, errBadFrame},
		{"more than anybody sends", []byte{255, 255, 255, 255}, false, errBadFrame},
		{"a web server", []byte("HTTP/1.1 400 Bad Request"), false, errBadFrame},
	} {
		for _, chunk := range []int{1, 7, 28, 4096} {
			var f frames
			var err error
			for rest := tc.stream; len(rest) > 0 && err == nil; {
				n := min(chunk, len(rest))
				err = f.feed(rest[:n])
				rest = rest[n:]
			}
			if f.opened != tc.opened || err != tc.err {
				t.Errorf("%s in chunks of %d: opened %v, %v; want %v, %v", tc.reason, chunk, f.opened, err, tc.opened, tc.err)
			}
		}
	}
}

// serve answers every connection with answer and keeps it open.
func serve(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer c.Close()
				answer(c)
				io.Copy(io.Discard, c)
			})
		}
	})
	return "qemu+tcp://" + l.Addr().String() + "/system"
}

func TestAPeerThatIsNoLibvirtd(t *testing.T) {
	for _, tc := range []struct {
		reason string
		answer func(net.Conn)
		says   string
	}{
		{"a web server", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "protocol"},
		{"an SSH server", func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n") }, "protocol"},
		{"packets without a header", func(c net.Conn) { c.Write(make([]byte, 64)) }, "protocol"},
		{"one that hangs up", func(c net.Conn) { c.Close() }, ""},
		{"one that says yes, and then nonsense", func(c net.Conn) {
			c.Write(append(packet(openProcedure, replyType, statusOK, 0), "nonsense"...))
		}, ""},
		{"one that says nothing", func(net.Conn) {}, "no answer in time"},
	} {
		s := newTestSession(t, sessionConfig{Endpoint: serve(t, tc.answer), ConnectTimeout: 500 * time.Millisecond})
		begin := time.Now()
		_, err := libVersion(t.Context(), s, work)
		if took := time.Since(begin); took > slack {
			t.Errorf("%s: took %v", tc.reason, took)
		}
		wantKind(t, err, providers.Unavailable)
		if err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: the error does not say %q: %v", tc.reason, tc.says, err)
		}
	}
}

// TestASilentPeer shows that each transport's greeting is bounded.
func TestASilentPeer(t *testing.T) {
	tcp := serve(t, func(net.Conn) {})
	key, pub := libvirttest.NewSSHKey(t)
	cfg := sessionConfig{
		ConnectTimeout: 300 * time.Millisecond,
		Credentials: creds("ca.crt", libvirttest.NewAuthority(t).PEM, "username", "root",
			"ssh-privatekey", key, "known_hosts", libvirttest.KnownHosts("kvm1:22", pub)),
	}
	for _, transport := range []string{"tcp", "tls", "ssh"} {
		cfg.Endpoint = strings.Replace(tcp, "tcp", transport, 1)
		s := newTestSession(t, cfg)
		begin := time.Now()
		_, err := libVersion(t.Context(), s, work)
		took := time.Since(begin)
		t.Logf("%s: %v: %v", transport, took.Round(time.Millisecond), err)
		wantKind(t, err, providers.Unavailable)
		if took > cfg.ConnectTimeout+slack {
			t.Errorf("%s: took %v", transport, took)
		}
	}
}

// TestALossRightAfterConnecting is for the race detector: the library looks at
// a field when the stream is lost that its Connect may still be writing.
func TestALossRightAfterConnecting(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	e, err := parseURI(h.URI())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		d := cutAfterOpen{unixDialer{[]string{h.Socket}}}
		c, err := openConn(t.Context(), d, e)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		err = c.run(t.Context(), func(v *golibvirt.Libvirt) error {
			_, err := v.ConnectGetLibVersion()
			return err
		})
		wantKind(t, err, providers.Unavailable)
		c.wire.kill(errClosed)
	}
}

// cutAfterOpen dials connections that break after the reply to the open call.
type cutAfterOpen struct{ dialer }

func (d cutAfterOpen) dial(ctx context.Context) (net.Conn, error) {
	c, err := d.dialer.dial(ctx)
	return &cutConn{Conn: c}, err
}

type cutConn struct {
	net.Conn
	seen frames
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.seen.opened {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	if err == nil {
		err = c.seen.feed(p[:n])
	}
	return n, err
}
