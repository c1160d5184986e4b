package webhook

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// untouchable is a body that must not be read.
type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestBodyIsNotReadWithoutAProof(t *testing.T) {
	digits := strings.Repeat("ab", 32)
	for name, h := range map[string]map[string]string{
		"nothing":                  {},
		"GitHub, unsigned":         {"X-GitHub-Event": "push"},
		"GitHub, SHA-1":            {"X-GitHub-Event": "push", hubSignature: "sha1=" + digits[:40]},
		"GitHub, SHA-1 as SHA-256": {"X-GitHub-Event": "push", hubSignature2: "sha1=" + digits[:40]},
		"GitHub, no prefix":        {"X-GitHub-Event": "push", hubSignature2: digits},
		"GitHub, short":            {"X-GitHub-Event": "push", hubSignature2: "sha256=abcd"},
		"GitHub, not hexadecimal":  {"X-GitHub-Event": "push", hubSignature2: "sha256=" + strings.Repeat("zz", 32)},
		"GitHub, ping":             {"X-GitHub-Event": "ping"},
		"GitLab, no token":         {"X-Gitlab-Event": "Push Hook"},
		"GitLab, wrong token":      {"X-Gitlab-Event": "Push Hook", gitlabToken: wrongProof},
		"GitLab, long token":       {"X-Gitlab-Event": "Push Hook", gitlabToken: strings.Repeat("x", 600)},
		"GitLab, signing token":    {"X-Gitlab-Event": "Push Hook", "Webhook-Signature": "v1,abcd"},
		"Gitea, unsigned":          {"X-Gitea-Event": "push", "X-GitHub-Event": "push"},
		"Bitbucket, SHA-1":         {"X-Event-Key": "repo:push", "X-Hook-UUID": "1", hubSignature: "sha1=" + digits[:40]},
		"Azure, bearer":            {"Authorization": "Bearer " + theSecret},
		"Azure, wrong":             {"Authorization": "Basic YTpi"},
		"generic, no digits":       {"X-Vmsteward-Signature": "sha256="},
		"generic, bad time":        {"X-Vmsteward-Signature": "sha256=" + digits, stampHeader: "yesterday"},
		"generic, old":             {"X-Vmsteward-Signature": "sha256=" + digits, stampHeader: "1000000000"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a := r.send(t, post(untouchable{t}, h))
			if a.Status != http.StatusUnauthorized {
				t.Errorf("answer %+v, want 401", a)
			}
			if strings.Contains(name, "SHA-1") != strings.Contains(a.Reason, "SHA-1") {
				t.Errorf("reason %q: the hint at SHA-1 is missing or misplaced", a.Reason)
			}
		})
	}
}

func TestBodyIsNotReadInVain(t *testing.T) {
	signed := map[string]string{"X-Gitea-Signature": strings.Repeat("ab", 32), "X-Gitea-Event": "push"}
	for status, change := range map[int]func(*http.Request){
		http.StatusNotFound:              func(r *http.Request) { r.URL.Path = "/webhook/" },
		http.StatusMethodNotAllowed:      func(r *http.Request) { r.Method = http.MethodGet },
		http.StatusRequestEntityTooLarge: func(r *http.Request) { r.ContentLength = 1<<20 + 1 },
		http.StatusUnsupportedMediaType:  func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
	} {
		req := post(untouchable{t}, signed)
		change(req)
		if a := newRig(t).send(t, req); a.Status != status {
			t.Errorf("answer %+v, want %d", a, status)
		}
	}
}

func TestTwoSignaturesAreNone(t *testing.T) {
	req := deliveries()[0].request(t, theSecret)
	req.Header.Add(hubSignature2, "sha256="+strings.Repeat("ab", 32))
	req.Body = io.NopCloser(untouchable{t})
	if a := newRig(t).send(t, req); a.Status != http.StatusUnauthorized {
		t.Errorf("answer %+v, want 401", a)
	}
}

func TestAGoodSignatureDoesNotRescueABadOne(t *testing.T) {
	d := deliveries()[5]
	req := d.request(t, theSecret)
	req.Header.Set(hubSignature2, "sha256="+req.Header.Get("X-Gitea-Signature"))
	req.Header.Set("X-Gitea-Signature", strings.Repeat("ab", 32))
	r := newRig(t)
	if a := r.send(t, req); a.Status != http.StatusUnauthorized || r.parsed != 0 {
		t.Errorf("answer %+v, %d parsed, want 401 and none", a, r.parsed)
	}
}

func TestMalformedBodyIsToldOnlyToTheGenuine(t *testing.T) {
	body := []byte(`[{"ref":`)
	h := githubHeaders("push")
	h[hubSignature2] = "sha256=" + sign(theSecret, body)
	r := newRig(t)
	for range 2 { // a body that was not understood is not remembered
		if a := r.send(t, post(bytes.NewReader(body), h)); a.Status != http.StatusBadRequest {
			t.Errorf("answer %+v, want 400", a)
		}
	}
	if pushes, parsed := r.counts(); pushes != 0 || parsed != 2 {
		t.Errorf("%d notified, %d parsed, want 0 and 2", pushes, parsed)
	}
}

func TestSignedTimeIsPartOfTheSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(off time.Duration) string { return strconv.FormatInt(time.Now().Add(off).Unix(), 10) }
		send := func(r *rig, sent, signed string) said {
			body := []byte(`{}`)
			return r.send(t, post(bytes.NewReader(body), map[string]string{
				stampHeader: sent, "X-Vmsteward-Signature": "sha256=" + sign(theSecret, []byte(signed+"."), body)}))
		}
		r := newRig(t)
		now := at(0)
		for _, tt := range []struct {
			name         string
			sent, signed string
			want         string
		}{
			{"now", now, now, "accepted"},
			{"the same again", now, now, "already seen"},
			{"a second later", at(time.Second), at(time.Second), "accepted"},
			{"another than signed", at(2 * time.Second), now, "refused"},
			{"old", at(-6 * time.Minute), at(-6 * time.Minute), "refused"},
			{"to come", at(6 * time.Minute), at(6 * time.Minute), "refused"},
			{"taken away", "", now, "refused"},
		} {
			if a := send(r, tt.sent, tt.signed); a.Result != tt.want {
				t.Errorf("%s: answer %+v, want %s", tt.name, a, tt.want)
			}
		}
	})
}

// TestSecretIsComparedInConstantTime reads the source: a timing measured on a
// busy machine proves nothing either way.
func TestSecretIsComparedInConstantTime(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "authenticate.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{"knows": "subtle.ConstantTimeCompare", "signed": "hmac.Equal"}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || wants[fn.Name.Name] == "" {
			continue
		}
		calls := map[string]bool{}
		ast.Inspect(fn, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					calls[x.Name+"."+s.Sel.Name] = true
				}
			}
			return true
		})
		if !calls[wants[fn.Name.Name]] || calls["bytes.Equal"] || calls["strings.EqualFold"] {
			t.Errorf("%s calls %v, want %s", fn.Name.Name, calls, wants[fn.Name.Name])
		}
		delete(wants, fn.Name.Name)
	}
	if len(wants) != 0 {
		t.Errorf("not found: %v", wants)
	}
}
