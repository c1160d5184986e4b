package farewell_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc/credentials"

	"github.com/vmsteward/vmsteward/internal/farewell"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// TestARefusedClientHearsWhy has clients that speak at once, and whose
// certificate nobody trusts.
func TestARefusedClientHearsWhy(t *testing.T) {
	ours, theirs := remotetest.NewAuthority(t), remotetest.NewAuthority(t)
	server := farewell.Polite(credentials.NewTLS(config(t, ours)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				if _, _, err := server.Clone().ServerHandshake(raw); err == nil {
					t.Error("a stranger was let in")
				}
			}()
		}
	}()
	stranger := config(t, theirs)
	stranger.InsecureSkipVerify = true // the server is not what this is about
	for range 50 {
		c, err := tls.Dial("tcp", l.Addr().String(), stranger)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			_, _ = c.Write(make([]byte, 4096)) // it may be closed by now
		}
		_, err = io.ReadAll(c)
		var said *net.OpError
		if !errors.As(err, &said) || said.Op != "remote error" {
			t.Fatalf("the client was not told why, but: %v", err)
		}
		c.Close()
	}
}

// config is that of a peer of an authority, which trusts no other.
func config(t *testing.T, a *remotetest.Authority) *tls.Config {
	t.Helper()
	crt, key := a.Issue("peer.test")
	pair, err := tls.X509KeyPair(crt, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(a.Credential("peer.test")["ca.crt"].Reveal()))
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"},
	}
}
