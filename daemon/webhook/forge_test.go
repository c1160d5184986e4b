package webhook

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func withTags(c *Config) { c.TagsToo = true }

func TestEveryForgeWakes(t *testing.T) {
	for _, d := range deliveries() {
		t.Run(d.name, func(t *testing.T) {
			r := newRig(t, withTags)
			a := r.send(t, d.request(t, theSecret))
			if a.Status != http.StatusAccepted || a.Result != "accepted" {
				t.Errorf("answer %+v, want accepted", a)
			}
			if diff := cmp.Diff([]Push{d.want}, r.pushes); diff != "" {
				t.Errorf("notified (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryForgeIsRefusedWithoutProof(t *testing.T) {
	for _, d := range deliveries() {
		for _, key := range []string{"", wrongProof, theSecret + " "} {
			t.Run(fmt.Sprintf("%s/%q", d.name, key), func(t *testing.T) {
				r := newRig(t, withTags)
				a := r.send(t, d.request(t, key))
				if a.Status != http.StatusUnauthorized || a.Result != "refused" {
					t.Errorf("answer %+v, want 401", a)
				}
				if pushes, parsed := r.counts(); pushes != 0 || parsed != 0 {
					t.Errorf("%d notified, %d parsed, want none", pushes, parsed)
				}
				if log := r.log.String(); strings.Contains(log, theSecret) || strings.Contains(log, wrongProof) || strings.Count(log, "\n") != 1 {
					t.Errorf("log, want one line without secrets:\n%s", log)
				}
			})
		}
	}
}

func TestPingIsAnswered(t *testing.T) {
	for _, d := range []delivery{
		{"GitHub", "github-ping.json", githubHeaders("ping"), signedIn(hubSignature2, "sha256="), Push{}},
		{"Bitbucket", "bitbucket-dc-ping.json", map[string]string{"X-Event-Key": "diagnostics:ping"}, signedIn(hubSignature, "sha256="), Push{}},
	} {
		r := newRig(t)
		if a := r.send(t, d.request(t, theSecret)); a.Status != 200 || a.Result != "pong" {
			t.Errorf("%s: answer %+v, want pong", d.name, a)
		}
		if a := r.send(t, d.request(t, wrongProof)); a.Status != 401 {
			t.Errorf("%s: answer %+v to a wrong proof, want 401", d.name, a)
		}
		if pushes, parsed := r.counts(); pushes+parsed != 0 {
			t.Errorf("%s: %d notified, %d parsed, want none", d.name, pushes, parsed)
		}
	}
}

func TestWhatIsNotOursSaysWhy(t *testing.T) {
	hub := signedIn(hubSignature2, "sha256=")
	push := delivery{"", "github-push.json", githubHeaders("push"), hub, Push{}}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		d      delivery
		want   string
	}{
		{"repository", func(c *Config) { c.Repositories = []string{"https://u:pass@git.example.org/other.git"} }, push,
			"repository differs: got github.com/acme/machines, ours git.example.org/other"},
		{"branch", func(c *Config) { c.Branch = "refs/heads/production" }, push, "branch differs: got main, ours production"},
		{"tag", nil, delivery{"", "github-create.json", githubHeaders("create"), hub, Push{}},
			"ref differs: got tag v1.4.0, tags are not watched"},
		{"deleted", nil, delivery{"", "github-delete.json", githubHeaders("push"), hub, Push{}}, "ref was deleted: refs/heads/main"},
		{"kind", nil, delivery{"", "github-push.json", githubHeaders("star"), hub, Push{}}, "event kind ignored: star"},
		{"several refs", func(c *Config) { c.Branch = "x" }, deliveries()[9],
			"ref was deleted: refs/heads/old-idea (and 1 more refs, none of them ours)"},
		{"no address", func(c *Config) {
			c.Repositories = c.Repositories[:1]
			c.Repositories[0] = "https://stash.example.org/scm/b/x"
		}, deliveries()[10],
			"repository differs: got (any host)/acme/machines, ours stash.example.org/b/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.change != nil {
				r = newRig(t, tt.change)
			}
			a := r.send(t, tt.d.request(t, theSecret))
			if a.Status != 200 || a.Result != "ignored" || a.Reason != tt.want {
				t.Errorf("answer %+v, want ignored, %s", a, tt.want)
			}
			if log := r.log.String(); !strings.Contains(log, tt.want) || strings.Contains(log, "pass@") {
				t.Errorf("the log does not say %q:\n%s", tt.want, log)
			}
			if pushes, _ := r.counts(); pushes != 0 {
				t.Errorf("%d notified, want none", pushes)
			}
		})
	}
}

func TestGitHubFormIsRead(t *testing.T) {
	body := []byte("payload=" + url.QueryEscape(string(fixture(t, "github-push.json"))))
	form := map[string]string{"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}
	form[hubSignature2] = "sha256=" + sign(theSecret, body)
	r := newRig(t)
	if a := r.send(t, post(bytes.NewReader(body), form)); a.Status != http.StatusAccepted {
		t.Errorf("answer %+v, want accepted", a)
	}
	form["X-Gitea-Event"] = "push"
	if a := r.send(t, post(bytes.NewReader(body), form)); a.Status != http.StatusUnsupportedMediaType {
		t.Errorf("answer %+v to a form of Gitea, which signs something else; want 415", a)
	}
}

func TestForeignTextIsCleaned(t *testing.T) {
	body := []byte(`{"repository":"https://evil.example.org/a\u001b[31m\nlevel=ERROR","ref":"refs/heads/x\u0000y"}`)
	h := map[string]string{"X-Vmsteward-Signature": "sha256=" + sign(theSecret, body), "X-Vmsteward-Delivery": "a\tb"}
	r := newRig(t, func(c *Config) { c.Repositories = nil })
	a := r.send(t, post(bytes.NewReader(body), h))
	kinds := githubHeaders("sta\tr")
	kinds[hubSignature2] = h["X-Vmsteward-Signature"]
	b := r.send(t, post(bytes.NewReader(body), kinds))
	all := a.Reason + a.Delivery + b.Reason + strings.ReplaceAll(r.log.String(), "\n", "")
	if strings.ContainsFunc(all, unprintable) || strings.Contains(all, `\`) { // the handler of the log escapes what it is given
		t.Errorf("control characters got through: %q", all)
	}
	if long := clean(strings.Repeat("x", 10_000)); len(long) > maxClean+3 {
		t.Errorf("clean left %d bytes", len(long))
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"secret": func(c *Config) { c.Secret.UnmarshalText([]byte("short")) },
		"notify": func(c *Config) { c.Notify = nil },
		"path":   func(c *Config) { c.Path = "webhook" },
		"branch": func(c *Config) { c.Branch = "refs/tags/v1" },
		"number": func(c *Config) { c.Repositories = []string{"hunter2"} },
	} {
		cfg := newRig(t).cfg
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v repeats what may be a password", name, err)
		}
	}
}
