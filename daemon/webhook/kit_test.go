package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
)

const (
	theSecret  = "correct horse battery staple"
	theCommit  = "9f2c1e7a40b3d85566aa17c3e0d94b2f81c6a7d0"
	wrongProof = "another horse, another battery"
)

// rig is a receiver whose every effect is kept.
type rig struct {
	*Receiver
	mu     sync.Mutex
	pushes []Push
	parsed int
	log    bytes.Buffer
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{}
	cfg := Config{
		Secret: secret.New(theSecret),
		Branch: "main",
		Repositories: []string{
			"https://github.com/Acme/machines", "git@git.example.org:acme/machines.git",
			"https://gitlab.example.org/acme/infra/machines.git", "https://bitbucket.org/acme/machines",
			"https://stash.example.org/scm/acme/machines.git", "git@ssh.dev.azure.com:v3/acme/Virtual Infra/machines",
		},
		Notify: func(p Push) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.pushes = append(r.pushes, p)
		},
		Log: slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&cfg)
	}
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.parse = func(f Forge, k kind, word string, body []byte) (event, error) {
		r.mu.Lock()
		r.parsed++
		r.mu.Unlock()
		return parse(f, k, word, body)
	}
	r.Receiver = w
	return r
}

func (r *rig) counts() (pushes, parsed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pushes), r.parsed
}

// said is an answer.
type said struct {
	Status                   int
	Result, Reason, Delivery string
}

func (r *rig) send(t testing.TB, req *http.Request) said {
	t.Helper()
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	a := said{Status: rec.Code}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, rec.Body)
	}
	return a
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sign(key string, parts ...[]byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func post(body io.Reader, headers map[string]string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/webhook", body)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	return req
}

// proof puts the proof for a body into headers.
type proof func(h http.Header, key string, body []byte)

func signedIn(header, prefix string) proof {
	return func(h http.Header, key string, body []byte) { h.Set(header, prefix+sign(key, body)) }
}

func gitlabProof(h http.Header, key string, _ []byte) { h.Set(gitlabToken, key) }

func password(h http.Header, key string, _ []byte) {
	(&http.Request{Header: h}).SetBasicAuth("anyone", key)
}

// delivery is one that a forge would make.
type delivery struct {
	name    string
	file    string
	headers map[string]string
	proof   proof
	want    Push
}

func (d delivery) request(t testing.TB, key string) *http.Request {
	t.Helper()
	var body []byte
	if d.file != "" {
		body = fixture(t, d.file)
	}
	req := post(bytes.NewReader(body), d.headers)
	if key != "" {
		d.proof(req.Header, key, body)
	}
	return req
}

const id = "f6266f16-1bf3-46a5-9ea4-602e06ead473"

func githubHeaders(event string) map[string]string {
	return map[string]string{"X-GitHub-Event": event, "X-GitHub-Delivery": id, "Content-Type": "application/json"}
}

// giteaHeaders are those of Forgejo, which sends everybody's.
func giteaHeaders(names ...string) map[string]string {
	h := githubHeaders("push")
	for _, n := range names {
		h["X-"+n+"-Event"], h["X-"+n+"-Delivery"] = "push", id
	}
	return h
}

func deliveries() []delivery {
	const ref = "refs/heads/main"
	example := func(f Forge) Push { return Push{string(f), "git.example.org/acme/machines", ref, theCommit, id} }
	gitlab := Push{"gitlab", "gitlab.example.org/acme/infra/machines", ref, theCommit, id}
	tag := gitlab
	tag.Ref = "refs/tags/v1.4.0"
	hub := signedIn(hubSignature2, "sha256=")
	return []delivery{
		{"GitHub push", "github-push.json", githubHeaders("push"), hub,
			Push{"github", "github.com/acme/machines", ref, theCommit, id}},
		{"GitHub create", "github-create.json", githubHeaders("create"), hub,
			Push{"github", "github.com/acme/machines", "refs/tags/v1.4.0", "", id}},
		{"GitLab push", "gitlab-push.json", map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": id}, gitlabProof, gitlab},
		{"GitLab tag", "gitlab-tag.json", map[string]string{"X-Gitlab-Event": "Tag Push Hook", "Idempotency-Key": id}, gitlabProof, tag},
		{"GitLab system hook", "gitlab-push.json", map[string]string{"X-Gitlab-Event": "System Hook", "Idempotency-Key": id}, gitlabProof, gitlab},
		{"Gitea", "gitea-push.json", giteaHeaders("Gitea", "Gogs"), signedIn("X-Gitea-Signature", ""), example(Gitea)},
		{"Gitea, as GitHub signs", "gitea-push.json", giteaHeaders("Gitea", "Gogs"), hub, example(Gitea)},
		{"Forgejo", "gitea-push.json", giteaHeaders("Forgejo", "Gitea", "Gogs"), signedIn("X-Forgejo-Signature", ""), example(Forgejo)},
		{"Gogs", "gitea-push.json", giteaHeaders("Gogs"), signedIn("X-Gogs-Signature", ""), example(Gogs)},
		{"Bitbucket Cloud", "bitbucket-cloud-push.json", map[string]string{
			"X-Event-Key": "repo:push", "X-Hook-UUID": "{1}", "X-Request-UUID": id}, signedIn(hubSignature, "sha256="),
			Push{"bitbucket-cloud", "bitbucket.org/acme/machines", ref, theCommit, id}},
		{"Bitbucket Data Center", "bitbucket-dc-push.json", map[string]string{
			"X-Event-Key": "repo:refs_changed", "X-Request-Id": id}, signedIn(hubSignature, "sha256="),
			Push{"bitbucket-data-center", "git.example.org/acme/machines", ref, theCommit, id}},
		{"Azure DevOps", "azure-push.json", nil, password,
			Push{"azure-devops", "dev.azure.com/acme/virtual infra/machines", ref, theCommit, "5d2f0b1a-8e57-4c9e-bb0c-7a90c1e00001"}},
		{"generic", "generic-push.json", map[string]string{"X-Vmsteward-Delivery": id}, signedIn("X-Vmsteward-Signature", "sha256="), example(Generic)},
		{"generic, empty", "", map[string]string{"X-Vmsteward-Delivery": id}, signedIn("X-Vmsteward-Signature", "sha256="),
			Push{"generic", "", "", "", id}},
	}
}
