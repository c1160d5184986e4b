package daemon_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

const leastConfig = "apiVersion: vmsteward.dev/v1\nkind: Config\nfleet: lab\nsource: {dir: {path: /srv/vms}}\n"

func TestConfigDefaultsAreTheCarefulOnes(t *testing.T) {
	c, err := daemon.ParseConfig([]byte(leastConfig))
	if err != nil {
		t.Fatal(err)
	}
	if c.Prune.Mode != plan.PruneReport || time.Duration(*c.Prune.Grace) != 24*time.Hour || c.Prune.MaxCount != 5 || c.Prune.MaxPercent != 20 {
		t.Errorf("prune is %+v by default", c.Prune)
	}
	if c.Drift != plan.Enforce || c.Disruption.Max != plan.Restart || c.TimeZone != "UTC" || time.Duration(c.Interval) != 5*time.Minute {
		t.Errorf("drift %s, disruption %s, zone %s, interval %v by default", c.Drift, c.Disruption.Max, c.TimeZone, c.Interval)
	}
	if c.StateDir != "/var/lib/vmsteward" || c.API.Socket != "/run/vmsteward/vmsteward.sock" || c.ProvidersDir != "/etc/vmsteward/providers.d" {
		t.Errorf("paths are %s, %s, %s by default", c.StateDir, c.API.Socket, c.ProvidersDir)
	}
}

func TestConfigErrorsNameThePlace(t *testing.T) {
	tests := []struct {
		reason, add, want string
	}{
		{"a misspelt key is named with its line", "drfit: report\n", "line 5: unknown key drfit"},
		{"a value that is none of the allowed ones", "drift: maybe\n", `drift: "maybe" is not one of [enforce report]`},
		{"two clocks", "schedule: \"* * * * *\"\ninterval: 5m\n", "schedule and interval are both set"},
		{"a schedule that is no cron expression", "schedule: hourly\n", "schedule:"},
		{"a duration without unit", "prune: {grace: 24}\n", `"24" is not a duration`},
		{"a negative grace period", "prune: {grace: -1h}\n", "prune.grace: the least is 0"},
		{"replacement cannot be allowed", "disruption: {max: replace}\n", "disruption.max"},
		{"a window that is never open", "disruption: {windows: [{start: \"0 2 * * *\"}]}\n", "disruption.windows[0].duration"},
		{"a time zone that nobody knows", "timeZone: Mars/Olympus\n", "timeZone"},
		{"a log level that nobody knows", "log: {level: loud}\n", "log.level"},
		{"a second document", "---\nfleet: other\n", "more than one document"},
		{"two sources", "source: {git: {url: x}, dir: {path: /y}}\n", "already"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			_, err := daemon.ParseConfig([]byte(leastConfig + tt.add))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want an error with %q, got %v", tt.want, err)
			}
		})
	}
	if _, err := daemon.LoadConfig(filepath.Join(t.TempDir(), "absent.yaml")); err == nil || !strings.Contains(err.Error(), "help config") {
		t.Errorf("a missing file does not lead to the example: %v", err)
	}
}

func TestConfigErrorsKeepValuesToThemselves(t *testing.T) {
	for _, text := range []string{
		"webhook: {secret: *hunter6}\n", "fleet: [hunter6]\n", "prune: {maxCount: hunter6}\n", "prune: {maxCount: \"hunter6 `a` into\"}\n", "source: hunter6\n",
	} {
		if _, err := daemon.ParseConfig([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter6") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(leastConfig))
	f.Add([]byte(leastConfig + "prune: {grace: 1h}\ndisruption: {windows: [{start: \"0 2 * * *\", duration: 1h}]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := daemon.ParseConfig(b); err == nil && (c.Fleet == "" || c.Prune.Grace == nil) {
			t.Errorf("accepted without a fleet or a grace period: %q", b)
		}
	})
}

// TestStopLeavesNothing starts and stops the daemon again and again.
func TestStopLeavesNothing(t *testing.T) {
	s := newMemorySite(t)
	s.policy += "\nmetrics: {listen: \"127.0.0.1:0\"}"
	s.fleet()
	measure := func() (goroutines, descriptors int) {
		fds, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return runtime.NumGoroutine(), len(fds)
	}
	var goroutines, descriptors int
	for i := range 6 {
		t.Run("round", func(t *testing.T) {
			round := *s
			round.t = t
			round.start()
			round.until("it is in sync", round.settled)
		})
		if i == 0 {
			goroutines, descriptors = measure()
		}
	}
	s.until("goroutines and descriptors are as after the first round", func() bool {
		g, d := measure()
		return g <= goroutines && d <= descriptors
	})
}
