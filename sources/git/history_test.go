package git

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// push adds n commits to main at once, each with another content of one file.
func push(t *testing.T, r *sourcetest.Repo, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx\n", 1_700_000_000+i)
		if i == 0 {
			fmt.Fprintf(&b, "from %s\n", r.Tip("main"))
		}
		text := fmt.Sprintf("%s %d\n", r.Tip("main"), i)
		fmt.Fprintf(&b, "M 644 inline vms/%d.yaml\ndata %d\n%s\n", i%10, len(text), text)
	}
	cmd := exec.CommandContext(t.Context(), "git", "-C", r.Dir, "fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(b.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, out)
	}
	return r.Tip("main")
}

// followed is a repository and a source that follows it by "file" or "http".
func followed(t *testing.T, transport string) (*sourcetest.Repo, *Source) {
	t.Helper()
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"vms/0.yaml": "0"})
	return r, build(t, r, func(c *Config) {
		if transport == "http" {
			srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
			c.URL, c.Auth = srv.URL, srv.Auth
		}
	})
}

// What a source holds of a clone does not grow with the clone: after a long
// history it takes little memory and has few files open.
func TestHistoryTakesNoMemory(t *testing.T) {
	sourcetest.Need(t, "git")
	const rounds, each = 12, 500 // fetches, commits in each: 18,000 objects
	const limit = 128 << 10      // bytes, where 20 for each object are 360 KB
	for _, transport := range []string{"file", "http"} {
		r, s := followed(t, transport)
		s.packs = 6
		for range rounds {
			want(t, s, push(t, r, each))
		}
		if old := s.store.haves(plumbing.NewHash(r.Tip("main"))); len(old) != maxHaves {
			t.Errorf("%s: want the youngest %d commits, got %d", transport, maxHaves, len(old))
		}
		if n := open(t, s); n == 0 || n > 2*s.packs {
			t.Errorf("%s: %d files of the clone are open, want at most two for each pack", transport, n)
		}
		s.store.packs.cache.Clear()
		with := alive()
		s.store.reopen()
		held := with - alive()
		t.Logf("%s: %d bytes held", transport, held)
		if held > limit {
			t.Errorf("%s: the clone of %d commits takes %d bytes, more than %d", transport, rounds*each, held, limit)
		}
	}
}

// open counts the files of the clone that this process has open.
func open(t *testing.T, s *Source) (n int) {
	t.Helper()
	list, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(list) == 0 {
		t.Fatalf("no descriptors: %v", err)
	}
	for _, fd := range list {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, s.cfg.Dir+"/") {
			n++
		}
	}
	return n
}
