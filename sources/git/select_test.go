package git

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// want fetches and expects a revision.
func want(t *testing.T, s *Source, revision string) *sources.Snapshot {
	t.Helper()
	snap, err := s.Fetch(t.Context())
	if err != nil {
		t.Fatalf("want %s, got %v", revision, err)
	}
	if snap.Revision != revision {
		t.Fatalf("want %s, got %s (%s)", revision, snap.Revision, snap.Title)
	}
	return snap
}

// refused fetches and expects an error of a kind whose text has all the parts.
func refused(t *testing.T, s *Source, kind sources.Kind, parts ...string) error {
	t.Helper()
	snap, err := s.Fetch(t.Context())
	if err == nil {
		t.Fatalf("want an error of kind %s, got %s", kind, snap.Revision)
	}
	if got := sources.KindOf(err); got != kind {
		t.Errorf("want kind %s, got %s: %v", kind, got, err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("want %q in the error, got: %v", p, err)
		}
	}
	return err
}

// history is
//
//	one ── two ── three   main
//	  └─── side           dev
//
// with v1.0.0 at one, v1.1.0 (annotated) at two, v2.0.0-rc.1 at three.
func history(t *testing.T) (r *sourcetest.Repo, one, two, three, side string) {
	r = sourcetest.NewRepo(t)
	one = r.Commit(map[string]string{"a.yaml": "1", "vms/x.yaml": "x"})
	two = r.Commit(map[string]string{"a.yaml": "2"})
	three = r.Commit(map[string]string{"a.yaml": "3"})
	r.Reset("dev", one)
	r.Branch = "dev"
	side = r.Commit(map[string]string{"a.yaml": "side"})
	r.Branch = "main"
	r.Tag("v1.0.0", one)
	r.AnnotatedTag("v1.1.0", two)
	r.Tag("v2.0.0-rc.1", three)
	r.Tag("nightly", three)
	return r, one, two, three, side
}

func TestSelection(t *testing.T) {
	r, one, two, three, side := history(t)
	srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
	for _, tc := range []struct {
		reason string
		ref    Ref
		want   string
		kind   sources.Kind
		text   string
	}{
		{reason: "a branch is followed at its tip", ref: Ref{Branch: "main"}, want: three},
		{reason: "another branch is as good", ref: Ref{Branch: "dev"}, want: side},
		{reason: "nothing selected means the remote's default branch", want: three},
		{reason: "a lightweight tag is its commit", ref: Ref{Tag: "v1.0.0"}, want: one},
		{reason: "an annotated tag is peeled", ref: Ref{Tag: "v1.1.0"}, want: two},
		{reason: "the highest version within the constraint", ref: Ref{SemVer: "1.x"}, want: two},
		{reason: "pre-releases only when they are asked for", ref: Ref{SemVer: ">=1.0.0"}, want: two},
		{reason: "pre-releases when they are asked for", ref: Ref{SemVer: ">=1.0.0-0"}, want: three},
		{reason: "a commit that no reference names", ref: Ref{Commit: two}, want: two},
		{reason: "a commit that is a tip", ref: Ref{Commit: side}, want: side},
		{reason: "a commit of the branch it must be part of", ref: Ref{Branch: "main", Commit: one}, want: one},
		{reason: "a missing branch names those there are", ref: Ref{Branch: "prod"}, kind: sources.Missing, text: "dev, main"},
		{reason: "a missing tag is missing", ref: Ref{Tag: "v9"}, kind: sources.Missing, text: "v1.0.0"},
		{reason: "a constraint that nothing meets", ref: Ref{SemVer: ">=9"}, kind: sources.Missing, text: "no tag is within"},
		{reason: "a commit the branch does not have", ref: Ref{Branch: "main", Commit: side}, kind: sources.Missing},
		{reason: "a commit that does not exist", ref: Ref{Commit: strings.Repeat("12", 20)}, kind: sources.Missing},
	} {
		for _, url := range []string{r.URL(), srv.URL} {
			s := build(t, r, func(c *Config) { c.URL, c.Ref = url, tc.ref })
			if tc.want != "" {
				want(t, s, tc.want)
				want(t, s, tc.want)
			} else {
				refused(t, s, tc.kind, tc.text)
			}
			if t.Failed() {
				t.Fatalf("%s, over %s", tc.reason, url)
			}
		}
	}
}

func TestPath(t *testing.T) {
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"vms/a.yaml": "a", "vms/deep/b.yaml": "b", "file": "f", "other/c": "c"})
	tip := r.CommitEntries(map[string]sourcetest.Entry{"link": {Content: "vms", Mode: 0o120000}})
	snap := want(t, build(t, r, func(c *Config) { c.Path = "/vms/" }), tip)
	if f, err := snap.Files.Open("deep/b.yaml"); err != nil {
		t.Error(err)
	} else if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := snap.Files.Open("other/c"); err == nil {
		t.Error("want nothing outside the path")
	}
	for _, tc := range []struct {
		reason, path string
		kind         sources.Kind
	}{
		{"an absent folder is missing", "nope", sources.Missing},
		{"an absent folder below a folder is missing", "vms/nope", sources.Missing},
		{"a file is no folder", "file", sources.Invalid},
		{"a link is not followed", "link", sources.Invalid},
		{"nothing is below a file", "file/x", sources.Invalid},
	} {
		t.Log(tc.reason)
		refused(t, build(t, r, func(c *Config) { c.Path = tc.path }), tc.kind, tc.path)
	}
}

func TestMissing(t *testing.T) {
	r := sourcetest.NewRepo(t)
	empty := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
	refused(t, build(t, r, nil), sources.Missing, "empty")
	refused(t, build(t, r, func(c *Config) { c.URL = empty.URL }), sources.Missing, "empty")
	refused(t, build(t, r, func(c *Config) { c.URL = empty.URL + "x" }), sources.Missing, "not found")
	refused(t, build(t, r, func(c *Config) { c.URL = "/nonexistent/repo" }), sources.Missing, "/nonexistent/repo")

	first := r.Commit(map[string]string{"a.yaml": "a"})
	s := build(t, r, nil)
	want(t, s, first)
	r.Branch = "other"
	r.Commit(map[string]string{"a.yaml": "a"})
	r.DeleteBranch("main")
	refused(t, s, sources.Missing, "branch main does not exist", "other")
	r.Branch = "empty"
	r.ForcePush(nil)
	refused(t, build(t, r, func(c *Config) { c.Ref.Branch = "empty" }), sources.Missing, "no files")
}

func TestConfigIsChecked(t *testing.T) {
	_, locked := sourcetest.NewIdentity(t)
	ssh := secret.Set{"identity": secret.New(locked), "known_hosts": secret.New("")}
	for _, tc := range []struct {
		reason string
		cfg    Config
		text   string
	}{
		{"a url is needed", Config{}, "url"},
		{"a relative path depends on where we run", Config{URL: "repo.git"}, "url"},
		{"a password in the url would be printed", Config{URL: "https://ada:hunter2@host/x"}, "password"},
		{"the same with a broken url", Config{URL: "https://ada:hunter2@ho st/x"}, "url"},
		{"the same in the scp form", Config{URL: "ada:hunter2@host:x"}, "url"},
		{"git:// has no security at all", Config{URL: "git://host/x"}, "scheme"},
		{"a url without path", Config{URL: "https://host"}, "path"},
		{"a file url with a host", Config{URL: "file://host/x"}, "file:///"},
		{"one selection only", Config{URL: "/x", Ref: Ref{Branch: "a", Tag: "b"}}, "ref"},
		{"a bad constraint", Config{URL: "/x", Ref: Ref{SemVer: "newest"}}, "ref.semver"},
		{"an abbreviated commit", Config{URL: "/x", Ref: Ref{Commit: "abc123"}}, "ref.commit"},
		{"a full reference name", Config{URL: "/x", Ref: Ref{Branch: "refs/heads/a"}}, "ref.branch"},
		{"a name no reference has", Config{URL: "/x", Ref: Ref{Tag: "a b"}}, "ref.tag"},
		{"a path that leaves", Config{URL: "/x", Path: "../y"}, "path"},
		{"credentials in plain text", Config{URL: "http://host/x", Auth: secret.Set{"password": secret.New("hunter2")}}, "https"},
		{"a token in plain text", Config{URL: "http://host/x", Auth: secret.Set{"bearerToken": secret.New("hunter2")}}, "https"},
		{"two kinds of credential", Config{URL: "https://host/x", Auth: secret.Set{"password": secret.New("hunter2"), "bearerToken": secret.New("t")}}, "bearerToken"},
		{"a username alone", Config{URL: "https://host/x", Auth: secret.Set{"username": secret.New("ada")}}, "password"},
		{"half a key pair", Config{URL: "https://host/x", Auth: secret.Set{"tls.key": secret.New("hunter2")}}, "tls.crt"},
		{"a broken key pair", Config{URL: "https://host/x", Auth: secret.Set{"tls.key": secret.New("hunter2"), "tls.crt": secret.New("x")}}, "tls.crt"},
		{"an authority without certificate", Config{URL: "https://host/x", Auth: secret.Set{"ca.crt": secret.New("x")}}, "ca.crt"},
		{"ssh needs a key", Config{URL: "git@host:x"}, "identity"},
		{"ssh needs a key that is one", Config{URL: "git@host:x", Auth: secret.Set{"identity": secret.New("hunter2")}}, "identity"},
		{"ssh needs pinned host keys", Config{URL: "ssh://host/x", Auth: ssh}, "known_hosts"},
		{"pinned host keys must be readable", Config{URL: "ssh://host/x", Auth: secret.Set{"identity": secret.New(locked), "known_hosts": secret.New("host ssh-ed25519 !!")}}, "known_hosts"},
	} {
		tc.cfg.Dir = t.TempDir()
		_, err := New(tc.cfg)
		var e *sources.Error
		if !errors.As(err, &e) || e.Kind != sources.Invalid || e.Hint == "" || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: want an Invalid error with a hint and %q, got %v", tc.reason, tc.text, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the secret: %v", tc.reason, err)
		}
	}
	if _, err := New(Config{URL: "/x"}); err == nil || !strings.Contains(err.Error(), "dir is empty") {
		t.Errorf("want dir asked for, got %v", err)
	}
}

func TestAddress(t *testing.T) {
	for raw, wanted := range map[string]string{
		"git@example.org:team/vms.git":       "ssh://git@example.org/team/vms.git",
		"example.org:vms":                    "ssh://example.org/vms",
		"ssh://git@example.org:2222/vms.git": "ssh://git@example.org:2222/vms.git",
		"https://ada@example.org/vms":        "https://example.org/vms",
		"/srv/vms.git/":                      "file:///srv/vms.git",
		"file:///srv/vms.git":                "file:///srv/vms.git",
	} {
		a, err := parseAddress(raw)
		if err != nil || a.String() != wanted {
			t.Errorf("%s: want %s, got %s, %v", raw, wanted, a, err)
		}
	}
}

func TestAddressKeepsSecretsToItself(t *testing.T) {
	for _, raw := range []string{
		"https://git.example.org/vms.git?private_token=hunter2",
		"https://git.example.org/vms.git#hunter2",
		"https://ada:hunter2@git.example.org/vms.git?private_token=hunter2",
		"https://git.example.org?private_token=hunter2",
		"file://host/vms.git?x=hunter2",
		"ftp://git.example.org/vms?private_token=hunter2",
		"https://git.example.org/%zz?private_token=hunter2",
		"git.example.org/vms?private_token=hunter2",
	} {
		if _, err := parseAddress(raw); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", raw, err)
		}
	}
}

// git http-backend answers so when it reads a reference that is just being written.
func TestReferenceToNowhere(t *testing.T) {
	_, err := choose(Ref{Branch: "main"}, &advert{refs: map[string]plumbing.Hash{"refs/heads/main": {}}})
	if err == nil || sources.KindOf(err) != sources.Unavailable {
		t.Errorf("want Unavailable, got %v", err)
	}
}
