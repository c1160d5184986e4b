package vsphere

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

func TestListReadsEveryDatacenter(t *testing.T) {
	y := newYard(t, vcsim.Options{Datacenters: 2})
	y.make("web", marked(markFor("web", markDisk{Name: "root", At: "scsi0:0", Made: true})), disk(0, ""))
	y.makeIn("DC1", "db", marked(markFor("db")))
	stranger := y.makeIn("DC1", "stranger")
	inv, vms := y.list()
	if !inv.Complete || len(inv.Problems) > 0 || len(inv.VMs) != 3 {
		t.Errorf("complete = %t, %d problems and %d VMs; want true, none and three: the templates are no VMs",
			inv.Complete, len(inv.Problems), len(inv.VMs))
	}
	for _, name := range []string{"web", "db"} {
		vm := vms[name]
		if vm == nil || vm.Mark == nil || vm.Mark.Owner != owner(name) || vm.ID != owner(name).UUID().String() {
			t.Errorf("%s is listed as %+v", name, vm)
		}
	}
	if vm := vms["stranger"]; vm.Mark != nil || vm.ID != y.properties(stranger, "config.instanceUuid").Config.InstanceUuid {
		t.Errorf("a VM without a mark is listed as %+v", vm)
	}
	if got := vms["web"].Config.Disks; len(got) != 1 || got[0].Name != "root" {
		t.Errorf("the disks are %+v, want the root disk", got)
	}
	for name, listed := range vms {
		described, err := y.p.Describe(y.ctx, providers.Ref{ID: listed.ID})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(listed, described); d != "" {
			t.Errorf("%s is listed and described differently (-list +describe):\n%s", name, d)
		}
	}
}

func TestListTakesFewCalls(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("vm-%d", i))
	}
	y.makeAll(names, func(name string) []edit {
		m := markFor(name)
		m.Extra = []string{"a.key", "b.key"}
		return []edit{marked(m), option("a.key", "1")}
	})
	for _, row := range []struct {
		most   int
		reason string
	}{
		{4, "the first makes the view, and does not know which keys manifests set"},
		{2, "the names of networks, and the VMs"},
	} {
		y.ResetCalls()
		_, vms := y.list()
		calls := y.Calls()
		delete(calls, "Login")
		delete(calls, "RetrieveServiceContent")
		if n := sum(calls); n > row.most {
			t.Errorf("%d calls for 200 VMs, want at most %d (%s): %v", n, row.most, row.reason, calls)
		}
		want := providers.Traits{"extraConfig[a.key]": "1"}
		got := providers.Traits{}
		for field, value := range vms["vm-7"].Config.Traits {
			if field.Template() == providers.FieldExtraConfig {
				got[field] = value
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("keys of extraConfig (-want +got):\n%s", d)
		}
	}
}

func sum(calls map[string]int) (n int) {
	for _, c := range calls {
		n += c
	}
	return n
}

func TestListFollowsPages(t *testing.T) {
	y := newYard(t, vcsim.Options{Datacenters: 2})
	m := markFor("vm-0")
	m.Extra = []string{"a.key"}
	want := []string{"vm-0"}
	y.make("vm-0", marked(m), option("a.key", "1"))
	for i := 1; i < 11; i++ {
		want = append(want, fmt.Sprintf("vm-%d", i))
		y.make(want[i])
	}
	r, err := y.read(3, func() {})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range r.vms {
		if got = append(got, r.vms[i].Name); r.vms[i].Name == "vm-0" && r.vms[i].Config.Traits["extraConfig[a.key]"] != "1" {
			t.Errorf("the traits are %v", r.vms[i].Config.Traits)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("VMs (-want +got):\n%s", d)
	}
	if n := y.Calls()["ContinueRetrievePropertiesEx"]; n < 4 {
		t.Errorf("%d further pages were read, want several", n)
	}
}

// read reads everything in small pages, and calls between before each call.
func (y *yard) read(page int32, between func()) (r *roll, err error) {
	err = y.p.do(y.ctx, "list", "", func(ctx context.Context, c *vim25.Client) error {
		c.RoundTripper = before{c.RoundTripper, func(soap.HasFault) { between() }}
		return (&view{}).within(ctx, c, func(from types.ObjectSpec) (err error) {
			r, err = readAll(ctx, c, from, nil, page)
			return err
		})
	})
	return r, err
}

func TestListSurvivesTheEndOfTheSession(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	y.make("web", marked(markFor("web")))
	y.list()
	y.EndSessions()
	y.ResetCalls()
	inv, vms := y.list()
	if vms["web"] == nil || !inv.Complete {
		t.Errorf("after the session ended, the list is %+v", inv)
	}
	if n := y.Calls()["Login"]; n != 1 {
		t.Errorf("%d logins, want one", n)
	}
}

// TestListBetweenSessions ends the session before each call of a List.
func TestListBetweenSessions(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	m := markFor("web")
	m.Extra = []string{"a.key"}
	y.make("web", marked(m), option("a.key", "1"))
	for n := 1; n <= 4; n++ {
		calls := 0
		r, err := y.read(pageSize, func() {
			if calls++; calls == n {
				y.EndSessions()
			}
		})
		if err != nil || len(r.vms) != 1 || r.vms[0].Config.Traits["extraConfig[a.key]"] != "1" {
			t.Errorf("session ended before call %d: %+v, %v", n, r, err)
		}
	}
}

// before calls something before each call.
type before struct {
	soap.RoundTripper
	do func(req soap.HasFault)
}

func (b before) RoundTrip(ctx context.Context, req, res soap.HasFault) error {
	b.do(req)
	return b.RoundTripper.RoundTrip(ctx, req, res)
}

func TestSharedUUIDsAreNotGuessedAt(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	one := y.make("web", marked(markFor("web")))
	two := y.make("web-restored", marked(markFor("web")))
	_, vms := y.list()
	for name, vm := range map[string]string{"web": one.Reference().Value, "web-restored": two.Reference().Value} {
		if vms[name].ID != vm {
			t.Errorf("%s has the id %s, want its reference %s", name, vms[name].ID, vm)
		}
		got, err := y.p.Describe(y.ctx, providers.Ref{ID: vm})
		if err != nil || got.ID != vm || got.Name != name {
			t.Errorf("%s is described as %+v, %v", vm, got, err)
		}
	}
	_, err := y.p.Describe(y.ctx, refTo("web"))
	if providers.KindOf(err) != providers.Conflict || !strings.Contains(err.Error(), one.Reference().Value) {
		t.Errorf("describing by owner: %v; want a Conflict that names both", err)
	}
	y.p.directory = directory{} // as after a restart
	if got, err := y.p.Describe(y.ctx, providers.Ref{ID: two.Reference().Value}); err != nil || got.ID != two.Reference().Value {
		t.Errorf("without a memory, it is described as %+v, %v", got, err)
	}
	task, err := one.Destroy(y.ctx)
	y.done(task, err)
	_, vms = y.list()
	if got := vms["web-restored"].ID; got != owner("web").UUID().String() {
		t.Errorf("the one that is left has the id %s", got)
	}
}

func TestMayBeOurs(t *testing.T) {
	for _, row := range []struct {
		id     string
		want   bool
		reason string
	}{
		{owner("web").UUID().String(), true, "a version 5 UUID, as ours are"},
		{strings.ToUpper(owner("web").UUID().String()), true, "case means nothing"},
		{"", true, "not known"},
		{"502e3f5a-9d24", true, "not understood"},
		{uuid.NewString(), false, "a random one"},
		{"50201a2b-3c4d-7e8f-9a0b-1c2d3e4f5a6b", false, "one that vCenter has made"},
		{"50201a2b-3c4d-5e8f-1a0b-1c2d3e4f5a6b", false, "one of vCenter's, with a 5 and not of RFC 9562"},
		{"50201a2b-3c4d-5e8f-9a0b-1c2d3e4f5a6b", true, "one of vCenter's that looks like ours by chance"},
	} {
		if got := mayBeOurs(row.id); got != row.want {
			t.Errorf("mayBeOurs(%q) = %t, want %t: %s", row.id, got, row.want, row.reason)
		}
	}
}

// TestListNamesWhatCannotBeRead: such a VM is a problem, and only one that
// could be ours makes the inventory incomplete.
func TestListNamesWhatCannotBeRead(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	web := y.make("web", marked(markFor("web")))
	y.make("other", marked(markFor("other")))
	for _, row := range []struct {
		how    vcsim.Blur
		kind   providers.Kind
		reason string
	}{
		{vcsim.Inaccessible, providers.Retryable, "its files cannot be read"},
		{vcsim.Forbidden, providers.Conflict, "the account may not see it, and sees others"},
	} {
		y.Blur(web.Reference(), row.how)
		inv, vms := y.list()
		if inv.Complete || vms["web"] != nil || vms["other"] == nil || len(inv.Problems) != 1 ||
			providers.KindOf(inv.Problems[0].Err) != row.kind {
			t.Errorf("%s: complete = %t, problems %+v", row.reason, inv.Complete, inv.Problems)
		}
		for _, memory := range []string{"with a memory of it", "without"} {
			_, err := y.p.Describe(y.ctx, refTo("web"))
			wantKind(t, row.reason+", "+memory, err, row.kind, "")
			y.p.directory = directory{}
		}
		if _, err := y.p.Delete(y.ctx, refTo("web")); err == nil {
			t.Errorf("%s, and it was deleted", row.reason)
		}
		y.Blur(web.Reference(), vcsim.Clear)
		if inv, vms := y.list(); !inv.Complete || vms["web"] == nil {
			t.Errorf("when it can be read again: %+v", inv)
		}
	}
}

// TestListBeginsAnew where vCenter has forgotten how far it was.
func TestListBeginsAnew(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	for i := range 5 {
		y.make(fmt.Sprintf("vm-%d", i))
	}
	forgotten := vcsim.Rule{Method: "ContinueRetrievePropertiesEx", Times: 1, Fault: &types.InvalidProperty{Name: "token"}}
	y.Fail(forgotten)
	r, err := y.read(2, func() {})
	if err != nil || len(r.vms) != 5 {
		t.Errorf("%+v, %v; want five VMs", r, err)
	}
	y.Heal()
	forgotten.Times = -1
	y.Fail(forgotten)
	_, err = y.read(2, func() {})
	wantKind(t, "it forgets every time", err, providers.Retryable, "")
}
