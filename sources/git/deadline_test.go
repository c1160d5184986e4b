package git

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// late fetches under a deadline that the server lets pass.
func late(t *testing.T, s *Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	snap, err := s.Fetch(ctx)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("want an end by the deadline, took %s", took)
	}
	if snap != nil || !errors.Is(err, context.DeadlineExceeded) || sources.KindOf(err) != sources.Unavailable {
		t.Errorf("want Unavailable with the deadline inside, got %v", err)
	}
}

func TestSilentServers(t *testing.T) {
	r := sourcetest.NewRepo(t)
	_, key := sourcetest.NewIdentity(t)
	pub, _ := sourcetest.NewIdentity(t)
	auth := func(addr string) secret.Set {
		return secret.Set{"identity": secret.New(key), "known_hosts": secret.New(knownhosts.Normalize(addr) + " " + pub)}
	}
	for _, tc := range []struct{ reason, scheme, first string }{
		{"ssh that never speaks", "ssh", ""},
		{"ssh that stops after its version", "ssh", "SSH-2.0-OpenSSH_9.2\r\n"},
		{"http that never speaks", "http", ""},
		{"http that stops in its header", "http", "HTTP/1.1 200 OK\r\nContent-"},
		{"http that stops in its body", "http", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n001e# service=git-upload-pack\n"},
		{"tls that never speaks", "https", ""},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			addr := sourcetest.Silent(t, tc.first)
			late(t, build(t, r, func(c *Config) {
				c.URL = tc.scheme + "://" + addr + "/repo.git"
				if tc.scheme == "ssh" {
					c.Auth = auth(addr)
				}
			}))
		})
	}
}

func TestOwnTimeout(t *testing.T) {
	addr := sourcetest.Silent(t, "")
	s := build(t, sourcetest.NewRepo(t), func(c *Config) { c.URL, c.Timeout = "http://"+addr+"/x", 100*time.Millisecond })
	if _, err := s.Fetch(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want the configured timeout to hold without a deadline, got %v", err)
	}
}

// stall passes n bytes of the pack on and then nothing until the client is gone.
type stall struct {
	http.ResponseWriter
	left int
	gone <-chan struct{}
}

func (s *stall) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	if s.left -= n; s.left == 0 && err == nil {
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		<-s.gone
		return n, io.ErrClosedPipe
	}
	return n, err
}

func TestStallInThePack(t *testing.T) {
	r := sourcetest.NewRepo(t)
	first := r.Commit(map[string]string{"a.yaml": "a"})
	stalling := false
	srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{Wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if stalling && q.Method == http.MethodPost {
				w = &stall{w, 60, q.Context().Done()}
			}
			h.ServeHTTP(w, q)
		})
	}})
	s := build(t, r, func(c *Config) { c.URL = srv.URL })
	want(t, s, first)
	second := r.Commit(map[string]string{"a.yaml": "b"})
	stalling = true
	late(t, s)
	stalling = false
	want(t, s, second)
	if left, err := s.store.packFiles(); err != nil || len(left) != 2 {
		t.Errorf("want one pack per good fetch, got %v, %v", left, err)
	}
}

// cut ends a connection in the middle of the pack.
func TestCutInThePack(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "a"})
	cutting := true
	srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{Wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if cutting && q.Method == http.MethodPost {
				gone := make(chan struct{})
				close(gone)
				w = &stall{w, 60, gone}
				h.ServeHTTP(w, q)
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, q)
		})
	}})
	s := build(t, r, func(c *Config) { c.URL = srv.URL })
	refused(t, s, sources.Unavailable)
	cutting = false
	want(t, s, tip)
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := sourcetest.NewRepo(t)
	refused(t, build(t, r, func(c *Config) { c.URL = "http://" + addr + "/x" }), sources.Unavailable, "connection refused")
}
