package metrics

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	why := errors.New("the first pass\nis not complete")
	for _, tc := range []struct {
		path   string
		health Health
		code   int
		text   string
	}{
		{"/healthz", Health{}, 200, "ok\n"},
		{"/healthz", Health{Alive: func() error { return why }}, 503, "the first pass is not complete\n"},
		{"/readyz", Health{}, 503, "the daemon has not started yet\n"},
		{"/readyz", Health{Ready: func() error { return why }}, 503, "the first pass is not complete\n"},
		{"/readyz", Health{Ready: func() error { return nil }}, 200, "ok\n"},
		{"/elsewhere", Health{}, 404, "404 page not found\n"},
	} {
		if code, text := get(t, New("v1").Handler(tc.health), tc.path); code != tc.code || text != tc.text {
			t.Errorf("%s: want %d %q, got %d %q", tc.path, tc.code, tc.text, code, text)
		}
	}
}

func serve(t *testing.T, opts ServerOptions, h http.Handler) *Server {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	s, err := Listen(opts, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPlainStaysOnThisHost(t *testing.T) {
	for _, tc := range []struct {
		opts ServerOptions
		text string // of the error; empty: it listens
	}{
		{ServerOptions{Address: "127.0.0.1:0"}, ""},
		{ServerOptions{Address: "localhost:0"}, ""},
		{ServerOptions{Address: "0.0.0.0:0", AllowPlain: true}, ""},
		{ServerOptions{Address: ":0"}, "no certificate"},
		{ServerOptions{Address: "0.0.0.0:0"}, "no certificate"},
		{ServerOptions{Address: "[::]:0"}, "no certificate"},
		{ServerOptions{Address: "localhost.example.org:0"}, "no certificate"},
		{ServerOptions{Address: "9717"}, "host:port"},
		{ServerOptions{Address: "127.0.0.1:0", CertFile: "x"}, "both or not at all"},
		{ServerOptions{Address: "127.0.0.1:0", CertFile: "/nonexistent", KeyFile: "/nonexistent"}, "/nonexistent"},
	} {
		tc.opts.Log = slog.New(slog.DiscardHandler)
		s, err := Listen(tc.opts, New("v1").Handler(Health{}))
		if err == nil {
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if tc.text == "" && err != nil || tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)) {
			t.Errorf("%+v: want %q, got %v", tc.opts, tc.text, err)
		}
	}
}

// certificate writes a new certificate for 127.0.0.1 and returns it.
func certificate(t *testing.T, certFile, keyFile string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	stamp := time.Unix(1_790_000_000+serial, 0)
	for name, b := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := errors.Join(os.WriteFile(name, pem.EncodeToMemory(b), 0o600), os.Chtimes(name, stamp, stamp)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRenewedCertificate(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	first := certificate(t, cert, key, 1)
	s := serve(t, ServerOptions{Address: "127.0.0.1:0", CertFile: cert, KeyFile: key}, New("v1").Handler(Health{}))
	ask := func(trusted *x509.Certificate) (string, error) {
		pool := x509.NewCertPool()
		pool.AddCert(trusted)
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
		resp, err := c.Get("https://" + s.Address() + "/metrics")
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	for range 2 {
		if text, err := ask(first); err != nil || !strings.Contains(text, "vmsteward_build_info") {
			t.Fatalf("want the metrics, got %v", err)
		}
		if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil { // being renewed
			t.Fatal(err)
		}
	}
	if _, err := ask(certificate(t, cert, key, 2)); err != nil {
		t.Errorf("the renewed certificate is not used: %v", err)
	}
	if resp, err := http.Get("http://" + s.Address() + "/metrics"); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("want plain text refused, got %v, %v", resp, err)
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	opts := ServerOptions{Address: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	s, err := Listen(opts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "to the end")
	}))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		resp, err := http.Get("http://" + s.Address())
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); string(b) != "to the end" {
			t.Errorf("got %q, %v", b, err)
		}
	})
	<-entered
	s.http.RegisterOnShutdown(func() { close(leave) })
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
}
