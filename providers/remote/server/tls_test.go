package server

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// TestStrangersAreRefused tries every way in but the right one. Each is in the
// log with its address and the cause, and without a secret.
func TestStrangersAreRefused(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	server, friend, colleague, stranger := ours.issue("server", "", ""), ours.issue("steward-1", "", ""), ours.issue("web-frontend", "", ""), theirs.issue("steward-1", "", "")
	f := files(t, ours, server)
	f.Allow = []string{"steward-1"}
	s := serve(t, memory.New(memory.Options{}), Options{TLS: f})

	old := config(t, ours, &friend)
	old.MaxVersion = tls.VersionTLS12
	for _, row := range []struct {
		reason string
		config *tls.Config
		code   codes.Code
		log    []string
	}{
		{"no certificate", config(t, ours, nil), codes.Unavailable, []string{"level=WARN", "connection refused", "peer=127.0.0.1:", "client didn't provide a certificate"}},
		{"a certificate of another CA", config(t, ours, &stranger), codes.Unavailable, []string{"level=WARN", "connection refused", "peer=127.0.0.1:", "signed by unknown authority"}},
		{"TLS 1.2", old, codes.Unavailable, []string{"level=WARN", "connection refused", "peer=127.0.0.1:", "client offered only unsupported versions: [303]"}},
		{"no TLS", nil, codes.Unavailable, []string{"level=WARN", "connection refused", "peer=127.0.0.1:", "first record does not look like a TLS handshake"}},
		{"not on the list", config(t, ours, &colleague), codes.PermissionDenied, []string{"level=WARN", "call refused", "peer=web-frontend", "address=127.0.0.1:", "method=Steward/Hello"}},
	} {
		_, err := s.dial(t, row.config).Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet})
		if status.Code(err) != row.code {
			t.Errorf("%s: %v, want code %s", row.reason, err, row.code)
		}
		s.log.line(t, row.log...)
	}
	if _, err := s.dial(t, config(t, ours, &friend)).Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet}); err != nil {
		t.Errorf("who is on the list is refused: %v", err)
	}
	noSecret(t, s.log.String(), server, friend, colleague, stranger)
}

// noSecret fails if a text has a part of a key in it, or of a certificate.
func noSecret(t *testing.T, text string, pairs ...pair) {
	t.Helper()
	for _, p := range pairs {
		for _, b := range [][]byte{p.key, p.cert} {
			block, _ := pem.Decode(b)
			encoded := base64.StdEncoding.EncodeToString(block.Bytes)
			for i := 0; i+24 <= len(encoded); i += 8 {
				if strings.Contains(text, encoded[i:i+24]) {
					t.Fatalf("the log holds a part of a %s:\n%s", block.Type, text)
				}
			}
		}
	}
	if strings.Contains(text, "BEGIN") {
		t.Errorf("the log holds PEM:\n%s", text)
	}
}

// TestNamesOnTheList lets a peer in by any name that its certificate proves,
// written exactly so.
func TestNamesOnTheList(t *testing.T) {
	ours := newAuthority(t, "ours")
	peer := ours.issue("steward-1", "one.example.org", "spiffe://example.org/steward")
	for _, row := range []struct {
		reason string
		allow  []string
		want   codes.Code
	}{
		{"nobody is named: all of the CA", nil, codes.OK},
		{"by the common name", []string{"x", "steward-1"}, codes.OK},
		{"by the DNS name", []string{"one.example.org"}, codes.OK},
		{"by the URI", []string{"spiffe://example.org/steward"}, codes.OK},
		{"a part is not the name", []string{"example.org", "steward", "steward-11", "*.example.org"}, codes.PermissionDenied},
		{"case counts", []string{"Steward-1"}, codes.PermissionDenied},
		{"an empty name is nobody's", []string{""}, codes.PermissionDenied},
	} {
		f := files(t, ours, ours.issue("server", "", ""))
		f.Allow = row.allow
		s := serve(t, memory.New(memory.Options{}), Options{TLS: f})
		_, err := s.dial(t, config(t, ours, &peer)).Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet})
		if status.Code(err) != row.want {
			t.Errorf("%s: %v, want code %s", row.reason, err, row.want)
		}
	}
}

// TestRenewedFilesAreUsed changes the files under a running server.
func TestRenewedFilesAreUsed(t *testing.T) {
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	old, renewed := before.issue("old", "", ""), after.issue("renewed", "", "")
	f := files(t, before, before.issue("server", "", ""))
	s := serve(t, memory.New(memory.Options{}), Options{TLS: f})
	may := func(trusts *authority, shows *pair) bool {
		t.Helper()
		_, err := s.dial(t, config(t, trusts, shows)).Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet})
		return err == nil
	}
	if !may(before, &old) || may(before, &renewed) {
		t.Fatal("the files of the start are not used")
	}
	put(t, f.CAFile, after.pem)
	if may(before, &old) || !may(before, &renewed) {
		t.Error("another CA is not used, or the one before still is")
	}
	server := after.issue("server", "", "")
	put(t, f.CertFile, server.cert) // the key is not there yet
	if !may(before, &renewed) || !may(before, &renewed) {
		t.Error("half of a pair ends what worked")
	}
	s.log.line(t, "level=WARN", "certificate files cannot be used", "private key does not match public key")
	if n := strings.Count(s.log.String(), "certificate files cannot be used"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	put(t, f.KeyFile, server.key)
	if !may(after, &renewed) || may(before, &renewed) {
		t.Error("a renewed certificate of the server is not shown")
	}
	put(t, f.CAFile, nil)
	if !may(after, &renewed) {
		t.Error("a CA file that is being written ends what worked")
	}
	s.log.line(t, "level=WARN", "certificate files cannot be used", "ca.crt holds no certificate")
	noSecret(t, s.log.String(), server, old, renewed)
}

// TestACallOutlivesARenewal: what is open stays open.
func TestACallOutlivesARenewal(t *testing.T) {
	ours := newAuthority(t, "ours")
	peer := ours.issue("peer", "", "")
	f := files(t, ours, ours.issue("server", "", ""))
	s := serve(t, memory.New(memory.Options{}), Options{TLS: f})
	c := s.dial(t, config(t, ours, &peer))
	for range 2 {
		if _, err := c.Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet}); err != nil {
			t.Fatal(err)
		}
		put(t, f.CAFile, newAuthority(t, "other").pem)
	}
}

// TestSilentPeersDoNotLockTheDoor holds many handshakes open, and then as many
// as there may be.
func TestSilentPeersDoNotLockTheDoor(t *testing.T) {
	ours := newAuthority(t, "ours")
	peer := ours.issue("peer", "", "")
	s := serve(t, memory.New(memory.Options{}), Options{TLS: files(t, ours, ours.issue("server", "", ""))})
	var d net.Dialer
	for range 100 {
		conn, err := d.DialContext(t.Context(), "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if _, err := s.dial(t, config(t, ours, &peer)).Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet}); err != nil {
		t.Errorf("nobody is let in: %v", err)
	}
	full := newDoor(s.keys, s.refusals)
	for range cap(full.room) {
		full.room <- struct{}{}
	}
	here, there := net.Pipe()
	defer there.Close()
	if _, _, err := full.ServerHandshake(here); err != errCrowd {
		t.Errorf("one more handshake: %v, want %v", err, errCrowd)
	}
	s.log.line(t, "level=WARN", "connection refused", errCrowd.Error())
}
