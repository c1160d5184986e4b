package git

import (
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

func TestHostKeys(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "a"})
	srv := sourcetest.ServeSSH(t, r)
	other := sourcetest.ServeSSH(t, r)
	print := func(s *sourcetest.SSHServer, kind string) string { return xssh.FingerprintSHA256(s.HostKeys[kind]) }
	// Lines of the other server under the name of the first.
	foreign := func(kinds ...string) string {
		return strings.ReplaceAll(other.KnownHosts(kinds...), other.Addr, srv.Addr)
	}
	// known_hosts writes addresses with a port in brackets.
	other.Addr, srv.Addr = bracket(other.Addr), bracket(srv.Addr)
	for _, tc := range []struct {
		reason string
		pinned string
		kind   sources.Kind // empty: it works
		text   []string
	}{
		{"all types are pinned", srv.KnownHosts("ed25519", "ecdsa", "rsa"), "", nil},
		{"only ed25519 is pinned", srv.KnownHosts("ed25519"), "", nil},
		{"only rsa is pinned, the server prefers others", srv.KnownHosts("rsa"), "", nil},
		{"only ecdsa is pinned", srv.KnownHosts("ecdsa"), "", nil},
		{"other hosts are pinned as well", other.KnownHosts("ed25519", "rsa") + srv.KnownHosts("ecdsa"), "", nil},
		{"the host is unknown", other.KnownHosts("ed25519"), sources.Denied, []string{"not known", "offered", "SHA256:", "pinned none", "ssh-keyscan -p"}},
		{"the key has changed", foreign("ed25519"), sources.Denied, []string{"has changed", print(srv, "ed25519"), print(other, "ed25519"), "ssh-keyscan"}},
		{"all keys have changed", foreign("rsa", "ecdsa"), sources.Denied, []string{"has changed", print(other, "rsa"), print(other, "ecdsa")}},
		{"the key is revoked", "@revoked " + srv.KnownHosts("ed25519") + srv.KnownHosts("ed25519"), sources.Denied, []string{"revoked"}},
	} {
		s := build(t, r, func(c *Config) { c.URL, c.Auth = srv.URL, with(srv.Auth, "known_hosts", tc.pinned) })
		if tc.kind == "" {
			want(t, s, tip)
		} else {
			refused(t, s, tc.kind, tc.text...)
		}
		if t.Failed() {
			t.Fatal(tc.reason)
		}
	}
}

func bracket(addr string) string {
	host, port, _ := strings.Cut(addr, ":")
	return "[" + host + "]:" + port
}

func TestSSHRefusals(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "a"})
	srv := sourcetest.ServeSSH(t, r)
	_, stranger := sourcetest.NewIdentity(t)
	refused(t, build(t, r, func(c *Config) { c.URL, c.Auth = srv.URL, with(srv.Auth, "identity", stranger) }),
		sources.Denied, "does not accept the key SHA256:")
	refused(t, build(t, r, func(c *Config) { c.URL, c.Auth = srv.URL+"-nope", srv.Auth }), sources.Missing, "does not appear to be a git repository")
	named := with(srv.Auth, "identity", "", "ssh-privatekey", srv.Auth["identity"].Reveal())
	want(t, build(t, r, func(c *Config) { c.URL, c.Auth = srv.URL, named }), tip)
	empty := sourcetest.NewRepo(t)
	srv = sourcetest.ServeSSH(t, empty)
	refused(t, build(t, empty, func(c *Config) { c.URL, c.Auth = srv.URL, srv.Auth }), sources.Missing, "empty")
}
