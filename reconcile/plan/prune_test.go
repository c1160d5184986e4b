package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// left is the situation that web left the desired state, and db did not.
func left(set func(*scenario, *providers.VM)) *scenario {
	s := scene(wantedVM("db"), wantedVM("web"))
	s.Wanted = s.Wanted[:1]
	set(s, s.machine("web"))
	return s
}

func TestPrune(t *testing.T) {
	hour := noon.Add(-time.Hour)
	old := noon.Add(-25 * time.Hour)
	retired := func(f *providers.VM, since time.Time) { off(f); f.Mark.Retired = since }
	for _, r := range []struct {
		reason string
		set    func(*scenario, *providers.VM)
		want   string
		says   string
	}{
		{"it is retired, not deleted", func(*scenario, *providers.VM) {},
			"retire restart | shutdown within 1m0s, reconfigure autostart=false retired=true", "kept for 24h0m0s"},
		{"a machine that is off is only marked", func(_ *scenario, f *providers.VM) { off(f) },
			"retire restart | reconfigure autostart=false retired=true", ""},
		{"one that does not start with its host is not told not to", func(_ *scenario, f *providers.VM) { f.Autostart.Value = false },
			"retire restart | shutdown within 1m0s, reconfigure retired=true", ""},
		{"nor is one whose provider cannot say so", func(s *scenario, f *providers.VM) {
			f.Autostart = providers.Opt[bool]{}
			delete(s.Endpoints[0].Caps.Change, providers.FieldAutostart)
		}, "retire restart | shutdown within 1m0s, reconfigure retired=true", ""},
		{"one that may start with its host is told not to", func(_ *scenario, f *providers.VM) { f.Autostart = providers.Opt[bool]{} },
			"retire restart | shutdown within 1m0s, reconfigure autostart=false retired=true", ""},
		{"a shutdown under way is picked up", func(s *scenario, _ *providers.VM) {
			s.fact("web", func(f *Facts) { f.Pending = &Pending{Op: ShutDown, Task: "t", Deadline: noon.Add(time.Second)} })
		}, "retire restart | shutdown within 1s (awaits t), reconfigure autostart=false retired=true", ""},
		{"without a grace period it is deleted", func(s *scenario, _ *providers.VM) { s.Policy.Prune.Grace = 0 },
			"delete destroy | shutdown within 1m0s, delete", ""},
		{"in its grace period it is kept", func(_ *scenario, f *providers.VM) { retired(f, hour) }, "hold", "putting its manifest back restores it"},
		{"after its grace period it is deleted", func(_ *scenario, f *providers.VM) { retired(f, old) },
			"delete destroy | delete retired 2026-02-28 11:00:00Z", "its grace period of 24h0m0s is over"},
		{"somebody who started it keeps it", func(_ *scenario, f *providers.VM) { retired(f, old); running(f) }, "hold", "somebody started it again"},
		{"somebody who suspended it keeps it", func(_ *scenario, f *providers.VM) { retired(f, old); f.Power = providers.Suspended }, "hold", "somebody started it again"},
		{"first proof: our mark", func(_ *scenario, f *providers.VM) { f.Mark = nil }, "", ""},
		{"first proof: our fleet's mark", func(_ *scenario, f *providers.VM) { f.Mark.Owner.Fleet = "other" }, "", ""},
		{"second proof: a complete desired state", func(s *scenario, f *providers.VM) { retired(f, old); s.Incomplete = "web.yaml: torn" }, "hold", "not complete: web.yaml: torn"},
		{"third proof: pruning is on", func(s *scenario, f *providers.VM) { retired(f, old); s.Policy.Prune.Mode = PruneOff }, "hold", "prune.mode is off"},
		{"no mode is off", func(s *scenario, f *providers.VM) { retired(f, old); s.Policy.Prune.Mode = "" }, "hold", "prune.mode is off"},
		{"third proof: pruning is not only reported", func(s *scenario, f *providers.VM) { retired(f, old); s.Policy.Prune.Mode = PruneReport }, "report", "prune.mode is report"},
		{"an unknown power state is not off", func(_ *scenario, f *providers.VM) { f.Power = providers.Unknown }, "hold", "power state is unknown"},
		{"an empty desired state is not believed", func(s *scenario, _ *providers.VM) { s.Wanted = nil }, "hold", "not believed"},
		{"unless the host says so", func(s *scenario, _ *providers.VM) { s.Wanted = nil; s.Policy.Prune.AllowEmpty = true; s.gone("db") },
			"retire restart | shutdown within 1m0s, reconfigure autostart=false retired=true", ""},
		{"destruction waits for its window", func(s *scenario, f *providers.VM) { retired(f, old); s.Policy.Window = Window{Restricted: true} }, "hold", "none is coming"},
		{"a failed attempt waits", func(s *scenario, f *providers.VM) {
			retired(f, old)
			s.fact("web", func(f *Facts) { f.Failure = &Failure{Text: "denied", NotBefore: noon.Add(time.Minute)} })
		}, "hold", "denied"},
		{"a failure of the time when it was wanted does not count", func(s *scenario, f *providers.VM) {
			retired(f, old)
			s.fact("web", func(f *Facts) {
				f.Failure = &Failure{Digest: "digest-of-web", ForDigest: true, NotBefore: noon.Add(time.Minute)}
			})
		}, "delete destroy | delete retired 2026-02-28 11:00:00Z", ""},
		{"a deletion under way is not begun again", func(s *scenario, f *providers.VM) {
			retired(f, old)
			s.fact("web", func(f *Facts) { f.Pending = &Pending{Op: DeleteVM, Task: "t"} })
		}, "hold", "goes on: delete"},
		{"a deletion that changes nothing stops", func(s *scenario, f *providers.VM) {
			retired(f, old)
			s.fact("web", func(f *Facts) { f.Signature, f.Strikes = signatureOf(Diff{Field: "exists", Wanted: absent}), 2 })
		}, "hold", "came back"},
		{"of copies none is destroyed", func(s *scenario, f *providers.VM) {
			twin := *f
			twin.ID = "copy"
			s.find(&twin)
		}, "conflict", "none is retired or deleted"},
		{"a provider that cannot note the time keeps it", func(s *scenario, _ *providers.VM) {
			delete(s.Endpoints[0].Caps.Change, providers.FieldRetired)
		}, "hold", "cannot note since when"},
	} {
		t.Run(strings.ReplaceAll(r.reason, " ", "_"), func(t *testing.T) {
			p := Build(left(r.set).Input)
			got, reason := "", ""
			for i := range p.Items {
				if p.Items[i].VM == key("web") {
					got, reason = brief(p.Items[i]), p.Items[i].Reason
				}
			}
			if got != r.want || !strings.Contains(reason, r.says) {
				t.Errorf("%s:\nwant %s\ngot  %s\nreason: %s", r.reason, r.want, got, reason)
			}
		})
	}
}

// fleet returns a scenario of wanted and unwanted VMs.
func fleet(wanted, unwanted int, set func(i int, f *providers.VM)) *scenario {
	var vms []*manifest.VM
	for i := range wanted + unwanted {
		vms = append(vms, wantedVM(fmt.Sprintf("vm-%02d", i)))
	}
	s := scene(vms...)
	s.Wanted = vms[:wanted]
	for i := range unwanted {
		set(i, s.machine(vms[wanted+i].Key.Name))
	}
	return s
}

func TestBudget(t *testing.T) {
	fresh := func(int, *providers.VM) {}
	due := func(i int, f *providers.VM) { off(f); f.Mark.Retired = noon.Add(-time.Duration(100-i) * time.Hour) }
	for _, r := range []struct {
		reason         string
		s              *scenario
		count, percent int
		want           string // actions of the unwanted, in order
	}{
		{"as many as the budget are retired", fleet(4, 2, fresh), 2, 0, "retire retire"},
		{"one more, and none is", fleet(4, 3, fresh), 2, 0, "hold hold hold"},
		{"percent rounds down", fleet(7, 3, fresh), 0, 29, "hold hold hold"},
		{"percent allows that many", fleet(7, 3, fresh), 0, 30, "retire retire retire"},
		{"percent never allows less than one", fleet(7, 1, fresh), 0, 1, "retire"},
		{"the stricter of the two wins", fleet(7, 3, fresh), 2, 90, "hold hold hold"},
		{"no budget is no limit", fleet(1, 4, fresh), 0, 0, "retire retire retire retire"},
		{"due ones are rationed, the oldest first", fleet(4, 3, due), 2, 0, "delete delete hold"},
		{"fresh ones come first", fleet(4, 3, func(i int, f *providers.VM) {
			if i < 2 {
				due(i, f)
			}
		}), 2, 0, "delete hold retire"},
		{"an accident does not stop what is due", fleet(4, 5, func(i int, f *providers.VM) {
			if i == 0 {
				due(i, f)
			}
		}), 2, 0, "delete hold hold hold hold"},
	} {
		t.Run(strings.ReplaceAll(r.reason, " ", "_"), func(t *testing.T) {
			r.s.Policy.Prune.MaxCount, r.s.Policy.Prune.MaxPercent = r.count, r.percent
			p := Build(r.s.Input)
			var got []string
			for _, it := range p.Items[len(r.s.Wanted):] {
				got = append(got, string(it.Action))
			}
			if text := strings.Join(got, " "); text != r.want {
				t.Errorf("%s: want %s, got %s", r.reason, r.want, text)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	since := noon.Add(-48 * time.Hour)
	for _, r := range []struct {
		reason string
		change func(*providers.VM)
		says   string
	}{
		{"nothing has changed", func(*providers.VM) {}, ""},
		{"the mark is gone", func(f *providers.VM) { f.Mark = nil }, "does not carry the mark"},
		{"it is another fleet's now", func(f *providers.VM) { f.Mark.Owner.Fleet = "other" }, "does not carry the mark"},
		{"it is another VM's now", func(f *providers.VM) { f.Mark.Owner.VM = key("db") }, "does not carry the mark"},
		{"another machine stands in its place", func(f *providers.VM) { f.ID = "other" }, "another machine"},
		{"it was restored", func(f *providers.VM) { f.Mark.Retired = time.Time{} }, "mark of retirement"},
		{"it was retired anew", func(f *providers.VM) { f.Mark.Retired = noon }, "mark of retirement"},
		{"it runs", func(f *providers.VM) { f.Power = providers.On }, "not powered off any more, but On"},
		{"nobody knows whether it runs", func(f *providers.VM) { f.Power = providers.Unknown }, "but Unknown"},
	} {
		s := left(func(_ *scenario, f *providers.VM) { off(f); f.Mark.Retired = since })
		p := Build(s.Input)
		it, f := itemOf(t, &p, "web"), s.machine("web")
		r.change(f)
		err := Confirm("lab", it, it.Ops[len(it.Ops)-1], f)
		if text := fmt.Sprint(err); r.says == "" && err != nil || r.says != "" && !strings.Contains(text, r.says) {
			t.Errorf("%s: %v", r.reason, err)
		}
	}
}

func TestLeftovers(t *testing.T) {
	for _, r := range []struct {
		reason string
		set    func(*scenario)
		want   string
	}{
		{"a volume that nobody remembers may hold data", func(s *scenario) { delete(s.Facts, key("web")) }, "report"},
		{"what our unfinished creation left is removed, all in one item", func(*scenario) {}, "sweep destroy | sweep a, sweep b"},
		{"a VM that once was as wanted has data", func(s *scenario) { s.fact("web", func(f *Facts) { f.Applied = map[string]string{} }) }, "report"},
		{"what our unfinished deletion left is removed", func(s *scenario) {
			s.fact("web", func(f *Facts) { f.Pending, f.Applied = &Pending{Op: DeleteVM}, map[string]string{} })
		}, "sweep destroy | sweep a, sweep b"},
		{"other work leaves no volumes", func(s *scenario) { s.fact("web", func(f *Facts) { f.Pending = &Pending{Op: Reconfigure} }) }, "report"},
		{"a creation somewhere else left something else", func(s *scenario) { s.fact("web", func(f *Facts) { f.Provider = annex }) }, "report"},
		{"a creation that goes on needs them", func(s *scenario) { s.fact("web", func(f *Facts) { f.Pending.Task = "t" }) }, "hold"},
		{"an incomplete desired state may want them", func(s *scenario) { s.Incomplete = "torn" }, "hold"},
		{"nothing is removed without pruning", func(s *scenario) { s.Policy.Prune.Mode = PruneReport }, "hold"},
		{"an empty desired state is not believed", func(s *scenario) { s.Wanted = nil; s.gone("db") }, "hold"},
		{"another fleet's volumes are not ours", func(s *scenario) {
			for i := range s.Endpoints[0].Inventory.Leftovers {
				s.Endpoints[0].Inventory.Leftovers[i].Owner.Fleet = "other"
			}
		}, ""},
		{"a wanted VM uses them", func(s *scenario) { s.Unresolved = []Unresolved{{VM: key("web")}} }, "hold"},
		{"an incomplete inventory proves nothing", func(s *scenario) { s.Endpoints[0].Inventory.Complete = false }, ""},
	} {
		s := scene(wantedVM("db"))
		owner := providers.Owner{Fleet: "lab", VM: key("web")}
		s.Endpoints[0].Inventory.Leftovers = []providers.Leftover{{ID: "b", Owner: owner}, {ID: "a", Owner: owner}}
		s.Facts[key("web")] = &Facts{Provider: lab, Pending: &Pending{Op: CreateVM}}
		r.set(s)
		p := Build(s.Input)
		got := ""
		for i := range p.Items {
			if p.Items[i].VM == key("web") {
				got += brief(p.Items[i])
			}
		}
		if got != r.want {
			t.Errorf("%s: want %q, got %q", r.reason, r.want, got)
		}
	}
}
