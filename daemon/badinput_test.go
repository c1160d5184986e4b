package daemon_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sys/unix"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// newMemorySite is a site whose hypervisor is a file of its own: what is tried
// on it is about the source and the host, not about the hypervisor.
func newMemorySite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), repo: sourcetest.NewRepo(t), log: &logBuffer{}}
	s.write("providers.d/kvm.yaml", fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: kvm}
spec: {type: memory, endpoint: "memory://%s/hypervisor.json"}
`, s.dir))
	s.policy = "prune: {mode: delete, grace: 0s, maxCount: 100, maxPercent: 100}"
	return s
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// TestBadInputHoldsOnlyWhatDependsOnIt commits one bad thing together with a
// good change and the removal of a VM. The good change is made; the VM is not
// removed where the bad thing could be what it was moved into; and the finding
// names the place.
func TestBadInputHoldsOnlyWhatDependsOnIt(t *testing.T) {
	const changed = "good [shutdown reconfigure start] applied"
	const removed = "gone [shutdown delete] applied"
	tests := []struct {
		reason  string
		entries map[string]sourcetest.Entry
		want    []string
		finding string // part of a line of the log
	}{
		{"malformed YAML hides which VM it was, so nothing is removed",
			text("vms/bad.yaml", "kind: VirtualMachine\n  name: [unclosed\n"), []string{changed}, "vms/bad.yaml:"},
		{"a YAML bomb is refused quickly", text("vms/bomb.yaml", bomb()), []string{changed}, "vms/bomb.yaml"},
		{"an unknown class holds the VM that names it",
			text("vms/odd.yaml", strings.Replace(vmFile{Name: "odd"}.yaml(), "{name: small}", "{name: smal}", 1)),
			[]string{changed, removed}, "small"},
		{"two VMs of one name are both held",
			text("vms/twin.yaml", vmFile{Name: "other", CPU: 7}.yaml()), []string{changed, removed}, "vms/other.yaml"},
		{"a link to its own folder is not followed",
			map[string]sourcetest.Entry{"vms/loop": {Content: "../vms", Mode: filemode.Symlink}}, []string{changed}, "symbolic link not followed"},
		{"a file of 50 MB is refused without reading it",
			text("vms/huge.yaml", "#"+strings.Repeat("x", 50<<20)), []string{changed}, "vms/huge.yaml: error: larger than"},
		{"a binary file is refused",
			text("vms/binary.yaml", "\x7fELF\x00\x01\x02\x00\xff\xfe"), []string{changed}, "vms/binary.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			s := newMemorySite(t)
			s.fleet()
			entries := map[string]sourcetest.Entry{"vms/good.yaml": {Content: vmFile{Name: "good", CPU: 3}.yaml(), Mode: filemode.Regular}}
			for name, e := range tt.entries {
				entries[name] = e
			}
			s.repo.CommitEntries(entries, "vms/gone.yaml")
			s.wantCalls(tt.reason, tt.want...)
			if all := strings.Join(s.log.lines(t, "manifest", "reason"), "\n"); !strings.Contains(all, tt.finding) {
				t.Errorf("the log does not name %q:\n%s", tt.finding, all)
			}
			delete(entries, "vms/good.yaml")
			var bad []string
			for name := range entries {
				bad = append(bad, name)
			}
			s.repo.CommitEntries(map[string]sourcetest.Entry{"note.txt": {Content: "x", Mode: filemode.Regular}}, bad...)
			s.apply()
			s.wantInSync("once the bad thing is gone")
		})
	}
}

func text(name, content string) map[string]sourcetest.Entry {
	return map[string]sourcetest.Entry{name: {Content: content, Mode: filemode.Regular}}
}

// fleet commits and creates the VMs good, other and gone.
func (s *site) fleet() {
	s.t.Helper()
	files := map[string]string{"common.yaml": commonManifests}
	for _, n := range []string{"good", "other", "gone"} {
		files["vms/"+n+".yaml"] = vmFile{Name: n}.yaml()
	}
	s.repo.Commit(files)
	s.wantCalls("the fleet is created", "good [create start] applied", "other [create start] applied", "gone [create start] applied")
}

// TestSourceTroubleRemovesNothing has the repository fail in every way that is
// not an answer. Drift is still corrected from the last good revision, and
// nothing is removed.
func TestSourceTroubleRemovesNothing(t *testing.T) {
	tests := []struct {
		reason string
		break_ func(*site)
		log    string
	}{
		{"the branch is gone", func(s *site) {
			s.repo.Reset("elsewhere", s.repo.Tip("main"))
			s.repo.DeleteBranch("main")
		}, "branch main"},
		{"the branch was rewritten", func(s *site) { s.repo.ForcePush(map[string]string{"common.yaml": commonManifests}) }, "history of branch main was rewritten"},
		{"the repository is gone", func(s *site) { must(s.t, os.Rename(s.repo.Dir, s.repo.Dir+".away")) }, "no such file or directory"},
		{"the repository is empty", func(s *site) {
			must(s.t, os.Rename(s.repo.Dir, s.repo.Dir+".away"))
			fresh := sourcetest.NewRepo(s.t)
			must(s.t, os.Rename(fresh.Dir, s.repo.Dir))
		}, "the repository is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			s := newMemorySite(t)
			s.fleet()
			tt.break_(s)
			s.outside("good")
			s.wantCalls("drift is corrected, nothing is removed", "good [start] applied")
			lines := strings.Join(s.log.lines(t, "source failed, the last good snapshot stays in force", "err"), "\n")
			if !strings.Contains(lines, tt.log) {
				t.Errorf("the log does not say %q:\n%s", tt.log, lines)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestExpiredCredentials serves the repository over HTTPS and changes the
// password: the pass says so and keeps the last good revision.
func TestExpiredCredentials(t *testing.T) {
	s := newMemorySite(t)
	s.fleet()
	s.write("credentials/git-creds/username", "steward")
	s.write("credentials/git-creds/password", "old")
	srv := sourcetest.ServeHTTP(t, s.repo, sourcetest.HTTPOptions{TLS: true, Username: "steward", Password: "new"})
	s.write("credentials/git-creds/ca.crt", srv.Auth["ca.crt"].Reveal())
	s.url = srv.URL + "\n    credentials: git-creds"
	s.with(func(svc daemon.Service) {
		_, err := svc.Apply(t.Context(), daemon.ApplyRequest{})
		if err == nil || !strings.Contains(err.Error(), "credential") && !strings.Contains(err.Error(), "auth") {
			t.Errorf("the error does not name the credentials: %v", err)
		}
		if err != nil && (strings.Contains(err.Error(), "old") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("steward:old")))) {
			t.Errorf("the error holds the password: %v", err)
		}
	})
	s.write("credentials/git-creds/password", "new")
	s.wantCalls("with the new password nothing is left to do")
}

// TestFullDiskUnderTheStateDirectory fills a small file system: no call is made
// that could not be written down first, and all is well once there is room.
func TestFullDiskUnderTheStateDirectory(t *testing.T) {
	s := newMemorySite(t)
	state := filepath.Join(s.dir, "state")
	must(t, os.MkdirAll(state, 0o700))
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, "size=2m"); err != nil {
		if os.Getenv("VMSTEWARD_MUST_NOT_SKIP") != "" {
			t.Fatal(err)
		}
		t.Skipf("a file system of its own needs root: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(state, unix.MNT_DETACH)) })
	s.fleet()
	s.repo.Commit(map[string]string{"vms/good.yaml": vmFile{Name: "good", CPU: 3}.yaml(), "vms/more.yaml": vmFile{Name: "more"}.yaml()}, "vms/gone.yaml")
	full := filepath.Join(state, "full")
	fill(t, full)
	s.with(func(svc daemon.Service) {
		rep, err := svc.Apply(t.Context(), daemon.ApplyRequest{})
		said := fmt.Sprint(err)
		if rep != nil {
			said = fmt.Sprint(said, rep.JournalError, rep.Snapshot.Stale, calls(rep))
		}
		if !strings.Contains(said, "no space left") {
			t.Errorf("the pass does not say that the disk is full: %s", said)
		}
	})
	must(t, os.Remove(full))
	s.apply()
	s.wantInSync("once there is room again")
}

func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
}
