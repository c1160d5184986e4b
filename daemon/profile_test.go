package daemon_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

func profileOf(t *testing.T, socket string, p daemon.Profile, text bool) []byte {
	t.Helper()
	r, err := daemon.TakeProfile(t.Context(), socket, p, daemon.ProfileOptions{Text: text, Span: time.Second})
	must(t, err)
	defer r.Close()
	out, err := io.ReadAll(r)
	must(t, err)
	return out
}

// TestProfiles takes every profile over the socket. Go's own tool reads each,
// and none holds a secret that the daemon does. A process is traced once at a
// time, so no other test runs beside it.
func TestProfiles(t *testing.T) {
	s := newMemorySite(t)
	s.write("credentials/forge/secret", webhookSecret)
	s.policy += "\nwebhook: {listen: \"127.0.0.1:0\", secret: forge}\nmetrics: {listen: \"127.0.0.1:0\"}"
	s.fleet()
	s.start()
	socket := filepath.Join(s.dir, "sock")
	for _, p := range daemon.Profiles {
		t.Run(p.Name, func(t *testing.T) {
			taken := profileOf(t, socket, p, false)
			wantNoSecret(t, plainOf(t, taken))
			if p.Reader == "go tool pprof" {
				file := filepath.Join(t.TempDir(), "taken")
				must(t, os.WriteFile(file, taken, 0o600))
				out, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-raw", file).CombinedOutput()
				if err != nil || !strings.Contains(string(out), "Samples:") {
					t.Errorf("go tool pprof: %v\n%.300s", err, out)
				}
			} else if !bytes.HasPrefix(taken, []byte("go 1.")) {
				t.Errorf("no trace: %.20q", taken)
			}
			if p.HasText() {
				text := profileOf(t, socket, p, true)
				wantNoSecret(t, text)
				if !bytes.Contains(text, []byte("github.com/vmsteward/vmsteward/daemon.")) {
					t.Errorf("the text names no function of ours:\n%.300s", text)
				}
			}
		})
	}
	for _, listener := range []string{"webhook listens", "metrics listen"} {
		get(t, "http://"+s.listening(listener)+"/debug/pprof/", http.StatusNotFound)
	}
}

func wantNoSecret(t *testing.T, profile []byte) {
	t.Helper()
	if bytes.Contains(profile, []byte(webhookSecret)) {
		t.Error("the profile holds a secret")
	}
}

// plainOf undoes the compression of a profile.
func plainOf(t *testing.T, profile []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		return profile
	}
	plain, err := io.ReadAll(z)
	must(t, err)
	return plain
}

// TestStopCutsAProfileShort ends a daemon while a profile of an hour is taken.
func TestStopCutsAProfileShort(t *testing.T) {
	s := newMemorySite(t)
	s.fleet()
	d := s.start()
	trace := daemon.Profiles[len(daemon.Profiles)-1]
	r, err := daemon.TakeProfile(t.Context(), filepath.Join(s.dir, "sock"), trace, daemon.ProfileOptions{Span: time.Hour})
	must(t, err)
	defer r.Close()
	must(t, d.Stop(t.Context()))
	if _, err := io.ReadAll(r); err != nil {
		t.Errorf("what was taken so far: %v", err)
	}
}

const strangersSocket = "VMSTEWARD_TEST_SOCKET"

// TestAStrangerMayNotAct opens the socket to everybody. Who is neither root nor
// the daemon's user may look, and neither act nor take a profile.
func TestAStrangerMayNotAct(t *testing.T) {
	if socket := os.Getenv(strangersSocket); socket != "" {
		actAsStranger(t, socket)
		return
	}
	if os.Geteuid() != 0 {
		if os.Getenv(libvirttest.MustNotSkip) != "" {
			t.Fatal("only root can be somebody else")
		}
		t.Skip("only root can be somebody else")
	}
	s := newMemorySite(t)
	s.fleet()
	s.start()
	socket := filepath.Join(s.dir, "sock")
	must(t, os.Chmod(socket, 0o666))
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		must(t, os.Chmod(dir, 0o755))
	}
	libvirttest.RunAsNobody(t, "TestAStrangerMayNotAct", strangersSocket+"="+socket)
}

func actAsStranger(t *testing.T, socket string) {
	svc, err := daemon.Dial(t.Context(), socket)
	must(t, err)
	defer svc.Close()
	if _, err := svc.Status(t.Context()); err != nil {
		t.Errorf("looking: %v", err)
	}
	if err := svc.Reconcile(t.Context()); err == nil || !strings.Contains(err.Error(), "user 65534 may read and not act") {
		t.Errorf("acting: %v", err)
	}
	for _, p := range daemon.Profiles {
		_, err := daemon.TakeProfile(t.Context(), socket, p, daemon.ProfileOptions{Span: time.Second})
		if err == nil || !strings.Contains(err.Error(), "user 65534 may take no profile") {
			t.Errorf("profile %s: %v", p.Name, err)
		}
	}
}
