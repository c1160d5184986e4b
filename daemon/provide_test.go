package daemon

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers/conformance"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

const servedProvider = `apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: lab}
spec: {type: memory, endpoint: "memory://lab"}
`

// TestWhatMayBeServed holds what a provider server refuses before it listens.
func TestWhatMayBeServed(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := file("one.yaml", servedProvider)
	for _, row := range []struct {
		name   string
		change func(*ProvideConfig)
		want   string // in the error; empty: it is served
	}{
		{"loopback without certificates", func(*ProvideConfig) {}, ""},
		{"memory without a file", func(c *ProvideConfig) { c.File, c.Type = "", "memory" }, ""},
		{"libvirt without a file", func(c *ProvideConfig) { c.File, c.Type = "", "libvirt" }, "needs a file"},
		{"another type than the file's", func(c *ProvideConfig) { c.Type = "libvirt" }, `of the type "memory", not "libvirt"`},
		{"all addresses without certificates", func(c *ProvideConfig) { c.Listen = ":9443" }, "whoever reaches it may do everything"},
		{"another host's address without certificates", func(c *ProvideConfig) { c.Listen = "192.0.2.1:9443" }, "whoever reaches it"},
		{"all addresses, as was asked for", func(c *ProvideConfig) { c.Listen, c.Insecure = ":9443", true }, ""},
		{"a socket", func(c *ProvideConfig) { c.Listen = "unix:///run/x.sock" }, ""},
		{"a certificate without an authority", func(c *ProvideConfig) { c.CertFile, c.KeyFile = "a", "b" }, "all or not at all"},
		{"certificates and insecure", func(c *ProvideConfig) { c.CertFile, c.KeyFile, c.CAFile, c.Insecure = "a", "b", "c", true }, "choose one"},
		{"a list without certificates", func(c *ProvideConfig) { c.Allow = []string{"x"} }, "nobody has a name"},
		{"certificates that are not there", func(c *ProvideConfig) { c.CertFile, c.KeyFile, c.CAFile = "/nosuch", "/nosuch", "/nosuch" }, "/nosuch"},
		{"no fleet", func(c *ProvideConfig) { c.Fleet = "" }, "fleet"},
		{"no such file", func(c *ProvideConfig) { c.File = "/nosuch.yaml" }, "/nosuch.yaml"},
		{"two providers", func(c *ProvideConfig) {
			c.File = file("two.yaml", servedProvider+"---\n"+strings.Replace(servedProvider, "lab}", "b}", 1))
		}, "holds 2 Providers"},
		{"a server of a server", func(c *ProvideConfig) {
			c.File = file("far.yaml", strings.Replace(servedProvider, "memory://lab", "grpc://127.0.0.1:1", 1))
		}, "a provider server itself"},
		{"a field that is misspelt", func(c *ProvideConfig) {
			c.File = file("bad.yaml", strings.Replace(servedProvider, "endpoint", "endpont", 1))
		}, "endpont"},
		{"a type that is not built in", func(c *ProvideConfig) {
			c.File = file("other.yaml", strings.Replace(servedProvider, "type: memory", "type: acme", 1))
		}, "not built in"},
	} {
		c := ProvideConfig{File: one, Fleet: "lab", Listen: "127.0.0.1:0"}
		row.change(&c)
		_, err := NewProviderServer(c, Options{Log: slog.New(slog.DiscardHandler)})
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: want an error that says %q, got %v", row.name, row.want, err)
		}
	}
}

// TestServedProviderKeepsItsPromises tries the whole contract on what serve
// offers, with certificates, in both ways to begin and end.
func TestServedProviderKeepsItsPromises(t *testing.T) {
	authority, dir := remotetest.NewAuthority(t), t.TempDir()
	ours, theirs := filepath.Join(dir, "server"), filepath.Join(dir, "client")
	authority.Write(ours, "server.test")
	authority.Write(theirs, "client.test")
	s, err := NewProviderServer(ProvideConfig{
		Type: "memory", Fleet: "lab", Listen: "127.0.0.1:0", Allow: []string{"client.test"}, Metrics: "127.0.0.1:0",
		CertFile: ours + "/tls.crt", KeyFile: ours + "/tls.key", CAFile: ours + "/ca.crt",
	}, Options{Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ended, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	checks, err := conformance.Choose(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Conform(t.Context(), ConformConfig{
		Endpoint: s.Endpoint(), Fleet: "lab", Type: "memory", Checks: checks, Log: slog.New(slog.DiscardHandler), ServerName: "server.test",
		CertFile: theirs + "/tls.crt", KeyFile: theirs + "/tls.key", CAFile: theirs + "/ca.crt",
	})
	if err != nil || rep.Broken > 0 || rep.Kept < 90 || len(rep.Left) > 0 {
		t.Errorf("%v: %+v", err, rep)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("serving ended with %v", err)
	}
}

// TestServedProviderTellsHowItIs asks for health and metrics over HTTP.
func TestServedProviderTellsHowItIs(t *testing.T) {
	s, err := NewProviderServer(ProvideConfig{Type: "memory", Fleet: "lab", Listen: "unix://" + filepath.Join(t.TempDir(), "s"), Metrics: "127.0.0.1:0"},
		Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready.get(); err == nil {
		t.Error("it is ready before the endpoint was asked")
	}
	if _, err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for path, want := range map[string]string{"/healthz": "ok", "/metrics": "vmsteward_server_calls_running 0"} {
		res, err := http.Get("http://" + s.metricsAddress + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: want %q, got %v, %s", path, want, err, body)
		}
	}
}
