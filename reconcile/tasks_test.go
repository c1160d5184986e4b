package reconcile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

const bigger = "  resources: {cpu: 16}\n" // than the running machine has room for

func TestShutdownIsAwaited(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.hv.SetNature(memory.Nature{ShutdownTakes: 40 * time.Second})
		w.src.put("web.yaml", vmText("web", bigger))
		begun := time.Now()
		w.want("the guest gets its time", "power default/web shutdown", "reconfigure default/web cpu=16", "power default/web start")
		if took := time.Since(begun); took < 40*time.Second || took > 43*time.Second {
			t.Errorf("it took %s", took)
		}
		if n := w.hv.Counts()["task"]; n > 30 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestDeafGuestIsStoppedAtItsTimeout(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		if err := w.hv.Outside().Deafen("web", true); err != nil {
			t.Fatal(err)
		}
		w.src.put("web.yaml", vmText("web", bigger+"  lifecycle: {gracefulShutdownTimeout: 90s}\n"))
		begun := time.Now()
		w.want("the plug is pulled", "power default/web shutdown", "power default/web stop", "reconfigure default/web cpu=16", "power default/web start")
		if took := time.Since(begun); took < 90*time.Second || took > 91*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestWorkThatCannotBeWatchedGoesOn(t *testing.T) {
	for _, kind := range []providers.Kind{providers.Unavailable, providers.Retryable} {
		settled(t, func(t *testing.T, w *world) {
			w.hv.SetNature(memory.Nature{ShutdownTakes: 20 * time.Second})
			w.hv.Inject(memory.Fault{Op: "task", Skip: 2, Kind: kind})
			w.src.put("web.yaml", vmText("web", bigger))
			rep := w.want("it is asked, and lost from sight", "power default/web shutdown")
			if got := outcome(rep, "web"); got.Outcome != Waiting {
				t.Errorf("%s: %+v", kind, got)
			}
			time.Sleep(time.Until(rep.RetryAt))
			w.want("it is seen again", "reconfigure default/web cpu=16", "power default/web start")
		})
	}
}

func TestRetryAtIsWhenTimeLetsGo(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.src.put("other.yaml", vmText("other", ""))
		w.quiet()
		opens := time.Now().Add(3 * time.Hour)
		w.policy.Window = plan.Window{Restricted: true, Opens: opens}
		w.src.put("web.yaml", vmText("web", bigger))
		if rep := w.want("it waits for its window"); !rep.RetryAt.Equal(opens) {
			t.Errorf("retry at %s, the window opens at %s", rep.RetryAt, opens)
		}
		w.policy.Window = plan.Window{}
		w.src.remove("web.yaml")
		w.want("it is retired", "power default/web shutdown", "reconfigure default/web retired=true")
		end := time.Now().Truncate(time.Second).Add(24 * time.Hour)
		w.restart()
		if rep := w.want("it is kept"); rep.RetryAt.Sub(end).Abs() > 2*time.Second {
			t.Errorf("retry at %s, its grace period ends at %s", rep.RetryAt, end)
		}
	})
}

// leave makes the next pass stop waiting after a while.
func (w *world) leave(after time.Duration) (undo func()) {
	ctx, cancel := context.WithTimeout(w.t.Context(), after)
	w.opts.Waits = ctx
	return func() { cancel(); w.opts.Waits = nil }
}

func TestWaitingEndsAndTheNextPassPicksItUp(t *testing.T) {
	for _, row := range []struct {
		reason  string
		deaf    bool
		between func(w *world)
		after   time.Duration // until the next pass
		want    []string
	}{
		{"the shutdown goes on", false, func(*world) {}, time.Second, []string{"reconfigure default/web cpu=16", "power default/web start"}},
		{"the guest is off meanwhile", false, func(*world) {}, time.Minute, []string{"reconfigure default/web cpu=16", "power default/web start"}},
		{"the process is another", false, (*world).restart, time.Second, []string{"reconfigure default/web cpu=16", "power default/web start"}},
		{"another process finds it off", false, (*world).restart, time.Minute, []string{"reconfigure default/web cpu=16", "power default/web start"}},
		{"the rest of the time passes", true, (*world).restart, time.Second, []string{"power default/web stop", "reconfigure default/web cpu=16", "power default/web start"}},
		{"the time is over", true, (*world).restart, 5 * time.Minute, []string{"power default/web stop", "reconfigure default/web cpu=16", "power default/web start"}},
		{"the manifest is put back", false, func(w *world) { w.src.put("web.yaml", vmText("web", "")) }, time.Minute, []string{"power default/web start"}},
	} {
		for _, drift := range []plan.DriftMode{plan.Enforce, plan.ReportOnly} {
			settled(t, func(t *testing.T, w *world) {
				w.policy.Drift = drift
				w.hv.SetNature(memory.Nature{ShutdownTakes: 20 * time.Second})
				if err := w.hv.Outside().Deafen("web", row.deaf); err != nil {
					t.Fatal(err)
				}
				w.src.put("web.yaml", vmText("web", bigger))
				undo := w.leave(3 * time.Second)
				rep := w.want(row.reason+": it is asked", "power default/web shutdown")
				undo()
				if got := outcome(rep, "web"); got.Outcome != Waiting || rep.RetryAt.IsZero() {
					t.Errorf("%s: %+v, retry at %s", row.reason, got, rep.RetryAt)
				}
				row.between(w)
				time.Sleep(row.after)
				w.want(row.reason, row.want...)
				w.want(row.reason + ": all is well")
				if got := w.hv.Outside().Boots("web"); got != 2 {
					t.Errorf("%s: %d boots", row.reason, got)
				}
			})
		}
	}
}

func TestLateWorkIsPickedUp(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hv.SetNature(memory.Nature{Late: 30 * time.Second})
		w.src.put("web.yaml", vmText("web", ""))
		undo := w.leave(time.Second)
		w.want("the creation is begun", "create lab/default/web")
		w.want("and not again")
		undo()
		w.restart()
		w.want("another process awaits it and starts the VM", "power default/web start")
		w.src.put("web.yaml", vmText("web", bigger))
		undo = w.leave(time.Second)
		w.want("the change is begun", "power default/web shutdown", "reconfigure default/web cpu=16")
		w.restart()
		rep := w.want("and not again")
		if got := rep.Plan.Items[0]; got.Action != plan.Hold || !strings.Contains(got.Reason, "goes on") || rep.RetryAt.IsZero() {
			t.Errorf("%+v, retry at %s", got, rep.RetryAt)
		}
		undo()
		time.Sleep(30 * time.Second)
		w.want("it is started when the change is there", "power default/web start")
		w.src.put("other.yaml", vmText("other", ""))
		w.quiet()
		w.src.remove("web.yaml")
		w.quiet()
		time.Sleep(25 * time.Hour)
		undo = w.leave(time.Second)
		w.want("the deletion is begun", "delete default/web")
		w.restart()
		w.want("and not again")
		undo()
		w.quiet()
		if got := w.hv.Outside().Volumes(); len(got) != 1 {
			t.Errorf("volumes: %v", got)
		}
	})
}

// sour is a provider whose tasks end badly.
type sour struct {
	*memory.Provider
	bad bool
}

func (s *sour) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	done, err := s.Provider.IsTaskComplete(ctx, task)
	if done && s.bad {
		return true, &providers.Error{Op: "create", Kind: providers.QuotaExceeded, Err: context.DeadlineExceeded}
	}
	return done, err
}

// frank is a provider that knows how far its tasks have come.
type frank struct {
	*memory.Provider
	percent int
}

func (f *frank) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	f.percent++
	return f.Provider.IsTaskComplete(ctx, task)
}

func (f *frank) TaskProgress(providers.TaskRef) (int, bool) { return f.percent, f.percent > 1 }

func TestItIsToldHowFarLongWorkHasCome(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		f := &frank{}
		w.wrap = func(p providers.Provider) providers.Provider { f.Provider = p.(*memory.Provider); return f }
		w.restart()
		w.hv.SetNature(memory.Nature{Late: 70 * time.Second})
		w.hv.Inject(memory.Fault{Op: "task", Skip: 37, Kind: providers.Unavailable})
		w.src.put("web.yaml", vmText("web", ""))
		rep := w.want("it is begun, and lost from sight", "create lab/default/web")
		if got := outcome(rep, "web"); got.Outcome != Waiting || got.DonePct == nil || *got.DonePct < 20 {
			t.Errorf("%+v, want how far it has come", got)
		}
		if n := strings.Count(w.out.String(), `"msg":"long work goes on"`); n != 2 {
			t.Errorf("it was told %d times in 70 seconds, want twice:\n%s", n, w.out)
		}
	})
}

func TestTaskThatEndsBadlyIsAFailure(t *testing.T) {
	for _, picked := range []bool{false, true} {
		bubble(t, func(t *testing.T, w *world) {
			s := &sour{bad: true}
			w.wrap = func(p providers.Provider) providers.Provider { s.Provider = p.(*memory.Provider); return s }
			w.restart()
			w.hv.SetNature(memory.Nature{Late: 10 * time.Second})
			w.src.put("web.yaml", vmText("web", ""))
			if picked {
				undo := w.leave(time.Second)
				w.want("it is begun", "create lab/default/web")
				undo()
				w.restart()
				time.Sleep(time.Minute)
				w.hv.Outside().Undefine("web")
				w.want("it failed while nobody looked")
			} else {
				rep := w.want("it fails", "create lab/default/web")
				if got := outcome(rep, "web"); got.Outcome != Failed || got.Kind != string(providers.QuotaExceeded) {
					t.Errorf("%+v", got)
				}
				w.hv.Outside().Undefine("web")
				w.want("and is left alone for a while")
			}
			s.bad = false
			w.quiet()
			if got := w.hv.Outside().Boots("web"); got != 1 {
				t.Errorf("%d boots", got)
			}
		})
	}
}
