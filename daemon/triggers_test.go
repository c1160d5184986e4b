package daemon_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
)

const webhookSecret = "a secret of the forge"

// listening waits until the daemon says where it listens.
func (s *site) listening(msg string) string {
	s.t.Helper()
	var address []string
	s.until(msg, func() bool {
		address = s.log.lines(s.t, msg, "address")
		return len(address) > 0
	})
	return address[0]
}

// TestTriggersWakeAPass wakes the real daemon, whose schedule is hours away, in
// every way there is. Each brings a commit into force, with the reason in the
// log.
func TestTriggersWakeAPass(t *testing.T) {
	s := newMemorySite(t)
	s.write("credentials/forge/secret", webhookSecret)
	s.policy += "\nwebhook: {listen: \"127.0.0.1:0\", secret: forge}\nmetrics: {listen: \"127.0.0.1:0\"}"
	s.fleet()
	s.start()
	hook := "http://" + s.listening("webhook listens") + "/webhook"
	figures := "http://" + s.listening("metrics listen")
	svc, err := daemon.Dial(t.Context(), filepath.Join(s.dir, "sock"))
	must(t, err)
	defer svc.Close()

	cpu := 1
	commit := func() {
		cpu++
		s.repo.Commit(map[string]string{"vms/good.yaml": vmFile{Name: "good", CPU: cpu}.yaml()})
	}
	tests := []struct {
		trigger, reason string
		pull            func()
	}{
		{"a push to a repository on this host", "the source changed", commit},
		{"a webhook", "a push was delivered", func() { commit(); deliver(t, hook, webhookSecret, http.StatusAccepted) }},
		{"a person", "a person asked for it", func() { commit(); must(t, svc.Reconcile(t.Context())) }},
		{"an outside change", "tells of a change", func() { s.outside("other") }},
	}
	for _, tt := range tests {
		t.Run(tt.trigger, func(t *testing.T) {
			s.log.reset()
			tt.pull()
			s.until("a pass for the reason", func() bool {
				return strings.Contains(strings.Join(s.log.lines(t, "pass complete", "reason"), "\n"), tt.reason)
			})
			s.until("nothing is left to do", s.settled)
		})
	}
	deliver(t, hook, "a wrong secret", http.StatusUnauthorized)
	exposition := get(t, figures+"/metrics", http.StatusOK)
	for _, want := range []string{
		`vmsteward_webhook_deliveries_total{verdict="accepted"} 1`, `vmsteward_webhook_deliveries_total{verdict="denied"} 1`,
		`vmsteward_wakes_total{reason="webhook"} 1`, `vmsteward_provider_up{`,
	} {
		if !strings.Contains(exposition, want) {
			t.Errorf("metrics lack %s:\n%s", want, exposition)
		}
	}
	get(t, figures+"/readyz", http.StatusOK)
}

// deliver sends a signed delivery of the generic form.
func deliver(t *testing.T, url, secret string, want int) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	body := `{"ref":"refs/heads/main","at":"` + time.Now().String() + `"}`
	mac.Write([]byte(body))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	must(t, err)
	req.Header.Set("X-Vmsteward-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != want {
		t.Errorf("delivery: %s, want %d: %s", res.Status, want, text)
	}
}

func get(t *testing.T, url string, want int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != want {
		t.Errorf("%s: %s, want %d", url, res.Status, want)
	}
	return string(text)
}

// TestReloadKeepsYesterdaysDaemon reloads a bad configuration, which changes
// nothing, and a good one, which is in force at once.
func TestReloadKeepsYesterdaysDaemon(t *testing.T) {
	s := newMemorySite(t)
	s.fleet()
	d := s.startWith(filepath.Join(s.dir, "vmsteward.yaml"))
	good, err := os.ReadFile(filepath.Join(s.dir, "vmsteward.yaml"))
	must(t, err)
	s.write("vmsteward.yaml", string(good)+"\ndrfit: report\n")
	if err := d.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "drfit") {
		t.Errorf("a bad configuration was taken, or is not named: %v", err)
	}
	s.outside("good")
	s.until("drift is corrected as before", s.settled)
	s.write("vmsteward.yaml", string(good)+"\ndrift: report\n")
	must(t, d.Reload(t.Context()))
	s.outside("good")
	s.until("drift is reported only", func() bool {
		return contains(s.log.lines(t, "drift", "vm", "verdict"), "default/good | report")
	})
}

// TestSuspension leaves VMs alone until they are resumed, across a restart.
func TestSuspension(t *testing.T) {
	s := newMemorySite(t)
	s.fleet()
	s.with(func(svc daemon.Service) {
		must(t, svc.Suspend(t.Context(), daemon.SuspendRequest{Reason: "storage move"}))
	})
	s.outside("good")
	s.wantCalls("nothing is done while suspended")
	s.with(func(svc daemon.Service) {
		st, err := svc.Status(t.Context())
		must(t, err)
		if len(st.Suspended) != 1 || st.Suspended[0].Reason != "storage move" || st.Suspended[0].By == "" {
			t.Errorf("status shows %+v", st.Suspended)
		}
		must(t, svc.Resume(t.Context(), daemon.ResumeRequest{}))
	})
	s.wantCalls("resumed, the drift is corrected", "good [start] applied")
}
