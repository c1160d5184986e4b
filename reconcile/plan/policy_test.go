package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func TestPolicyDefersWhatItDoesNotAllow(t *testing.T) {
	closed := Window{Restricted: true, Opens: noon.Add(time.Hour)}
	try(t, []row{
		{"a restart beyond the policy waits", func(s *scenario, w *manifest.VM, _ *providers.VM) { s.Policy.MaxDisruption = Live; w.CPU = 64 },
			"hold: cpu restart defer", "disruption.max is live; restart would allow it"},
		{"what the policy allows is not held up by what it does not", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.Policy.MaxDisruption = Live
			w.CPU, w.MemoryMiB = 64, 3072
		}, "update live: cpu restart defer, memory live apply | reconfigure live memory=3072", ""},
		{"a policy of none allows what no guest notices", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.Policy.MaxDisruption = Nothing
			w.CPU, w.Tags = 4, nil
		}, "update: cpu live defer, tags none apply | reconfigure live tags=", "live would allow it"},
		{"a shutdown is a restart to the policy", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.Policy.MaxDisruption = Live
			w.Power = manifest.PowerOff
		}, "hold: power restart defer", ""},
		{"a restart waits for its window", func(s *scenario, w *manifest.VM, _ *providers.VM) { s.Policy.Window = closed; w.CPU = 64 },
			"hold: cpu restart defer", "window at 2026-03-01 13:00:00Z"},
		{"no window is coming", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.Policy.Window = Window{Restricted: true}
			w.CPU = 64
		}, "hold: cpu restart defer", "none is coming"},
		{"a live change waits for no window", func(s *scenario, w *manifest.VM, _ *providers.VM) { s.Policy.Window = closed; w.CPU = 4 },
			"update live: cpu live apply | reconfigure live cpu=4", ""},
		{"in its window a restart goes ahead", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.Policy.Window = Window{Restricted: true, Open: true}
			w.CPU = 64
		}, "update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=64, start", ""},
		{"no policy is the strictest", func(s *scenario, w *manifest.VM, _ *providers.VM) { s.Policy.MaxDisruption = ""; w.CPU = 4 },
			"hold: cpu live defer", ""},
	})
}

func TestDeferredItemsSayWhenTimeLetsGo(t *testing.T) {
	w := wantedVM("web")
	s := scene(w)
	s.Policy.Window = Window{Restricted: true, Opens: noon.Add(time.Hour)}
	w.CPU = 64
	p := Build(s.Input)
	if it := itemOf(t, &p, "web"); !it.Until.Equal(noon.Add(time.Hour)) || p.Summary.Deferred != 1 {
		t.Errorf("until %s, summary %+v", it.Until, p.Summary)
	}
	s.Policy.MaxDisruption = Live
	p = Build(s.Input)
	if it := itemOf(t, &p, "web"); !it.Until.IsZero() {
		t.Errorf("no window allows it, but it is held until %s", it.Until)
	}
}

func TestDriftIsToldFromCommits(t *testing.T) {
	report := func(s *scenario) { s.Policy.Drift = ReportOnly }
	try(t, []row{
		{"drift is only reported", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			report(s)
			both(f, func(h *providers.Hardware) { h.CPU.Value = 8 })
		}, "report: cpu! restart report", "only reported"},
		{"a commit is applied under report", func(s *scenario, w *manifest.VM, _ *providers.VM) { report(s); w.CPU = 4 },
			"update live: cpu live apply | reconfigure live cpu=4", "its manifest changed"},
		{"each field is told apart", func(s *scenario, w *manifest.VM, f *providers.VM) {
			report(s)
			w.CPU = 4
			off(f)
		}, "update: cpu none apply, power! none report | reconfigure cpu=4", ""},
		{"without a base nothing is touched under report", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			report(s)
			s.Facts = nil
			w.CPU = 4
		}, "report: cpu live report", "nothing is known"},
		{"without a base everything is applied under enforce", func(s *scenario, w *manifest.VM, _ *providers.VM) { s.Facts = nil; w.CPU = 4 },
			"update live: cpu live apply | reconfigure live cpu=4", ""},
		{"a machine in the midst of our restart is finished under report", func(s *scenario, w *manifest.VM, f *providers.VM) {
			report(s)
			off(f)
			w.CPU = 64
			s.fact("web", func(f *Facts) { f.Pending = &Pending{Op: Reconfigure} })
		}, "update: cpu none apply, power none apply | reconfigure cpu=64, start", "its manifest changed"},
		{"a machine that our creation left off is started under report", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			report(s)
			off(f)
			s.fact("web", func(f *Facts) { f.Applied, f.Pending = nil, &Pending{Op: Start} })
		}, "update: power none apply | start", ""},
		{"a machine that we retired is restored under report", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			report(s)
			off(f)
			f.Mark.Retired, f.Autostart.Value = noon.Add(-time.Hour), false
		}, "update: retired none apply, autostart none apply, power none apply | reconfigure autostart=true retired=false, start", ""},
		{"a removed machine is only reported under report", func(s *scenario, _ *manifest.VM, _ *providers.VM) { report(s); s.gone("web") },
			"report: exists! none report", "removed outside"},
		{"a new machine is made under report", func(s *scenario, _ *manifest.VM, _ *providers.VM) { report(s); s.gone("web"); s.Facts = nil },
			"create | create, start", "does not exist"},
		{"a given address is drift whatever the base knows", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			report(s)
			both(f, func(h *providers.Hardware) { h.NICs[0].MAC = "52:54:00:00:00:02" })
		}, "report: nics[lan].mac! restart report", ""},
	})
}

func TestPendingWork(t *testing.T) {
	pending := func(s *scenario, p Pending) { s.fact("web", func(f *Facts) { f.Pending = &p }) }
	try(t, []row{
		{"a shutdown under way is awaited for what is left of its time", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 64
			pending(s, Pending{Op: ShutDown, Task: "t1", Deadline: noon.Add(10 * time.Second)})
		}, "update restart: cpu restart apply | shutdown within 10s (awaits t1), reconfigure cpu=64, start", ""},
		{"a shutdown whose time is over is forced", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 64
			pending(s, Pending{Op: ShutDown, Task: "t1", Deadline: noon.Add(-time.Second)})
		}, "update restart: cpu restart apply | stop, reconfigure cpu=64, start", ""},
		{"a shutdown whose time is just over is forced", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 64
			pending(s, Pending{Op: ShutDown, Task: "t1", Deadline: noon})
		}, "update restart: cpu restart apply | stop, reconfigure cpu=64, start", ""},
		{"a guest that may never have been asked is asked, however long ago", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 64
			pending(s, Pending{Op: ShutDown, Deadline: noon.Add(-time.Hour)})
		}, "update restart: cpu restart apply | shutdown within 1m0s, reconfigure cpu=64, start", ""},
		{"a shutdown that nobody needs any more is left alone", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			pending(s, Pending{Op: ShutDown, Task: "t1", Deadline: noon.Add(time.Second)})
		}, "none", ""},
		{"a change under way is not begun again", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			pending(s, Pending{Op: Reconfigure, Task: "t1"})
		}, "hold", "goes on: reconfigure"},
		{"a creation under way is awaited and then started", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.gone("web")
			pending(s, Pending{Op: CreateVM, Task: "t1"})
		}, "create | create (awaits t1), start", "under way"},
		{"a creation under way that shows already is awaited too", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			off(f)
			pending(s, Pending{Op: CreateVM, Task: "t1"})
		}, "create | create (awaits t1), start", "under way"},
		{"a creation that may not have begun is begun", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.gone("web")
			pending(s, Pending{Op: CreateVM})
		}, "create | create, start", "does not exist"},
		{"a creation under way elsewhere is not begun here", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.gone("web")
			s.Endpoints = append(s.Endpoints, Endpoint{Key: annex, Inventory: &Inventory{Complete: true}})
			pending(s, Pending{Op: CreateVM, Task: "t1"})
			s.fact("web", func(f *Facts) { f.Provider = annex })
		}, "hold", "under way"},
	})
}

func TestFailuresHold(t *testing.T) {
	fail := func(s *scenario, f Failure) { s.fact("web", func(x *Facts) { x.Failure = &f }) }
	try(t, []row{
		{"what cannot work as written waits for the author", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			fail(s, Failure{Text: "no such model", Digest: w.Digest, ForDigest: true})
		}, "hold: cpu live defer", "cannot work as written: no such model"},
		{"what may work later waits", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			fail(s, Failure{Text: "busy", Digest: w.Digest, NotBefore: noon.Add(time.Second)})
		}, "hold: cpu live defer", "the next is at 2026-03-01 12:00:01Z: busy"},
		{"later has come", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			fail(s, Failure{Text: "busy", Digest: w.Digest, NotBefore: noon})
		}, "update live: cpu live apply | reconfigure live cpu=4", ""},
		{"a manifest that changed is tried at once", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.CPU = 4
			fail(s, Failure{Text: "busy", Digest: "another", ForDigest: true, NotBefore: noon.Add(time.Hour)})
		}, "update live: cpu live apply | reconfigure live cpu=4", ""},
		{"a creation waits too", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.gone("web")
			s.Facts = map[manifest.Key]*Facts{}
			fail(s, Failure{Text: "no image", Digest: w.Digest, NotBefore: noon.Add(time.Second)})
		}, "hold: exists none defer", "no image"},
		{"a failure says nothing about a VM that is as wanted", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			fail(s, Failure{Text: "busy", Digest: w.Digest, NotBefore: noon.Add(time.Second)})
		}, "none", ""},
	})
}

func TestTheSameDifferenceTwiceStops(t *testing.T) {
	same := func(s *scenario, field, wanted string, strikes int) {
		s.fact("web", func(f *Facts) { f.Signature, f.Strikes = signatureOf(Diff{Field: field, Wanted: wanted}), strikes })
	}
	try(t, []row{
		{"once is tried again", func(s *scenario, w *manifest.VM, _ *providers.VM) { w.CPU = 4; same(s, "cpu", "4", 1) },
			"update live: cpu live apply | reconfigure live cpu=4", ""},
		{"twice stops", func(s *scenario, w *manifest.VM, _ *providers.VM) { w.CPU = 4; same(s, "cpu", "4", 2) },
			"hold: cpu live defer", "came back after it was applied successfully 2 times"},
		{"twice stops whatever is found instead", func(s *scenario, w *manifest.VM, f *providers.VM) {
			w.CPU = 4
			f.Running.CPU.Value, f.Config.CPU.Value = 3, 3
			same(s, "cpu", "4", 2)
		}, "hold: cpu live defer", "came back"},
		{"another difference is another matter", func(s *scenario, w *manifest.VM, _ *providers.VM) { w.CPU = 3; same(s, "cpu", "4", 2) },
			"update live: cpu live apply | reconfigure live cpu=3", ""},
		{"a machine that vanishes twice is not made again", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.gone("web")
			same(s, "exists", "present", 2)
		}, "hold: exists! none defer", "came back"},
	})
}

func TestConflictsAndPlaces(t *testing.T) {
	foreign := func(mark *providers.Mark) *providers.VM {
		return &providers.VM{ID: "x", Name: "web", Power: providers.On, Mark: mark}
	}
	other := func(s *scenario, inv *Inventory) {
		s.Endpoints = append(s.Endpoints, Endpoint{Key: annex, Caps: testCaps(), Inventory: inv, Unreachable: "no route"})
	}
	try(t, []row{
		{"a name without our mark is a conflict", func(s *scenario, _ *manifest.VM, _ *providers.VM) { s.gone("web"); s.find(foreign(nil)) },
			"conflict", "does not carry the mark"},
		{"another fleet's mark is not ours", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.gone("web")
			s.find(foreign(&providers.Mark{Owner: providers.Owner{Fleet: "other", VM: key("web")}}))
		}, "conflict", "does not carry the mark"},
		{"a renamed machine of ours keeps its identity", func(_ *scenario, _ *manifest.VM, f *providers.VM) { f.Name = "old-web" }, "none", ""},
		{"copies with our mark are nobody's to choose from", func(s *scenario, _ *manifest.VM, f *providers.VM) {
			twin := *f
			twin.ID, twin.Name = "copy", "web-copy"
			s.find(&twin)
		}, "conflict", "web (id-web) on default/lab and web-copy (copy) on default/lab"},
		{"a machine on another provider is not moved", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			other(s, &Inventory{Complete: true})
			w.Provider = annex
		}, "hold", "lives on provider default/lab"},
		{"a machine last seen on a provider that is gone is not made twice", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			other(s, nil)
			s.gone("web")
			s.fact("web", func(f *Facts) { f.Provider = annex })
		}, "hold", "last seen on provider default/annex"},
		{"an unknown provider", func(_ *scenario, w *manifest.VM, _ *providers.VM) { w.Provider = key("nowhere") }, "hold", "not configured"},
		{"an unreachable provider says nothing", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.Endpoints[0].Inventory, s.Endpoints[0].Unreachable = nil, "connection refused"
		}, "hold", "could not be read: connection refused"},
		{"could not look is never not there", func(s *scenario, _ *manifest.VM, _ *providers.VM) {
			s.gone("web")
			s.Endpoints[0].Inventory.Complete = false
		}, "hold", "could not be read in full"},
		{"what was read of an incomplete provider is reconciled", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			s.Endpoints[0].Inventory.Complete = false
			w.CPU = 4
		}, "update live: cpu live apply | reconfigure live cpu=4", ""},
		{"what is not honoured is named", func(s *scenario, w *manifest.VM, _ *providers.VM) {
			w.Declared = []string{"a", "b"}
			s.Endpoints[0].Caps.Honours = providers.Honours{"a": {}}
		}, "none", ""},
	})
}

func TestTwoVMsOfOneName(t *testing.T) {
	a, b := wantedVM("web"), wantedVM("web")
	b.Key.Namespace = "other"
	for _, wanted := range [][]*manifest.VM{{a, b}, {b, a}} {
		s := scene()
		s.Wanted = wanted
		p := Build(s.Input)
		if p.Items[0].Action != Create || p.Items[1].Action != Conflict {
			t.Errorf("%s: %s; %s: %s", p.Items[0].VM, p.Items[0].Action, p.Items[1].VM, p.Items[1].Action)
		}
		if !strings.Contains(p.Items[1].Reason, "default/web is wanted on default/lab under the same name") {
			t.Error(p.Items[1].Reason)
		}
	}
}

func TestUnresolvedVMsAreHeldAndNotMissing(t *testing.T) {
	s := scene(wantedVM("web"), wantedVM("db"))
	s.Unresolved = []Unresolved{{VM: key("db"), Reason: "its manifest cannot be used"}}
	s.Wanted = s.Wanted[:1]
	p := Build(s.Input)
	if it := itemOf(t, &p, "db"); brief(it) != "hold" || it.Reason != "its manifest cannot be used" {
		t.Error(brief(it), it.Reason)
	}
}
