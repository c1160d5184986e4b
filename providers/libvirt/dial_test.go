package libvirt

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"golang.org/x/crypto/ssh"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// creds makes a credential of pairs of names and contents.
func creds(pairs ...string) secret.Set {
	s := secret.Set{}
	for i := 0; i < len(pairs); i += 2 {
		s[pairs[i]] = secret.New(pairs[i+1])
	}
	return s
}

// dialCase is one way to connect, and what is to come of it.
type dialCase struct {
	reason string
	cfg    sessionConfig
	kind   providers.Kind // empty: it connects
	says   []string
}

func (tc dialCase) check(t *testing.T) {
	t.Helper()
	s := newTestSession(t, tc.cfg)
	_, err := libVersion(t.Context(), s, work)
	if providers.KindOf(err) != tc.kind {
		t.Errorf("%s: kind %q, want %q: %v", tc.reason, providers.KindOf(err), tc.kind, err)
	}
	for _, word := range tc.says {
		if err != nil && !strings.Contains(err.Error(), word) {
			t.Errorf("%s: the error does not say %q: %v", tc.reason, word, err)
		}
	}
}

func TestConnectBySSH(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	server := libvirttest.ServeSSH(t, h)
	closed := libvirttest.ServeSSH(t, h, "AllowStreamLocalForwarding no")
	wrongKey, wrongPub := libvirttest.NewSSHKey(t)
	block, err := ssh.ParseRawPrivateKey([]byte(server.Key))
	if err != nil {
		t.Fatal(err)
	}
	locked := lockedKey(t, block)
	changed := libvirttest.KnownHosts(server.Address, wrongPub)
	pinned, _, _, _, _ := ssh.ParseAuthorizedKey([]byte(strings.SplitN(server.KnownHosts, " ", 2)[1]))
	noSocket := strings.Split(server.URI, "?")[0] + "?socket=/nonexistent/libvirt-sock"

	for _, tc := range []dialCase{
		{"the right key", sessionConfig{Endpoint: server.URI, Credentials: creds("ssh-privatekey", server.Key, "known_hosts", server.KnownHosts)}, "", nil},
		{"the right key by its other name", sessionConfig{Endpoint: server.URI, Credentials: creds("identity", server.Key, "known_hosts", server.KnownHosts)}, "", nil},
		{"an encrypted key", sessionConfig{Endpoint: server.URI, Credentials: creds("ssh-privatekey", locked, "ssh-passphrase", "open sesame", "known_hosts", server.KnownHosts)}, "", nil},
		{"the user from the credential", sessionConfig{Endpoint: strings.Replace(server.URI, "root@", "", 1), Credentials: creds("username", "root", "ssh-privatekey", server.Key, "known_hosts", server.KnownHosts)}, "", nil},
		{"a key that is not let in", sessionConfig{Endpoint: server.URI, Credentials: creds("ssh-privatekey", wrongKey, "known_hosts", server.KnownHosts)},
			providers.Unauthorized, []string{"refused the login of root"}},
		{"a password where none is taken", sessionConfig{Endpoint: server.URI, Credentials: creds("password", "hunter2", "known_hosts", server.KnownHosts)},
			providers.Unauthorized, []string{"refused the login of root"}},
		{"an unknown host", sessionConfig{Endpoint: server.URI, Credentials: creds("ssh-privatekey", server.Key, "known_hosts", "other "+strings.SplitN(server.KnownHosts, " ", 2)[1])},
			providers.Unauthorized, []string{"is unknown", "SHA256:", "pins no key"}},
		{"a changed host", sessionConfig{Endpoint: server.URI, Credentials: creds("ssh-privatekey", server.Key, "known_hosts", changed)},
			providers.Unauthorized, []string{"has changed", ssh.FingerprintSHA256(pinned), ssh.FingerprintSHA256(wrongPub)}},
		{"forwarding forbidden", sessionConfig{Endpoint: closed.URI, Credentials: creds("ssh-privatekey", closed.Key, "known_hosts", closed.KnownHosts)},
			providers.Unavailable, []string{"AllowStreamLocalForwarding"}},
		{"no daemon at the other end", sessionConfig{Endpoint: noSocket, Credentials: creds("ssh-privatekey", server.Key, "known_hosts", server.KnownHosts)},
			providers.Unavailable, []string{"/nonexistent/libvirt-sock", "group libvirt"}},
	} {
		tc.check(t)
	}
}

// lockedKey encrypts a key.
func lockedKey(t *testing.T, key any) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func TestConnectByTLS(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true, Listen: true})
	uri := h.ServeTLS(t)
	good := h.Authority.Issue(t, "client")
	stranger := libvirttest.NewAuthority(t)
	foreign := stranger.Issue(t, "client")
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(uri, "qemu+tls://"), "/system"))

	for _, tc := range []dialCase{
		{"good certificates", sessionConfig{Endpoint: uri, Credentials: creds("ca.crt", h.Authority.PEM, "tls.crt", good.Cert, "tls.key", good.Key)}, "", nil},
		{"by name", sessionConfig{Endpoint: "qemu+tls://localhost:" + port + "/system", Credentials: creds("ca.crt", h.Authority.PEM, "tls.crt", good.Cert, "tls.key", good.Key)}, "", nil},
		{"a server of another authority", sessionConfig{Endpoint: uri, Credentials: creds("ca.crt", stranger.PEM, "tls.crt", good.Cert, "tls.key", good.Key)},
			providers.Unauthorized, []string{"server's certificate is refused"}},
		{"the same, unverified on request", sessionConfig{Endpoint: uri, InsecureSkipVerify: true, Credentials: creds("tls.crt", good.Cert, "tls.key", good.Key)}, "", nil},
		{"a client of another authority", sessionConfig{Endpoint: uri, Credentials: creds("ca.crt", h.Authority.PEM, "tls.crt", foreign.Cert, "tls.key", foreign.Key)},
			providers.Unauthorized, []string{"refused our certificate"}},
		{"a client without certificate", sessionConfig{Endpoint: uri, Credentials: creds("ca.crt", h.Authority.PEM)},
			providers.Unauthorized, []string{"refused our certificate"}},
		{"in the clear", sessionConfig{Endpoint: h.ServeTCP(t)}, "", nil},
		{"TLS to a port that speaks in the clear", sessionConfig{Endpoint: strings.Replace(h.ServeTCP(t), "tcp", "tls", 1), ConnectTimeout: 2 * time.Second, Credentials: creds("ca.crt", h.Authority.PEM)}, providers.Unavailable, nil},
		{"in the clear to a port that speaks TLS", sessionConfig{Endpoint: strings.Replace(uri, "tls", "tcp", 1), ConnectTimeout: 2 * time.Second}, providers.Unavailable, nil},
	} {
		tc.check(t)
	}
}

func TestCredentialsAreCheckedBeforeDialling(t *testing.T) {
	key, pub := libvirttest.NewSSHKey(t)
	raw, err := ssh.ParseRawPrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	known := libvirttest.KnownHosts("kvm1:22", pub)
	a, b := libvirttest.NewAuthority(t), libvirttest.NewAuthority(t)
	crt, other := a.Issue(t, "x"), b.Issue(t, "y")
	const bySSH, byTLS = "qemu+ssh://root@kvm1/system", "qemu+tls://kvm1/system"
	for _, tc := range []struct {
		reason, uri string
		creds       secret.Set
		says        string
	}{
		{"no key", bySSH, creds("known_hosts", known), `"ssh-privatekey" and "password"`},
		{"no known hosts", bySSH, creds("ssh-privatekey", key), `lacks "known_hosts"`},
		{"no user", "qemu+ssh://kvm1/system", creds("ssh-privatekey", key, "known_hosts", known), "SSH user"},
		{"a broken key", bySSH, creds("ssh-privatekey", "hunter2", "known_hosts", known), "cannot be read"},
		{"a key without its passphrase", bySSH, creds("ssh-privatekey", lockedKey(t, raw), "known_hosts", known), "ssh-passphrase"},
		{"broken known hosts", bySSH, creds("ssh-privatekey", key, "known_hosts", "kvm1 ssh-ed25519 hunter2"), "known_hosts cannot be read"},
		{"no authority", byTLS, creds("tls.crt", crt.Cert, "tls.key", crt.Key), `lacks "ca.crt"`},
		{"a broken authority", byTLS, creds("ca.crt", "hunter2"), "no certificate"},
		{"a certificate without its key", byTLS, creds("ca.crt", a.PEM, "tls.crt", crt.Cert), "go together"},
		{"another's key", byTLS, creds("ca.crt", a.PEM, "tls.crt", crt.Cert, "tls.key", other.Key), "tls.key"},
		{"no runtime folder", "qemu:///session", nil, "XDG_RUNTIME_DIR"},
		{"no URI", "", nil, "supported are"},
	} {
		_, err := newSession(sessionConfig{Endpoint: tc.uri, Credentials: tc.creds})
		switch {
		case err == nil:
			t.Errorf("%s: accepted", tc.reason)
		case providers.KindOf(err) != providers.InvalidSpec || !strings.Contains(err.Error(), tc.says):
			t.Errorf("%s: %v", tc.reason, err)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error repeats a secret: %v", tc.reason, err)
		}
	}
}

func TestARefusedLoginIsUnauthorized(t *testing.T) {
	for _, code := range []golibvirt.ErrorNumber{golibvirt.ErrAuthFailed, golibvirt.ErrAuthUnavailable, golibvirt.ErrAccessDenied} {
		err := dialError("qemu:///system", golibvirt.Error{Code: uint32(code), Message: "authentication unavailable: no polkit agent"})
		wantKind(t, err, providers.Unauthorized)
		if !strings.Contains(err.Error(), "group libvirt") {
			t.Errorf("no advice: %v", err)
		}
	}
}

func TestTheModularDaemonsSocketIsUsedWhenItAloneIsThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "libvirt")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	paths := socketsIn(dir)
	d := unixDialer{paths}
	if _, err := d.dial(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "libvirt-sock") {
		t.Errorf("without any socket: %v", err)
	}
	l, err := net.Listen("unix", paths[1])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := d.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
