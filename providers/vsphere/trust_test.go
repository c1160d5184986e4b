package vsphere

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// known is how a provider is told to know the server.
type known struct {
	ca, thumbprint string
	insecure       bool
}

// validate tries a server, and returns what was logged.
func validate(t *testing.T, settings providers.Settings, k known) (string, error) {
	t.Helper()
	settings.Credentials = secret.Set{"username": settings.Credentials["username"], "password": settings.Credentials["password"]}
	settings.Credentials[keyCA], settings.Credentials[keyThumbprint] = secret.New(k.ca), secret.New(k.thumbprint)
	settings.InsecureSkipVerify = k.insecure
	var lines bytes.Buffer
	p, err := New(settings, slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		return lines.String(), err
	}
	err = p.Validate(context.Background())
	if err == nil {
		err = p.Validate(context.Background())
	}
	if left := p.Close(); left != nil {
		t.Errorf("close: %v", left)
	}
	return lines.String(), err
}

func TestTheServerIsKnown(t *testing.T) {
	sim, other := vcsim.New(t, vcsim.Options{Bare: true}), vcsim.New(t, vcsim.Options{Bare: true})
	named := vcsim.New(t, vcsim.Options{Bare: true, Names: []string{"vc.example.com"}})
	expired := vcsim.New(t, vcsim.Options{Bare: true, Expired: true})
	for _, tc := range []struct {
		sim    *vcsim.Server
		known  known
		want   []string // in the error; nil: none
		reason string
	}{
		{sim, known{ca: string(sim.CA())}, nil, "by its authority"},
		{sim, known{thumbprint: sim.Thumbprint()}, nil, "by its thumbprint"},
		{sim, known{thumbprint: strings.ToLower(strings.ReplaceAll(sim.Thumbprint(), ":", ""))}, nil, "by its thumbprint as others write it"},
		{expired, known{thumbprint: expired.Thumbprint()}, nil, "a pin says all"},
		{named, known{thumbprint: named.Thumbprint()}, nil, "a pin says all"},
		{sim, known{insecure: true}, nil, "nobody wants to know"},
		{sim, known{}, []string{"no authority", `"ca.crt"`, `"thumbprint"`, sim.Thumbprint()}, "by nothing"},
		{sim, known{ca: string(other.CA())}, []string{"no authority", `"ca.crt"`, sim.Thumbprint()}, "by another's authority"},
		{sim, known{thumbprint: other.Thumbprint()}, []string{"not the one that is pinned", "anew", sim.Thumbprint()}, "by another's thumbprint"},
		{sim, known{thumbprint: other.Thumbprint(), insecure: true}, []string{"not the one that is pinned"}, "a pin counts, whatever else is said"},
		{named, known{ca: string(named.CA())}, []string{"made out to vc.example.com", named.Thumbprint()}, "under another name"},
		{expired, known{ca: string(expired.CA())}, []string{"it is valid from", "clock", expired.Thumbprint()}, "too late"},
	} {
		_, err := validate(t, tc.sim.Settings("test"), tc.known)
		if tc.want == nil {
			if err != nil {
				t.Errorf("%s: %v", tc.reason, err)
			}
			continue
		}
		if providers.KindOf(err) != providers.Unauthorized {
			t.Errorf("%s: %v (%s), want Unauthorized", tc.reason, err, providers.KindOf(err))
			continue
		}
		host := strings.TrimSuffix(strings.TrimPrefix(tc.sim.URL(), "https://"), "/sdk")
		for _, word := range append(tc.want, host) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", tc.reason, err, word)
			}
		}
	}
}

func TestAServerThatIsNotCheckedIsWarnedOfOnce(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{Bare: true})
	lines, err := validate(t, sim.Settings("test"), known{insecure: true})
	if err != nil || strings.Count(lines, "is not checked") != 1 || !strings.Contains(lines, "level=WARN") {
		t.Errorf("%v; logged:\n%s\nwant one warning", err, lines)
	}
	lines, err = validate(t, sim.Settings("test"), known{insecure: true, thumbprint: sim.Thumbprint()})
	if err != nil || strings.Contains(lines, "is not checked") {
		t.Errorf("%v; logged:\n%s\nwant no warning: it is checked", err, lines)
	}
}

func TestCredentialsThatCanNeverWorkAreRefused(t *testing.T) {
	settings := vcsim.New(t, vcsim.Options{Bare: true}).Settings("test")
	for _, tc := range []struct {
		key, value, want string
	}{
		{keyCA, "no certificate", `"ca.crt" in the credential holds no certificate`},
		{keyThumbprint, "AB:CD", "is not a SHA-256 thumbprint"},
		{keyThumbprint, strings.Repeat("AB:", 19) + "AB", "is not a SHA-256 thumbprint"},
		{keyThumbprint, strings.Repeat("x", 64), "is not a SHA-256 thumbprint"},
		{"username", "", `lacks "username" or "password"`},
		{"password", "", `lacks "username" or "password"`},
	} {
		s := settings
		s.Credentials = secret.Set{"username": secret.New("u"), "password": secret.New("p")}
		s.Credentials[tc.key] = secret.New(tc.value)
		_, err := New(s, slog.New(slog.DiscardHandler))
		wantKind(t, tc.key+" "+tc.value, err, providers.InvalidSpec, tc.want)
	}
	s := settings
	s.Endpoint = "http://vc.example.com"
	_, err := New(s, slog.New(slog.DiscardHandler))
	wantKind(t, "an endpoint in the clear", err, providers.InvalidSpec, "https")
}

func TestOldTLSIsNotSpoken(t *testing.T) {
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	settings := providers.Settings{
		Fleet: "test", Endpoint: old.URL,
		Credentials: secret.Set{"username": secret.New("u"), "password": secret.New("hunter2")},
	}
	_, err := validate(t, settings, known{insecure: true})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("a server of TLS 1.1: %v, want a refusal", err)
	}
}

func TestWhoAnswersIsNoVCenter(t *testing.T) {
	page := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != userAgent {
			t.Errorf("we call ourselves %q", r.UserAgent())
		}
		_, _ = w.Write([]byte("<html><body>hello</body></html>"))
	}))
	defer page.Close()
	settings := providers.Settings{
		Fleet: "test", Endpoint: page.URL,
		Credentials: secret.Set{"username": secret.New("u"), "password": secret.New("hunter2")},
	}
	_, err := validate(t, settings, known{insecure: true})
	wantKind(t, "a page for people", err, providers.Unavailable, "log in to")
}
