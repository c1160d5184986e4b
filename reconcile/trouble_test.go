package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// TestVerdicts has one row for each kind of error.
func TestVerdicts(t *testing.T) {
	for _, row := range []struct {
		fault    memory.Fault
		outcome  Outcome
		hold     bool          // until the manifest changes
		min, max time.Duration // of the pause; zero: the next pass tries
	}{
		{memory.Fault{Kind: providers.NotFound}, Failed, false, 0, 0},
		{memory.Fault{Kind: providers.NotFound, Missing: "image base"}, Failed, false, 22 * time.Second, 30 * time.Second},
		{memory.Fault{Kind: providers.InvalidSpec}, Failed, true, 0, 0},
		{memory.Fault{Kind: providers.NotSupported}, Failed, true, 0, 0},
		{memory.Fault{Kind: providers.Conflict}, Failed, false, 7 * time.Second, 10 * time.Second},
		{memory.Fault{Kind: providers.Retryable}, Failed, false, 1500 * time.Millisecond, 2 * time.Second},
		{memory.Fault{Kind: providers.RateLimited, After: 42 * time.Second}, Failed, false, 42 * time.Second, 42 * time.Second},
		{memory.Fault{Kind: providers.Unavailable}, NotTried, false, 1500 * time.Millisecond, 2 * time.Second},
		{memory.Fault{Kind: providers.Timeout}, Failed, false, 3 * time.Second, 5 * time.Second},
		{memory.Fault{Kind: providers.Unauthorized}, Failed, false, 22 * time.Second, 30 * time.Second},
		{memory.Fault{Kind: providers.QuotaExceeded}, Failed, false, 45 * time.Second, time.Minute},
		{memory.Fault{Kind: providers.Unrecognised}, Failed, false, 3 * time.Second, 5 * time.Second},
	} {
		bubble(t, func(t *testing.T, w *world) {
			kind := string(row.fault.Kind)
			row.fault.Op = "create"
			w.hv.Inject(row.fault)
			w.src.put("web.yaml", vmText("web", ""))
			rep, _ := w.pass()
			got := outcome(rep, "web")
			if got.Outcome != row.outcome || got.Kind != kind || !strings.Contains(got.Error, "injected fault") {
				t.Errorf("%s: %+v", kind, got)
			}
			pause := rep.RetryAt.Sub(time.Now())
			if row.max == 0 && !rep.RetryAt.IsZero() || row.max > 0 && (pause < row.min || pause > row.max) {
				t.Errorf("%s: retry at %s, in %s; want %s to %s", kind, rep.RetryAt, pause, row.min, row.max)
			}
			if row.max > 0 {
				time.Sleep(pause - time.Millisecond)
				w.want(kind + ": not before its time")
				time.Sleep(2 * time.Millisecond)
			}
			if row.fault.Kind == providers.Timeout || row.fault.Kind == providers.Unauthorized {
				time.Sleep(row.max - row.min) // endpoint and VM have a pause each
			}
			if row.hold {
				time.Sleep(time.Hour)
				w.want(kind + ": not as written")
				w.src.put("web.yaml", vmText("web", "  tags: [x]\n"))
			}
			w.want(kind+": tried again", "create lab/default/web", "power default/web start")
		})
	}
}

func TestPausesDoubleUpToTheirMost(t *testing.T) {
	for kind, v := range verdicts {
		for n := range 40 {
			d := v.pause(n)
			whole := min(v.first<<max(0, min(n-1, 20)), v.most)
			if d > whole || d < whole-whole/4-1 {
				t.Errorf("%s after %d failures: %s of %s", kind, n, d, whole)
			}
		}
	}
}

func TestEndpointThatIsDownIsNotHammered(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		annex := manifest.Key{Name: "annex"}
		other := memory.NewHypervisor()
		w.more = []Endpoint{{Key: annex, Provider: other.Connect(providers.Settings{Fleet: "lab", Key: annex})}}
		w.restart()
		w.src.put("far.yaml", strings.ReplaceAll(vmText("far", ""), "name: lab", "name: annex"))
		w.pass()
		w.hv.Cut()
		w.src.put("far.yaml", strings.ReplaceAll(vmText("far", "  resources: {cpu: 4}\n"), "name: lab", "name: annex"))
		other.ForgetCalls()
		begun := time.Now()
		var lists []time.Duration
		for time.Since(begun) < 10*time.Minute {
			rep, _ := w.pass()
			if w.hv.Counts()["list"] > 0 {
				lists = append(lists, time.Since(begun))
			}
			if rep.Plan.Summary.Held != 1 || rep.RetryAt.IsZero() {
				t.Fatalf("%+v, retry at %s", rep.Plan.Summary, rep.RetryAt)
			}
			time.Sleep(time.Second)
		}
		if got := other.Calls(); !cmp.Equal(got, []string{"reconfigure default/far live cpu=4"}) {
			t.Errorf("the other provider: %v", got)
		}
		if n := len(lists); n < 10 || n > 22 {
			t.Errorf("%d attempts in ten minutes: %v", n, lists)
		}
		for i := 2; i < len(lists); i++ {
			gap, before := lists[i]-lists[i-1], lists[i-1]-lists[i-2]
			if gap < before*3/4-time.Second || gap > time.Minute+time.Second {
				t.Errorf("the pause went from %s to %s", before, gap)
			}
		}
		if w.engine.Trouble(labKey) == "" {
			t.Error("no trouble is told")
		}
		w.hv.Restore()
		time.Sleep(time.Minute)
		w.want("it is back")
		if got := w.engine.Trouble(labKey); got != "" {
			t.Error(got)
		}
	})
}

func TestCallerWhoLeavesIsNoFailureOfTheEndpoint(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.hv.Inject(memory.Fault{Op: "list", Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.engine.Plan(ctx); err == nil {
			t.Error("a plan without an inventory")
		}
		if got := w.engine.Trouble(labKey); got != "" {
			t.Error(got)
		}
		w.want("the next pass works")
	})
}

func TestLostAnswersConverge(t *testing.T) {
	for _, op := range []string{"create", "power", "reconfigure", "describe", "task", "delete"} {
		for _, fault := range []memory.Fault{{Kind: providers.Unavailable}, {Hang: true}, {Kind: providers.Unrecognised}} {
			bubble(t, func(t *testing.T, w *world) {
				w.hv.SetNature(memory.Nature{ShutdownTakes: 3 * time.Second})
				fault.Op, fault.Lost, fault.Times = op, op != "task" && op != "describe", 1
				w.hv.Inject(fault)
				w.src.put("stays.yaml", vmText("stays", ""))
				w.src.put("web.yaml", vmText("web", ""))
				w.quiet()
				w.src.put("web.yaml", vmText("web", "  resources: {cpu: 16}\n"))
				w.quiet()
				if got := w.hv.Outside().Boots("web"); got != 2 {
					t.Errorf("%s %+v: %d boots", op, fault, got)
				}
				w.src.remove("web.yaml")
				w.quiet()
				time.Sleep(25 * time.Hour)
				w.quiet()
				if got := w.hv.Outside().Volumes(); len(got) != 1 {
					t.Errorf("%s %+v: volumes %v", op, fault, got)
				}
			})
		}
	}
}

// quiet passes, at the times that the passes ask for, until one calls nothing
// and has nothing to come back for soon.
func (w *world) quiet() {
	w.t.Helper()
	for range 12 {
		rep, calls := w.pass()
		if wait := time.Until(rep.RetryAt); len(calls) == 0 && (rep.RetryAt.IsZero() || wait > time.Hour) {
			return
		} else if wait > 0 && wait < time.Hour {
			time.Sleep(wait)
		}
	}
	w.t.Fatalf("no rest after 12 passes:\n%s", w.out)
}

func TestCallsThatHangEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.call, w.obs = time.Minute, 20*time.Second
		w.restart()
		w.src.put("web.yaml", vmText("web", ""))
		w.hv.Inject(memory.Fault{Op: "list", Hang: true})
		begun := time.Now()
		rep, _ := w.pass()
		if took := time.Since(begun); took != 20*time.Second || len(rep.Plan.Notes) != 1 {
			t.Errorf("the read took %s; notes %v", took, rep.Plan.Notes)
		}
		time.Sleep(time.Minute)
		w.hv.Inject(memory.Fault{Op: "create", Hang: true})
		begun = time.Now()
		rep, _ = w.pass()
		if got := outcome(rep, "web"); time.Since(begun) != time.Minute || got.Kind != string(providers.Timeout) {
			t.Errorf("the call took %s: %+v", time.Since(begun), got)
		}
		w.quiet()
	})
}

func TestRateLimit(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.qps = 2
		w.restart()
		for _, n := range []string{"a", "b", "c", "d", "e"} {
			w.src.put(n+".yaml", vmText(n, ""))
		}
		begun := time.Now()
		_, calls := w.pass()
		n := w.hv.Counts()["describe"] + len(calls)
		if took, least := time.Since(begun), time.Duration(n-1)*time.Second/2; took < least || n != 15 {
			t.Errorf("%d calls in %s, want at least %s", n, took, least)
		}
		for _, n := range []string{"a", "b"} {
			w.src.remove(n + ".yaml")
		}
		w.quiet()
		time.Sleep(25 * time.Hour)
		begun = time.Now()
		_, calls = w.pass()
		n = w.hv.Counts()["describe"] + len(calls)
		if took, least := time.Since(begun), time.Duration(n-1)*time.Second/2; took < least || n != 6 {
			t.Errorf("%d calls to delete two in %s, want at least %s", n, took, least)
		}
	})
}

// crowd counts the calls in flight.
type crowd struct {
	*memory.Provider
	mu        sync.Mutex
	now, most int
}

func (c *crowd) Create(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(time.Second)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	return c.Provider.Create(ctx, req)
}

func TestConcurrencyLimit(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := &crowd{}
		w.slots = 3
		w.wrap = func(p providers.Provider) providers.Provider { c.Provider = p.(*memory.Provider); return c }
		w.restart()
		for i := range 10 {
			w.src.put(string(rune('a'+i))+".yaml", vmText(string(rune('a'+i)), ""))
		}
		begun := time.Now()
		w.pass()
		if took := time.Since(begun); c.most != 3 || took != 4*time.Second {
			t.Errorf("%d at once, %s in all", c.most, took)
		}
	})
}

// liar says that it did what it did not.
type liar struct{ *memory.Provider }

func (l liar) Reconfigure(context.Context, providers.Ref, providers.Change) (providers.TaskRef, error) {
	return "", nil
}

func TestProviderThatLiesIsStopped(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.wrap = func(p providers.Provider) providers.Provider { return liar{p.(*memory.Provider)} }
		w.restart()
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 4}\n"))
		rep := w.want("a live change that did not happen")
		if got := outcome(rep, "web"); got.Outcome != Different || !slices.Equal(got.Remaining, []string{"cpu: wanted 4, found 2"}) {
			t.Errorf("%+v", got)
		}
		rep = w.want("a restart, for the guest may not have taken it", "power default/web shutdown", "power default/web start")
		if got := outcome(rep, "web"); got.Outcome != Different {
			t.Errorf("%+v", got)
		}
		for range 3 {
			rep = w.want("and no more")
			if got := rep.Plan.Items[0].Reason; !strings.Contains(got, "came back after it was applied successfully 2 times") {
				t.Error(got)
			}
			w.restart()
		}
		w.wrap = nil
		w.restart()
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 5}\n"))
		w.want("another difference is tried", "reconfigure default/web live cpu=5")
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 6}\n"))
		w.want("and another", "reconfigure default/web live cpu=6")
	})
}

func TestCleanPassForgivesWhatCameBack(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		for range 5 {
			if err := w.hv.Outside().Destroy("web"); err != nil {
				t.Fatal(err)
			}
			w.want("somebody stops it", "power default/web start")
			w.want("and then leaves it alone")
		}
		for i := range 4 {
			if err := w.hv.Outside().Destroy("web"); err != nil {
				t.Fatal(err)
			}
			if i < 2 {
				w.want("somebody insists", "power default/web start")
			} else {
				w.want("somebody wins")
			}
		}
	})
}

func TestRefusedChangeLeavesTheGuestRunning(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.hv.Inject(memory.Fault{Op: "reconfigure", Kind: providers.QuotaExceeded})
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 16}\n"))
		rep := w.want("it is started again", "power default/web shutdown", "reconfigure default/web cpu=16: QuotaExceeded", "power default/web start")
		if got := outcome(rep, "web"); got.Outcome != Failed || got.Kind != string(providers.QuotaExceeded) {
			t.Errorf("%+v", got)
		}
		w.want("and left alone for a while")
		time.Sleep(time.Until(rep.RetryAt))
		w.want("then tried again", "power default/web shutdown", "reconfigure default/web cpu=16", "power default/web start")
	})
}

func TestNoCallWithoutAWrittenIntent(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		full := errors.New("no space left on device")
		w.store.before = func(int) error { return full }
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 4}\n"))
		w.src.put("new.yaml", vmText("new", ""))
		rep := w.want("nothing is done")
		if !strings.Contains(rep.JournalError, full.Error()) || rep.RetryAt.IsZero() {
			t.Errorf("journal error %q, retry at %s", rep.JournalError, rep.RetryAt)
		}
		if got := outcome(rep, "web"); got.Outcome != NotTried || !strings.Contains(got.Error, full.Error()) {
			t.Errorf("%+v", got)
		}
		if len(w.out.with("journal cannot be written")) != 1 {
			t.Error(w.out)
		}
		w.store.before = nil
		w.want("nothing is lost", "in any order", "create lab/default/new", "power default/new start", "reconfigure default/web live cpu=4")
	})
}
