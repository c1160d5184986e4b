package remote_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// TestHandshakes connects with credentials that are right, and with others.
func TestHandshakes(t *testing.T) {
	ours, theirs := remotetest.NewAuthority(t), remotetest.NewAuthority(t)
	older := serverConfig(t, ours, "server.test")
	older.MinVersion, older.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	secure, plain := secured(t, ours), grpc.EmptyServerOption{}
	with := func(creds secret.Set, key, value string) secret.Set {
		creds = maps.Clone(creds)
		creds[key] = secret.New(value)
		return creds
	}
	good := ours.Credential("client.test")
	foreign := theirs.Credential("client.test")
	foreign["ca.crt"] = good["ca.crt"]
	for _, row := range []struct {
		reason string
		server grpc.ServerOption
		creds  secret.Set
		kind   providers.Kind // empty: it works
		says   string
	}{
		{"both are known", secure, good, "", ""},
		{"the name is the certificate's", secure, with(good, "server-name", "server.test"), "", ""},
		{"another name", secure, with(good, "server-name", "other.test"), providers.Unauthorized, "made out to server.test"},
		{"our certificate is of another authority", secure, foreign, providers.Unauthorized, "refused our handshake"},
		{"the server's is of another authority", secure, with(good, "ca.crt", theirs.Credential("x")["ca.crt"].Reveal()), providers.Unauthorized, "is not trusted"},
		{"the server speaks TLS 1.2", grpc.Creds(credentials.NewTLS(older)), good, providers.Unauthorized, "TLS 1.3"},
		{"the server speaks plain text", plain, good, providers.Unavailable, "handshake"},
		{"we speak plain text", secure, nil, providers.Unavailable, ""},
	} {
		f := &fake{kind: "memory"}
		s := serve(t, f.register, row.server)
		line := remotetest.NewLine(t, s.network, s.address)
		p := client(t, "memory", line.Endpoint(), row.creds)
		err := p.Validate(t.Context())
		if providers.KindOf(err) != row.kind || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, of kind %q; want %q, with %q", row.reason, err, providers.KindOf(err), row.kind, row.says)
		}
		if calls := f.calls(); row.kind != "" && len(calls) > 0 {
			t.Errorf("%s: the server was asked %q", row.reason, calls)
		}
		if row.kind == "" {
			continue
		}
		_, err = p.Describe(t.Context(), someVM)
		if providers.KindOf(err) != row.kind || providers.IsAbsent(err) {
			t.Errorf("%s: describe: %v, want kind %s", row.reason, err, row.kind)
		}
	}
}

// TestSettings builds providers of settings that can and cannot be meant.
func TestSettings(t *testing.T) {
	a := remotetest.NewAuthority(t)
	good := a.Credential("client.test")
	without := func(keys ...string) secret.Set {
		creds := maps.Clone(good)
		for _, k := range keys {
			delete(creds, k)
		}
		return creds
	}
	mixed := without()
	mixed["tls.key"] = a.Credential("other")["tls.key"]
	for _, row := range []struct {
		reason   string
		settings providers.Settings
		says     string // in the error; empty: there is none
		warns    string // in the log; empty: nothing
	}{
		{"with certificates", providers.Settings{Endpoint: "grpc://far.test:1", Credentials: good}, "", ""},
		{"nothing far away", providers.Settings{Endpoint: "grpc://far.test:1"}, "plain text", ""},
		{"plain text on purpose", providers.Settings{Endpoint: "grpc://far.test:1", InsecureSkipVerify: true}, "", "in plain text"},
		{"plain text to this machine", providers.Settings{Endpoint: "grpc://127.0.0.1:1"}, "", "in plain text"},
		{"a socket", providers.Settings{Endpoint: "unix:///run/p"}, "", ""},
		{"a certificate that is not checked", providers.Settings{Endpoint: "grpc://far.test:1", InsecureSkipVerify: true, Credentials: good}, "", "is not checked"},
		{"a socket has no name", providers.Settings{Endpoint: "unix:///run/p", Credentials: good}, "server-name", ""},
		{"no authority", providers.Settings{Endpoint: "grpc://far.test:1", Credentials: without("ca.crt")}, `"ca.crt"`, ""},
		{"no key", providers.Settings{Endpoint: "grpc://far.test:1", Credentials: without("tls.key")}, `"tls.key"`, ""},
		{"an authority alone", providers.Settings{Endpoint: "grpc://far.test:1", Credentials: without("tls.key", "tls.crt")}, `"tls.crt"`, ""},
		{"another's key", providers.Settings{Endpoint: "grpc://far.test:1", Credentials: mixed}, "private key", ""},
		{"no endpoint", providers.Settings{}, "grpc://host:port", ""},
	} {
		row.settings.Fleet = fleet
		var log bytes.Buffer
		p, err := remote.New(row.settings, slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil {
			p.Close()
		}
		if (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want an error with %q", row.reason, err, row.says)
		}
		if err != nil && providers.KindOf(err) != providers.InvalidSpec {
			t.Errorf("%s: kind %s", row.reason, providers.KindOf(err))
		}
		if (row.warns == "") != (log.Len() == 0) || !strings.Contains(log.String(), row.warns) {
			t.Errorf("%s: the log says %q, want %q", row.reason, log.String(), row.warns)
		}
		for _, text := range []string{log.String(), fmt.Sprint(err)} {
			if strings.Contains(text, "PRIVATE KEY") {
				t.Errorf("%s: a secret is printed: %s", row.reason, text)
			}
		}
	}
	if _, err := remote.New(providers.Settings{Endpoint: "unix:///run/p"}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no fleet is needed")
	}
}
