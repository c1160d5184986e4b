package webhook

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// serve runs a server until the test ends, and waits for it.
func serve(t *testing.T, cfg ListenConfig) *Server {
	t.Helper()
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// repost makes a request of a test one for a real server.
func repost(t *testing.T, client *http.Client, url string, req *http.Request) (int, error) {
	t.Helper()
	out, err := http.NewRequestWithContext(t.Context(), req.Method, url, req.Body)
	if err != nil {
		t.Fatal(err)
	}
	out.Header, out.ContentLength = req.Header, req.ContentLength
	res, err := client.Do(out)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestPlaintextStaysOnTheLoopback(t *testing.T) {
	h := http.NotFoundHandler()
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0", "nonsense"} {
		if s, err := Listen(ListenConfig{Address: address, Handler: h}); err == nil {
			t.Errorf("%s: accepted", address)
			_ = s.Shutdown(t.Context())
		} else if !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v, want it to name the loopback", address, err)
		}
	}
	for _, cfg := range []ListenConfig{{Address: "127.0.0.1:0"}, {Address: "localhost:0"}, {Address: ":0", AllowPlaintext: true}} {
		cfg.Handler = h
		s, err := Listen(cfg)
		if err != nil {
			t.Errorf("%s: %v", cfg.Address, err)
			continue
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown without Serve: %v", err)
		}
	}
	for _, cfg := range []ListenConfig{{CertFile: "c"}, {KeyFile: "k"}, {CertFile: "absent", KeyFile: "absent"}} {
		cfg.Address, cfg.Handler = "127.0.0.1:0", h
		if _, err := Listen(cfg); err == nil {
			t.Errorf("%+v: accepted", cfg)
		}
	}
}

func TestFloodOverTheLoopback(t *testing.T) {
	r := newRig(t)
	s := serve(t, ListenConfig{Address: "127.0.0.1:0", Handler: r})
	url := "http://" + s.Addr().String() + "/webhook"
	const clients, each = 16, 60
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := range each {
				n := c*each + i
				key, want := wrongProof, http.StatusUnauthorized
				if i%20 == 10 {
					key, want = theSecret, http.StatusAccepted
				}
				if got, err := repost(t, client, url, github(n, key)); err != nil || got != want {
					t.Errorf("delivery %d: %d, %v, want %d", n, got, err, want)
				}
			}
		})
	}
	wg.Wait()
	if pushes, parsed := r.counts(); pushes != clients*each/20 || parsed != pushes {
		t.Errorf("%d notified and %d parsed, want %d", pushes, parsed, clients*each/20)
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	r := newRig(t)
	s := serve(t, ListenConfig{Address: "127.0.0.1:0", Handler: r})
	req := github(1, theSecret)
	req.Header.Set("X-Padding", strings.Repeat("x", 32<<10))
	got, err := repost(t, http.DefaultClient, "http://"+s.Addr().String()+"/webhook", req)
	if err == nil && got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answer %d, want 431", got)
	}
	if r.Stats() != (Stats{}) {
		t.Errorf("the handler was reached: %+v", r.Stats())
	}
}

// pipes is a listener in memory, which knows the time of the bubble.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// inBubble runs a server in memory and fake time.
func inBubble(t *testing.T, test func(t *testing.T, r *rig, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		r, p := newRig(t), newPipes()
		cfg := ListenConfig{Handler: r, Log: r.cfg.Log}
		s := newServer(cfg)
		s.listener = limitConnections(p, 4, 2)
		done := make(chan error, 1)
		go func() { done <- s.Serve() }()
		test(t, r, p)
		if err := errors.Join(s.Shutdown(t.Context()), <-done); err != nil {
			t.Error(err)
		}
	})
}

func TestSlowHeaderIsCut(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, p *pipes) {
		c, start := p.dial(), time.Now()
		var wg sync.WaitGroup
		defer wg.Wait()
		defer c.Close()
		wg.Go(func() {
			for b := []byte("POST /webhook HTTP/1.1\r\nHost: x\r\nX-Slow: "); ; b = []byte("x") {
				if _, err := c.Write(b); err != nil {
					return
				}
				time.Sleep(time.Second) // of the bubble
			}
		})
		_, _ = io.Copy(io.Discard, c)
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("cut after %v, want 5 s", took)
		}
		if r.Stats() != (Stats{}) {
			t.Errorf("the handler was reached: %+v", r.Stats())
		}
	})
}

func TestEndlessBodyIsCut(t *testing.T) {
	digits := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name, header string
		chunk        int
		status       int
		within       time.Duration
	}{
		{"slow", "X-Gitea-Signature: " + digits, 1, http.StatusRequestTimeout, 10 * time.Second},
		{"slow, of a suspect", "X-Gitea-Signature: " + digits, 1, http.StatusRequestTimeout, 2 * time.Second},
		{"fast", "X-Gitea-Signature: " + digits, 32 << 10, http.StatusRequestEntityTooLarge, 2 * time.Second},
		{"unsigned", "X-Gitea-Event: push", 1, http.StatusUnauthorized, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig, p *pipes) {
				for range 20 * strings.Count(tt.name, "suspect") {
					r.gate.fail("unknown", 1) // as a pipe has no address
				}
				c, start := p.dial(), time.Now()
				var wg sync.WaitGroup
				defer wg.Wait()
				defer c.Close()
				wg.Go(func() {
					fmt.Fprintf(c, "POST /webhook HTTP/1.1\r\nHost: x\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n", tt.header)
					for data := strings.Repeat("x", tt.chunk); ; time.Sleep(time.Second / 32) { // of the bubble
						if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", tt.chunk, data); err != nil {
							return
						}
					}
				})
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if res.StatusCode != tt.status || !res.Close {
					t.Errorf("answer %d, closing %v, want %d and closing", res.StatusCode, res.Close, tt.status)
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					t.Error(err)
				}
				_, _ = c.Read(make([]byte, 1)) // returns when the connection is closed
				if took := time.Since(start); took > tt.within+time.Second {
					t.Errorf("answered and closed after %v, want %v", took, tt.within)
				}
				if pushes, parsed := r.counts(); pushes+parsed != 0 {
					t.Errorf("%d notified, %d parsed, want none", pushes, parsed)
				}
			})
		})
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, p *pipes) {
		first, second := p.dial(), p.dial() // of one address: a pipe has none
		third, start := p.dial(), time.Now()
		if _, err := third.Read(make([]byte, 1)); err == nil || time.Since(start) > time.Second {
			t.Error("a third connection of one address was kept")
		}
		first.Close()
		synctest.Wait()
		fourth := p.dial()
		if err := github(1, theSecret).Write(fourth); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(fourth), nil)
		if err != nil || res.StatusCode != http.StatusAccepted {
			t.Errorf("after one was closed: %v, %v, want accepted", res, err)
		}
		second.Close()
		fourth.Close()
	})
}

// writePair makes a certificate for a name, with files of a time of their own.
func writePair(t *testing.T, certFile, keyFile, name string, at time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(at.Unix()), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if file == "" {
			continue
		}
		if err := errors.Join(os.WriteFile(file, pem.EncodeToMemory(block), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificateIsReloaded(t *testing.T) {
	dir, t0 := t.TempDir(), time.Now().Add(-time.Hour)
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, cert, key, "one.example.org", t0)
	r := newRig(t)
	s := serve(t, ListenConfig{Address: "127.0.0.1:0", Handler: r, CertFile: cert, KeyFile: key, Log: r.cfg.Log})
	shown := func(version uint16) (string, error) {
		c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: version, MinVersion: tls.VersionTLS10})
		if err != nil {
			return "", err
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].DNSNames[0], nil
	}
	expect := func(when, want string) {
		t.Helper()
		for range 2 {
			if got, err := shown(tls.VersionTLS13); err != nil || got != want {
				t.Errorf("%s: %q is shown, %v, want %q", when, got, err, want)
			}
		}
	}
	expect("at first", "one.example.org")
	writePair(t, cert, "", "torn.example.org", t0.Add(time.Minute))
	expect("with a key that does not fit", "one.example.org")
	writePair(t, cert, key, "two.example.org", t0.Add(2*time.Minute))
	expect("after renewal", "two.example.org")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	expect("without a key", "two.example.org")
	if n := strings.Count(r.log.String(), "not reloaded"); n != 2 {
		t.Errorf("%d lines about what did not fit, want one for each of the two:\n%s", n, r.log.String())
	}
	if _, err := shown(tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	if got, err := repost(t, client, "https://"+s.Addr().String()+"/webhook", github(1, theSecret)); err != nil || got != http.StatusAccepted {
		t.Errorf("over TLS: %d, %v, want accepted", got, err)
	}
	if bytes.Contains(r.log.Bytes(), []byte("PRIVATE")) {
		t.Error("the log holds a key")
	}
}
