package memory_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/conformance"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// keptByTheWire are the promises that no mutant breaks behind a server, because
// server and client keep them whatever the provider does. Their mutants are
// judged without a wire.
var keptByTheWire = map[string]string{
	"a-cancelled-context-does-nothing": "gRPC sends nothing for a context that has ended, and the client returns its error",
	"cancellation-ends-a-call":         "gRPC returns at once, and the client returns the context's error",
	"deadlines-are-honoured":           "gRPC returns by the deadline",
	"create-reads-only":                "the server's provider has a request of its own",
	"capabilities-are-kept":            "the client has what the server said at the beginning of the connection",
	"pulse-finds-what-differs":         "the server asks its provider's pulse by itself; the client has none",
}

// tooLong are mutants that keep a server for a minute of real time.
var tooLong = []string{
	"calls return a minute after their deadline", "a call goes on for a minute after it was cancelled", "a call sits on a lost connection",
	"watch sits on a lost connection",
}

// TestConformanceIsRight runs the conformance command's core through a server:
// on the provider as it is, and for each promise on its mutants, until one is
// found out.
func TestConformanceIsRight(t *testing.T) {
	byCheck := map[string][]mutant{}
	for _, m := range mutants() {
		byCheck[m.check] = append(byCheck[m.check], m)
	}
	t.Run("a provider that keeps all", func(t *testing.T) {
		t.Parallel()
		rep, err := judged(t, mutant{how: "nothing is broken", apply: func(*broken) {}}, providertest.Checks())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range rep.Verdicts {
			if v.Outcome == conformance.Broken || v.Outcome == conformance.NotTried && v.Name != "pulse-finds-what-differs" {
				t.Errorf("%s: %s: %s", v.Name, v.Outcome, v.Seen)
			}
		}
		if len(rep.Left) > 0 || rep.LeftUnknown != "" {
			t.Errorf("it left %v %s", rep.Left, rep.LeftUnknown)
		}
	})
	for _, c := range providertest.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			seen, found := foundOut(t, c, byCheck[c.Name], judged)
			why, listed := keptByTheWire[c.Name]
			switch {
			case found && listed:
				t.Errorf("it is listed as kept by the wire (%s), and is broken: %s", why, seen)
			case listed:
				seen, found = foundOut(t, c, byCheck[c.Name], judgedHere)
			}
			if !found {
				t.Errorf("no mutant is found out: %s", seen)
			}
		})
	}
}

// foundOut judges mutants until one is found out, and returns what was said.
func foundOut(t *testing.T, c providertest.Check, all []mutant, judge func(*testing.T, mutant, []providertest.Check) (*conformance.Report, error)) (seen string, found bool) {
	t.Helper()
	for _, m := range all {
		if slices.Contains(tooLong, m.how) {
			continue
		}
		rep, err := judge(t, m, []providertest.Check{c})
		if err != nil { // it is not let begin
			seen += fmt.Sprintf("%s: %v; ", m.how, err)
			continue
		}
		v := rep.Verdicts[0]
		seen += fmt.Sprintf("%s: %s %s; ", m.how, v.Outcome, v.Seen)
		if v.Outcome == conformance.Broken {
			return seen, true
		}
	}
	return seen, false
}

// judgedHere is judged without a wire.
func judgedHere(t *testing.T, m mutant, checks []providertest.Check) (rep *conformance.Report, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rep, err = conformance.Run(t.Context(), conformance.Options{Target: mutantTarget(m), Checks: checks})
		<-time.After(time.Hour) // calls that the check gave up on
	})
	return rep, err
}

// judged serves a mutant, and returns what the conformance command says of it.
// Each connection leads to a server of its own, as if it had been restarted.
func judged(t *testing.T, m mutant, checks []providertest.Check) (*conformance.Report, error) {
	t.Helper()
	hv := memory.NewHypervisor()
	hv.SetNature(memory.Nature{ShutdownTakes: 50 * time.Millisecond})
	tt := target(hv)
	tt.NoSkips = false
	tt.CallTimeout, tt.TaskTimeout, tt.Poll, tt.Told = 3*time.Second, 3*time.Second, 5*time.Millisecond, time.Second
	tt.Connect = func(context.Context) (providers.Provider, error) {
		b := &broken{Provider: hv.Connect(settings()), o: hv.Outside()}
		m.apply(b)
		return remote.New(remotetest.Serve(t, b, fleet, "memory"), slog.New(slog.DiscardHandler))
	}
	rep, err := conformance.Run(t.Context(), conformance.Options{Target: tt, Checks: checks})
	if err == nil && (len(rep.Verdicts) != len(checks) || rep.Kept+rep.Broken+rep.NotTried != len(checks)) {
		t.Fatalf("%d verdicts on %d promises: %+v", len(rep.Verdicts), len(checks), rep)
	}
	return rep, err
}

// TestConformanceKeepsItsHandsOff holds that it does not begin where anything
// is that it would take for its own, and touches nothing else.
func TestConformanceKeepsItsHandsOff(t *testing.T) {
	hv := memory.NewHypervisor()
	o := hv.Outside()
	id, err := o.AddForeign(memory.Foreign{Name: "web-1"})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := hv.Connect(settings()).Create(t.Context(), providers.CreateRequest{
		Owner: providers.Owner{Fleet: fleet, VM: wanted("web-2").Key}, VM: wanted("web-2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	checks, err := conformance.Choose([]string{"create-*", "delete-*"}, []string{"*-missing*"})
	if err != nil {
		t.Fatal(err)
	}
	tt := target(hv)
	tt.NoSkips = false
	before := inventory(t, hv)
	rep, err := conformance.Run(t.Context(), conformance.Options{Target: tt, Checks: checks})
	if err != nil || rep.Broken > 0 {
		t.Fatalf("%v, %+v", err, rep)
	}
	if after := inventory(t, hv); !slices.Equal(after, before) || !slices.Contains(after, id) || !slices.Contains(after, ours.ID) {
		t.Errorf("want %v, got %v", before, after)
	}
	if _, err := o.AddForeign(memory.Foreign{Name: "pt-create-twice-is-once-a"}); err != nil {
		t.Fatal(err)
	}
	rep, err = conformance.Run(t.Context(), conformance.Options{Target: tt, Checks: checks})
	if err == nil || !strings.Contains(err.Error(), "VM pt-create-twice-is-once-a") || len(rep.Verdicts) > 0 {
		t.Errorf("want a refusal that names what is in the way, got %v with %d verdicts", err, len(rep.Verdicts))
	}
}

func inventory(t *testing.T, hv *memory.Hypervisor) (ids []string) {
	t.Helper()
	inv, err := hv.Connect(settings()).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, vm := range inv.VMs {
		ids = append(ids, vm.ID)
	}
	slices.Sort(ids)
	return ids
}
