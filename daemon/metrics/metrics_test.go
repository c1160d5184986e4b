package metrics

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

var update = flag.Bool("update", false, "write the golden files")

// report is a pass in which something of everything happened.
func report() *reconcile.Report {
	r := &reconcile.Report{
		Pass: "p-1", Begun: time.Unix(1_790_000_000, 0), Took: 1500 * time.Millisecond,
		Results: []reconcile.Result{
			{VM: manifest.Key{Namespace: "web", Name: "vm-a"}, Action: plan.Create, Outcome: reconcile.Applied},
			{VM: manifest.Key{Namespace: "web", Name: "vm-b"}, Action: plan.Update, Outcome: reconcile.NotTried, Error: "s3cret"},
			{VM: manifest.Key{Namespace: "web", Name: "vm-c"}, Action: plan.Delete, Outcome: reconcile.Failed},
		},
		JournalError: "disk full",
	}
	r.Plan.Summary = plan.Summary{Wanted: 9, InSync: 3, Held: 2, Conflicts: 1, Drifted: 4, Deferred: 5, Reported: 6}
	r.Plan.Items = []*plan.Item{
		{ID: "1", Action: plan.Hold, Digest: "d"}, {ID: "2", Action: plan.Hold}, {ID: "3", Action: plan.Retire},
		{ID: "4", Action: plan.Conflict}, {Action: plan.Sweep},
	}
	r.Findings = []manifest.Finding{{Severity: manifest.Error, Message: "s3cret"}, {Severity: manifest.Warning}, {Severity: manifest.Warning}}
	r.Snapshot = reconcile.Snapshot{Stale: "no route to s3cret", Time: time.Unix(1_789_999_000, 0)}
	return r
}

func exercised() *Metrics {
	m := New("v1.2.3")
	m.PassDone(report(), nil)
	m.PassDone(nil, errors.New("s3cret"))
	m.PassDone(nil, fmt.Errorf("apply: %w", reconcile.ErrPlanMoved))
	m.Busy(2)
	m.NextPass(time.Unix(1_790_000_300, 500_000_000))
	m.Retired(1)
	m.Suspended(1)
	m.ProviderUp("gone/gone", true, "libvirt")
	m.ForgetProviders()
	m.ProviderUp("infra/kvm1", false, "vsphere")
	m.ProviderUp("infra/kvm1", true, "libvirt")
	m.ProviderUp("infra/vc", false, "vsphere")
	m.SourceFetched(20*time.Millisecond, nil)
	m.SourceFetched(40*time.Second, errors.New("s3cret"))
	m.WebhookDelivery(DeliveryDenied)
	m.WebhookDelivery("s3cret-1")
	m.Wake(WakeSource)
	m.Wake("s3cret-2")
	return m
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// own leaves out the series of the Go collectors and what differs by machine.
func own(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, "vmsteward_") {
			b.WriteString(regexp.MustCompile(`goversion="[^"]*"`).ReplaceAllString(line, `goversion="go"`))
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("want before got; -update writes it anew:\n%s", d)
	}
}

func TestExposition(t *testing.T) {
	for name, m := range map[string]*Metrics{"fresh.txt": New("v1.2.3"), "exercised.txt": exercised()} {
		code, text := get(t, m.Handler(Health{}), "/metrics")
		if code != http.StatusOK {
			t.Fatalf("%s: status %d: %s", name, code, text)
		}
		golden(t, name, own(text))
		for _, word := range []string{"go_goroutines ", "process_open_fds ", "process_start_time_seconds "} {
			if !strings.Contains(text, "\n"+word) {
				t.Errorf("%s: %s is missing", name, word)
			}
		}
	}
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	families, err := exercised().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Whatever comes from outside, the number of series stays, and no VM and no
// text of an error is among them.
func TestSeriesAreFew(t *testing.T) {
	m := exercised()
	_, before := get(t, m.Handler(Health{}), "/metrics")
	for i := range 500 {
		s := fmt.Sprintf("s3cret-%d", i)
		m.Wake(s)
		m.WebhookDelivery(s)
		m.SourceFetched(time.Duration(i)*time.Millisecond, errors.New(s))
		r := report()
		for k := range r.Results {
			r.Results[k].VM.Name, r.Results[k].Error = s, s
		}
		m.PassDone(r, nil)
	}
	_, after := get(t, m.Handler(Health{}), "/metrics")
	if d := cmp.Diff(names(before), names(after)); d != "" {
		t.Errorf("series came or went:\n%s", d)
	}
	if n := len(names(after)); n > 150 {
		t.Errorf("want at most 150 series, got %d", n)
	} else {
		t.Logf("%d series with two endpoints", n)
	}
	for _, w := range []string{"s3cret", "vm-a", "vm-b", "disk full"} {
		if strings.Contains(after, w) {
			t.Errorf("%q is told", w)
		}
	}
}

func names(text string) []string {
	set := map[string]bool{}
	for line := range strings.Lines(own(text)) {
		if name, _, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			set[name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestSuccess(t *testing.T) {
	m := New("v1")
	ok := report()
	ok.Results = ok.Results[:1]
	m.PassDone(ok, nil)
	for range 2 { // a pass that failed moves the one and not the other
		_, text := get(t, m.Handler(Health{}), "/metrics")
		if !strings.Contains(text, "vmsteward_pass_last_success_timestamp_seconds 1.7900000015e+09") {
			t.Error("the last success is not the pass that succeeded")
		}
		bad := report()
		bad.Begun = bad.Begun.Add(time.Hour)
		m.PassDone(bad, nil)
	}
	m.LastPass(time.Unix(1_690_000_000, 0), true)
	if _, text := get(t, m.Handler(Health{}), "/metrics"); !strings.Contains(text, "vmsteward_pass_last_success_timestamp_seconds 1.69e+09") {
		t.Error("the pass of an earlier process is not told")
	}
}
