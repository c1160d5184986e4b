package git

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// pusher is a clone from which the git binary pushes.
type pusher struct {
	t    testing.TB
	dir  string // the working tree
	bare string // where it pushes to
}

func newPusher(t testing.TB) *pusher {
	t.Helper()
	sourcetest.Need(t, "git")
	top := t.TempDir()
	p := &pusher{t: t, dir: filepath.Join(top, "work"), bare: filepath.Join(top, "fleet.git")}
	p.run(top, "init", "-q", "--bare", "-b", "main", p.bare)
	p.atBare("config", "receive.denyDeleteCurrent", "ignore")
	p.run(top, "init", "-q", "-b", "main", p.dir)
	p.git("config", "user.name", "Ada")
	p.git("config", "user.email", "ada@example.org")
	p.git("remote", "add", "origin", p.bare)
	p.commit()
	p.git("push", "-q", "origin", "main")
	return p
}

func (p *pusher) run(dir string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, sourcetest.GitEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// git works in the working tree, atBare in what is pushed to.
func (p *pusher) git(args ...string) string    { p.t.Helper(); return p.run(p.dir, args...) }
func (p *pusher) atBare(args ...string) string { p.t.Helper(); return p.run(p.bare, args...) }

func (p *pusher) commit() string {
	p.t.Helper()
	name := filepath.Join(p.dir, "a.yaml")
	old, _ := os.ReadFile(name)
	if err := os.WriteFile(name, append(old, "a\n"...), 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.git("add", "-A")
	p.git("commit", "-qm", "change")
	return p.git("rev-parse", "HEAD")
}

// follow follows url and returns what waits until a fetch brings a commit.
func follow(t testing.TB, url, branch string) (*sourcetest.Watching, func(reason, commit string)) {
	t.Helper()
	s, err := New(Config{URL: url, Ref: Ref{Branch: branch}, Dir: filepath.Join(t.TempDir(), "clone"), FollowRewrites: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := sourcetest.StartWatch(t, s)
	return w, func(reason, commit string) {
		t.Helper()
		w.Until(reason, func() bool {
			snap, err := s.Fetch(t.Context())
			if commit == "" {
				return err != nil
			}
			return err == nil && snap.Revision == commit
		})
	}
}

func TestWatchPushes(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	_, until := follow(t, "file://"+p.bare, "main")
	for range 3 {
		c := p.commit()
		p.git("push", "-q", "origin", "main")
		until("a push", c)
	}
	p.git("commit", "-q", "--amend", "-m", "another")
	p.git("push", "-q", "-f", "origin", "main")
	until("a force push", p.git("rev-parse", "HEAD"))
	for _, args := range [][]string{{"pack-refs", "--all"}, {"gc", "-q", "--prune=now"}, {"pack-refs", "--all", "--prune"}} {
		p.atBare(args...)
		c := p.commit()
		p.git("push", "-q", "origin", "main")
		until("a push after "+args[0], c)
	}
	p.git("push", "-q", "origin", ":main")
	until("the branch is deleted", "")
	p.git("push", "-q", "origin", "main")
	until("the branch is there again", p.git("rev-parse", "HEAD"))
	p.git("push", "-q", "origin", "main~1:refs/heads/old")
	p.atBare("pack-refs", "--all")
	p.atBare("update-ref", "-d", "refs/heads/main")
	until("a packed branch is deleted", "")
	p.atBare("branch", "main", "old")
	until("it is made again", p.git("rev-parse", "HEAD~1"))
}

// The folders of such a branch come with it, and go when it is deleted or
// packed.
func TestWatchNestedBranch(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	const branch = "teams/blue/fleet"
	_, until := follow(t, p.bare, branch)
	for range 3 {
		c := p.commit()
		p.git("push", "-q", "origin", "HEAD:refs/heads/"+branch)
		until("the branch is made", c)
		p.atBare("pack-refs", "--all")
		c = p.commit()
		p.git("push", "-q", "origin", "HEAD:refs/heads/"+branch)
		until("a push after its folders went", c)
		p.git("push", "-q", "origin", ":"+branch)
		until("it is deleted", "")
	}
	p.git("push", "-q", "origin", "HEAD:refs/heads/teams")
	p.git("push", "-q", "origin", ":teams", "HEAD:refs/heads/"+branch)
	until("a branch had the name of its folder", p.git("rev-parse", "HEAD"))
}

func TestWatchRepositoryMadeAgain(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	_, until := follow(t, p.bare, "main")
	twice := func(reason string) { // pushed to twice: the watch has moved over
		t.Helper()
		p.commit()
		p.git("push", "-q", "origin", "main")
		until(reason, p.git("rev-parse", "HEAD"))
		c := p.commit()
		p.git("push", "-q", "origin", "main")
		until("a push after "+reason, c)
	}
	twice("the beginning")
	if err := os.RemoveAll(p.bare); err != nil {
		t.Fatal(err)
	}
	until("the repository is gone", "")
	p.run(p.dir, "init", "-q", "--bare", "-b", "main", p.bare)
	twice("it was made again")
	for range 3 {
		if err := os.RemoveAll(p.bare); err != nil {
			t.Fatal(err)
		}
		p.run(p.dir, "init", "-q", "--bare", "-b", "main", p.bare)
		twice("it was made again at once")
	}
	p.run(p.dir, "clone", "-q", "--bare", p.bare, p.bare+".new")
	if err := os.Rename(p.bare, p.bare+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.bare+".new", p.bare); err != nil {
		t.Fatal(err)
	}
	twice("another was put in its place")
}

func TestWatchWorkingTree(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	linked := filepath.Join(t.TempDir(), "linked")
	p.git("worktree", "add", "-q", linked, "-b", "side")
	_, until := follow(t, p.dir, "main")
	_, side := follow(t, linked, "side")
	until("a commit", p.commit())
	p.git("update-ref", "refs/heads/side", "main")
	side("a branch of the repository it belongs to", p.git("rev-parse", "HEAD"))
	if err := os.RemoveAll(filepath.Join(p.dir, ".git")); err != nil {
		t.Fatal(err)
	}
	until(".git is gone", "")
	p.git("init", "-q", "-b", "main")
	p.git("config", "user.name", "Ada")
	p.git("config", "user.email", "ada@example.org")
	until(".git is made again", p.commit())
}

func TestWatchWhatIsNotThereYet(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	later := filepath.Join(t.TempDir(), "srv", "git", "later.git")
	_, until := follow(t, later, "main")
	p.git("push", "-q", "origin", "main")
	if err := os.MkdirAll(filepath.Dir(later), 0o755); err != nil {
		t.Fatal(err)
	}
	p.run(p.dir, "clone", "-q", "--bare", p.bare, later)
	until("it is there", p.git("rev-parse", "HEAD"))
}

// Reftables are written anew and renamed, by a git of another day.
func TestWatchReftable(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	s := build(t, &sourcetest.Repo{Dir: p.bare}, nil)
	w := sourcetest.StartWatch(t, s)
	tables := filepath.Join(p.bare, "reftable")
	if err := os.Mkdir(tables, 0o755); err != nil {
		t.Fatal(err)
	}
	w.Until("the folder", func() bool { return true })
	for _, n := range []string{"1", "2"} {
		list := filepath.Join(tables, "tables.list")
		if err := os.WriteFile(list+".lock", []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(list+".lock", list); err != nil {
			t.Fatal(err)
		}
		w.Until("a new table", func() bool { return true })
	}
}

// Many pushes, one right after the other: whatever calls melt into one, a call
// comes after the last of them.
func TestWatchPushesInARow(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	_, until := follow(t, p.bare, "main")
	commits := []string{p.git("rev-parse", "HEAD"), p.commit()}
	for i := range pushesInARow {
		p.git("push", "-q", "-f", "origin", commits[i%2]+":refs/heads/main")
	}
	until("the last push", commits[(pushesInARow-1)%2])
	var thousand strings.Builder
	for i := range 1000 {
		thousand.WriteString("start\nupdate refs/heads/main " + commits[i%2] + "\ncommit\n")
	}
	cmd := exec.Command("git", "update-ref", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = p.bare, sourcetest.GitEnv(), strings.NewReader(thousand.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := p.commit()
	p.git("push", "-q", "-f", "origin", "main")
	until("a push after a thousand moves", c)
}

// pushesInARow takes some seconds; a thousand take a minute.
const pushesInARow = 40

// TestWatchLatency is not parallel: it measures.
func TestWatchLatency(t *testing.T) {
	p := newPusher(t)
	s := build(t, &sourcetest.Repo{Dir: p.bare}, nil)
	calls := make(chan time.Time, 1000)
	ended := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- s.Watch(ctx, func() { calls <- time.Now() }) }()
	<-calls
	var fromMove, fromEnd []time.Duration
	for range 15 {
		p.commit()
		p.git("push", "-q", "origin", "main")
		end := time.Now()
		i, err := os.Stat(filepath.Join(p.bare, "refs", "heads", "main"))
		if err != nil {
			t.Fatal(err)
		}
		at := <-calls
		for at.Before(i.ModTime()) { // for something before this push
			at = <-calls
		}
		fromMove, fromEnd = append(fromMove, at.Sub(i.ModTime())), append(fromEnd, at.Sub(end))
	}
	cancel()
	<-ended
	slices.Sort(fromMove)
	slices.Sort(fromEnd)
	t.Logf("to the call: from the move of the branch median %s, longest %s; from the end of the push median %s, longest %s",
		fromMove[7], fromMove[14], fromEnd[7], fromEnd[14])
}

func TestWatchRemoteIsRefused(t *testing.T) {
	for _, url := range []string{"https://host.example/fleet.git", "ssh://git@host.example/fleet.git"} {
		auth := secret.Set{"identity": secret.New(""), "known_hosts": secret.New("")}
		s := &Source{addr: address{scheme: strings.SplitN(url, ":", 2)[0]}, cfg: Config{Auth: auth}}
		err := s.Watch(t.Context(), func() { t.Error("called") })
		if sources.KindOf(err) != sources.Invalid || !strings.Contains(err.Error(), "cannot be watched") {
			t.Errorf("%s: want Invalid, got %v", url, err)
		}
	}
}
