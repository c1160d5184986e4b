package git

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// with returns auth with some entries replaced; an empty one is removed.
func with(auth secret.Set, kv ...string) secret.Set {
	auth = maps.Clone(auth)
	for i := 0; i < len(kv); i += 2 {
		auth[kv[i]] = secret.New(kv[i+1])
	}
	return auth
}

func TestHTTPCredentials(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "a"})
	basic := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: true, Username: "ada", Password: "s3cret"})
	bearer := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: true, Bearer: "t0ken"})
	cert := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: true, ClientCert: true})
	plain := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{Password: "s3cret", Username: "git"})
	foreignCrt, foreignKey := sourcetest.NewAuthority(t).Issue("client")
	for _, tc := range []struct {
		reason string
		url    string
		auth   secret.Set
		kind   sources.Kind // empty: it works
		text   string
	}{
		{"username and password", basic.URL, basic.Auth, "", ""},
		{"a wrong password", basic.URL, with(basic.Auth, "password", "s3cret2"), sources.Denied, "authentication required"},
		{"no password", basic.URL, with(basic.Auth, "password", "", "username", ""), sources.Denied, "credential"},
		{"the user may be in the url", strings.Replace(basic.URL, "://", "://ada@", 1), with(basic.Auth, "username", ""), "", ""},
		{"a token", bearer.URL, bearer.Auth, "", ""},
		{"a wrong token", bearer.URL, with(bearer.Auth, "bearerToken", "t0ken2"), sources.Denied, "authentication required"},
		{"a client certificate", cert.URL, cert.Auth, "", ""},
		{"no client certificate", cert.URL, with(cert.Auth, "tls.crt", "", "tls.key", ""), sources.Denied, "tls.crt"},
		{"a client certificate of somebody else", cert.URL, with(cert.Auth, "tls.crt", foreignCrt, "tls.key", foreignKey), sources.Denied, "tls.crt"},
		{"a server nobody vouches for", basic.URL, with(basic.Auth, "ca.crt", ""), sources.Denied, "ca.crt"},
		{"a server the wrong authority vouches for", basic.URL, with(basic.Auth, "ca.crt", bearer.Authority.PEM), sources.Denied, "ca.crt"},
		{"plain text, but it stays on this machine", plain.URL, plain.Auth, "", ""},
		{"a password without name goes with the name git", plain.URL, with(plain.Auth, "username", ""), "", ""},
	} {
		s := build(t, r, func(c *Config) { c.URL, c.Auth = tc.url, tc.auth })
		if tc.kind == "" {
			want(t, s, tip)
		} else if err := refused(t, s, tc.kind, tc.text); strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "YWRh") {
			t.Errorf("the error holds the secret: %v", err)
		}
		if t.Failed() {
			t.Fatal(tc.reason)
		}
	}
}

// Two sources of one process trust different authorities, alternately.
func TestTrustIsPerSource(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "a"})
	one := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: true})
	two := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: true})
	a := build(t, r, func(c *Config) { c.URL, c.Auth = one.URL, one.Auth })
	b := build(t, r, func(c *Config) { c.URL, c.Auth = two.URL, two.Auth })
	crossed := build(t, r, func(c *Config) { c.URL, c.Auth = one.URL, two.Auth })
	for range 2 {
		want(t, a, tip)
		want(t, b, tip)
		refused(t, crossed, sources.Denied, "ca.crt")
	}
}

func TestRedirects(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "a"})
	target := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{Username: "git", Password: "s3cret"})
	open := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
	redirect := func(to string, tls bool) *sourcetest.HTTPServer {
		return sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: tls, Wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if strings.HasPrefix(q.URL.Path, "/old/") || to != "" {
					http.Redirect(w, q, to+strings.TrimPrefix(q.URL.Path, "/old")+"?"+q.URL.RawQuery, http.StatusFound)
					return
				}
				h.ServeHTTP(w, q)
			})
		}})
	}
	moved := redirect("", false)
	want(t, build(t, r, func(c *Config) { c.URL = moved.Root + "/old/repo.git" }), tip)
	away := redirect(open.Root, false)
	want(t, build(t, r, func(c *Config) { c.URL = away.URL }), tip) // nothing to lose without a credential
	away = redirect(target.Root, false)
	refused(t, build(t, r, func(c *Config) { c.URL, c.Auth = away.URL, target.Auth }), sources.Denied, "another host")
	down := redirect(open.Root, true)
	refused(t, build(t, r, func(c *Config) { c.URL, c.Auth = down.URL, down.Auth }), sources.Denied, `from "https" to "http"`)
}

func TestServerErrors(t *testing.T) {
	for _, tc := range []struct {
		reason string
		status int
		kind   sources.Kind
	}{
		{"an overloaded server heals", http.StatusServiceUnavailable, sources.Unavailable},
		{"a limited rate heals", http.StatusTooManyRequests, sources.Unavailable},
		{"forbidden needs a person", http.StatusForbidden, sources.Denied},
		{"not there needs a person", http.StatusNotFound, sources.Missing},
		{"a page that is not Git's", http.StatusOK, sources.Unavailable},
	} {
		r := sourcetest.NewRepo(t)
		srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{Wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte("<html>" + strings.Repeat("long ", 10_000)))
			})
		}})
		err := refused(t, build(t, r, func(c *Config) { c.URL = srv.URL }), tc.kind)
		if len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d characters", tc.reason, len(err.Error()))
		}
	}
}
