package seedserver_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

// TestALife tells what a manager does with a VM from its creation to its end.
func TestALife(t *testing.T) {
	for _, late := range []time.Duration{0, 20 * time.Millisecond} {
		t.Run("late by "+late.String(), func(t *testing.T) {
			r := newRig(t, memory.Nature{Late: late, ShutdownTakes: 10 * time.Millisecond}, nil)
			id := r.made(t, "web")
			if again := r.made(t, "web"); again != id {
				t.Errorf("made again as %s, before as %s", again, id)
			}
			res, err := r.Describe(t.Context(), &pb.DescribeRequest{Id: id})
			if err != nil || !res.GetExists() || res.GetPowerState() != "Off" {
				t.Fatalf("a new VM is %v, %v", res, err)
			}
			r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_ON))
			r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_ON)) // on already
			if got := r.listed(t, id); got.GetPowerState() != "On" {
				t.Errorf("after on it is %v", got)
			}
			r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_REBOOT))
			r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_SHUTDOWN_GRACEFUL))
			if got := r.listed(t, id); got.GetPowerState() != "Off" {
				t.Errorf("after a shutdown it is %v", got)
			}
			r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_SHUTDOWN_GRACEFUL)) // off already
			r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_ON))
			for range 2 { // it runs; then it is not there
				res, err := r.Delete(t.Context(), &pb.DeleteRequest{Id: id})
				if err != nil || res.GetTask() != nil {
					t.Fatalf("delete: %v, %v: managers do not wait for a task of a deletion", res, err)
				}
			}
			res, err = r.Describe(t.Context(), &pb.DescribeRequest{Id: id})
			if err != nil || res.GetExists() || r.listed(t, id) != nil {
				t.Errorf("after its end it is %v, %v", res, err)
			}
		})
	}
}

// TestList: what is ours, with its true sizes, and nothing else.
func TestList(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	id := r.tagged(t, "web", "b", "a")
	r.elsewhere(t)
	if _, err := r.hv.Outside().AddForeign(memory.Foreign{Name: "foreign"}); err != nil {
		t.Fatal(err)
	}
	res, err := r.ListVMs(t.Context(), &pb.ListVMsRequest{})
	if err != nil || len(res.GetVms()) != 1 {
		t.Fatalf("%v, %v, want one VM", res, err)
	}
	want := &pb.VMInfo{
		Id: id, Name: "web", PowerState: "Off", Cpu: 2, MemoryMib: 2048,
		Disks:    []*pb.DiskInfo{{Id: "root", SizeGib: 20}, {Id: "data", SizeGib: 5}},
		Networks: []*pb.NetworkInfo{{Name: "default"}},
	}
	got := res.GetVms()[0]
	if len(got.GetNetworks()) != 1 || got.GetNetworks()[0].GetMac() == "" || got.GetDisks()[0].GetPath() == "" {
		t.Errorf("an interface without an address, or a disk without a place: %v", got)
	}
	unpinned := protocmp.IgnoreFields(&pb.NetworkInfo{}, "mac")
	if d := cmp.Diff(want, got, protocmp.Transform(), unpinned, protocmp.IgnoreFields(&pb.DiskInfo{}, "path"),
		protocmp.IgnoreFields(&pb.VMInfo{}, "provider_raw")); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if raw := got.GetProviderRaw(); raw["tags"] != "a,b" || raw["cpu_count"] != "2" || raw["managed"] != "true" {
		t.Errorf("raw is %v", raw)
	}
}

// TestWhatIsNotOursIsLeftAlone: no call changes a VM that this server did not
// make, and a name that such a VM has is not ours to give.
func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	namespace, stranger := r.elsewhere(t)
	foreign, err := r.hv.Outside().AddForeign(memory.Foreign{Name: "foreign"})
	if err != nil {
		t.Fatal(err)
	}
	r.hv.ForgetCalls()
	for what, id := range map[string]string{"another namespace": namespace, "another fleet": stranger, "nobody": foreign} {
		for call, err := range map[string]error{
			"Delete":         last(r.Delete(t.Context(), &pb.DeleteRequest{Id: id})),
			"Power":          last(r.Power(t.Context(), &pb.PowerRequest{Id: id, Op: pb.PowerOp_POWER_OP_ON})),
			"Reconfigure":    last(r.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: id, DesiredJson: `{"Class":{"CPU":9}}`})),
			"SnapshotCreate": last(r.SnapshotCreate(t.Context(), &pb.SnapshotCreateRequest{VmId: id, NameHint: "s"})),
			"SnapshotRevert": last(r.SnapshotRevert(t.Context(), &pb.SnapshotRevertRequest{VmId: id, SnapshotId: "s"})),
			"SnapshotDelete": last(r.SnapshotDelete(t.Context(), &pb.SnapshotDeleteRequest{VmId: id, SnapshotId: "s"})),
		} {
			wantCode(t, err, codes.PermissionDenied, call+" of a VM of "+what)
		}
		res, err := r.Describe(t.Context(), &pb.DescribeRequest{Id: id})
		if err != nil || !res.GetExists() {
			t.Errorf("a VM of %s is %v, %v: it does exist", what, res, err)
		}
	}
	for _, call := range r.hv.Calls() {
		if !strings.HasPrefix(call, "describe") {
			t.Errorf("the provider was asked to %s", call)
		}
	}
	wantCode(t, last(r.Create(t.Context(), request("foreign"))), codes.AlreadyExists, "a name that is taken is never adopted")
}

func last[T any](_ T, err error) error { return err }

// TestWrongRequests: what says nothing is refused and reaches no provider.
func TestWrongRequests(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	r.hv.ForgetCalls()
	for why, err := range map[string]error{
		"a VM without a name":    last(r.Create(t.Context(), &pb.CreateRequest{})),
		"a description of none":  last(r.Describe(t.Context(), &pb.DescribeRequest{})),
		"a deletion of none":     last(r.Delete(t.Context(), &pb.DeleteRequest{})),
		"an act that is none":    last(r.Power(t.Context(), &pb.PowerRequest{Id: "x"})),
		"an act that is unknown": last(r.Power(t.Context(), &pb.PowerRequest{Id: "x", Op: 99})),
		"no task":                last(r.TaskStatus(t.Context(), &pb.TaskStatusRequest{})),
		"nothing desired":        last(r.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: "x"})),
		"no snapshot":            last(r.SnapshotRevert(t.Context(), &pb.SnapshotRevertRequest{VmId: "x"})),
	} {
		wantCode(t, err, codes.InvalidArgument, why)
	}
	if calls := r.hv.Calls(); len(calls) > 0 {
		t.Errorf("the provider was asked %v", calls)
	}
	res, err := r.TaskStatus(t.Context(), &pb.TaskStatusRequest{Task: &pb.TaskRef{Id: "vm-12"}})
	if err != nil || !res.GetDone() || res.GetError() == "" {
		t.Errorf("a task of another server is %v, %v, want done with an error", res, err)
	}
}

// TestWhatIsNotServed: the calls without a counterpart in the contract.
func TestWhatIsNotServed(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	for call, err := range map[string]error{
		"HardwareUpgrade": last(r.HardwareUpgrade(t.Context(), &pb.HardwareUpgradeRequest{Id: "x"})),
		"Clone":           last(r.Clone(t.Context(), &pb.CloneRequest{})),
		"ImagePrepare":    last(r.ImagePrepare(t.Context(), &pb.ImagePrepareRequest{})),
		"ExportDisk":      last(r.ExportDisk(t.Context(), &pb.ExportDiskRequest{})),
		"ImportDisk":      last(r.ImportDisk(t.Context(), &pb.ImportDiskRequest{})),
		"GetDiskInfo":     last(r.GetDiskInfo(t.Context(), &pb.GetDiskInfoRequest{})),
	} {
		wantCode(t, err, codes.Unimplemented, call)
	}
}

// TestCouldNotLook: a VM that cannot be read is an error, and exists as far as
// anybody knows.
func TestCouldNotLook(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	id := r.made(t, "web")
	if err := r.hv.Outside().Blur(id, true); err != nil {
		t.Fatal(err)
	}
	wantCode(t, last(r.Describe(t.Context(), &pb.DescribeRequest{Id: id})), codes.Unavailable, "it is there and cannot be read")
	wantCode(t, last(r.Delete(t.Context(), &pb.DeleteRequest{Id: id})), codes.Unavailable, "nobody knows whose it is")
	if _, err := r.ListVMs(t.Context(), &pb.ListVMsRequest{}); err != nil || !strings.Contains(r.log.String(), "list is not complete") {
		t.Errorf("%v; the log says %q", err, r.log)
	}
	r.hv.Cut()
	wantCode(t, last(r.Describe(t.Context(), &pb.DescribeRequest{Id: id})), codes.Unavailable, "the endpoint cannot be reached")
	wantCode(t, last(r.ListVMs(t.Context(), &pb.ListVMsRequest{})), codes.Unavailable, "the endpoint cannot be reached")
}

// TestRemarksAreLogged: what a creation says and nothing acts on.
func TestRemarksAreLogged(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	req := request("web")
	req.PlacementJson = `{"Datastore":"","Rack":"7","StoragePod":""}`
	if _, err := r.Create(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"field=placement_json.Rack", "vm=default/web", "action=create"} {
		if !strings.Contains(r.log.String(), word) {
			t.Errorf("the log does not say %q: %s", word, r.log)
		}
	}
}

// TestTheProvidersWordsAreInTheDetails: for a client that can read them.
func TestTheProvidersWordsAreInTheDetails(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	if _, err := r.hv.Outside().AddForeign(memory.Foreign{Name: "web"}); err != nil {
		t.Fatal(err)
	}
	_, err := r.Create(t.Context(), request("web"))
	for _, d := range status.Convert(err).Details() {
		if f, ok := d.(*stewardv1.Failure); ok && f.GetKind() == string(providers.Conflict) && f.GetOp() == "create" {
			return
		}
	}
	t.Errorf("no Failure of kind Conflict in %v", err)
}

// TestCapabilities: what the provider states, and nothing more.
func TestCapabilities(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	got, err := r.GetCapabilities(t.Context(), &pb.GetCapabilitiesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.GetCapabilitiesResponse{
		SupportsReconfigureOnline: true, SupportsDiskExpansionOnline: true, SupportsSnapshots: true, SupportsMemorySnapshots: true,
		SupportedDiskTypes: []string{"thin", "thick", "eagerzeroedthick"},
	}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	bare := newRig(t, memory.Nature{}, func(p providers.Provider) providers.Provider { return sevenCalls{p} })
	got, err = bare.GetCapabilities(t.Context(), &pb.GetCapabilitiesRequest{})
	if err != nil || got.GetSupportsReconfigureOnline() || got.GetSupportsSnapshots() {
		t.Errorf("of a provider that states nothing: %v, %v", got, err)
	}
	wantCode(t, last(bare.ListVMs(t.Context(), &pb.ListVMsRequest{})), codes.Unimplemented, "it cannot list")
	wantCode(t, last(bare.SnapshotCreate(t.Context(), &pb.SnapshotCreateRequest{VmId: "x"})), codes.Unimplemented, "it has no snapshots")
}

// sevenCalls is a provider without anything beside the seven calls.
type sevenCalls struct{ providers.Provider }

// asked counts how often a provider is asked whether it can be used.
type asked struct {
	providers.Provider
	n   atomic.Int32
	err error
}

func (a *asked) Validate(context.Context) error {
	a.n.Add(1)
	return a.err
}

// TestValidateIsCheap: a manager asks before everything, and the hypervisor is
// asked once in a while.
func TestValidateIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{}
		s := seedserver.New(seedserver.Options{Provider: a, Type: "memory", Fleet: fleet})
		ask := func() *pb.ValidateResponse {
			res, err := s.Validate(t.Context(), &pb.ValidateRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		for range 100 {
			if res := ask(); !res.GetOk() || !strings.HasPrefix(res.GetMessage(), "vmsteward memory") {
				t.Fatalf("%v", res)
			}
		}
		if n := a.n.Load(); n != 1 {
			t.Errorf("asked %d times within no time, want 1", n)
		}
		a.err = &providers.Error{Op: "validate", Kind: providers.Unauthorized, Err: errors.New("no login")}
		time.Sleep(6 * time.Second)
		res := ask()
		if res.GetOk() || !strings.Contains(res.GetMessage(), "no login") || a.n.Load() != 2 {
			t.Errorf("%v after %d questions, want no and two", res, a.n.Load())
		}
		if kind, _ := seed.PeerOf("memory", res.GetMessage()).Kind(codes.Unknown, res.GetMessage()); kind != providers.Unauthorized {
			t.Errorf("%q is read as %s", res.GetMessage(), kind)
		}
		a.err = nil
		if !ask().GetOk() {
			t.Error("a bad answer is remembered")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(6 * time.Second)
		_, err := s.Validate(ended, &pb.ValidateRequest{})
		wantCode(t, err, codes.Canceled, "nobody waits for it")
		if !ask().GetOk() {
			t.Error("an answer that nobody waited for is remembered")
		}
	})
}

// TestCrowdsAskOnce: who comes while somebody asks has the same answer.
func TestCrowdsAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &slow{}
		s := seedserver.New(seedserver.Options{Provider: a, Type: "memory", Fleet: fleet})
		var crowd sync.WaitGroup
		for range 50 {
			crowd.Go(func() {
				res, err := s.Validate(t.Context(), &pb.ValidateRequest{})
				if err != nil || res.GetOk() {
					t.Errorf("%v, %v, want no", res, err)
				}
			})
		}
		crowd.Wait()
		if n := a.n.Load(); n > 2 { // who came first, and who came while that one waited
			t.Errorf("asked %d times by a crowd", n)
		}
	})
}

// slow takes a second to say no.
type slow struct {
	providers.Provider
	n atomic.Int32
}

func (s *slow) Validate(context.Context) error {
	s.n.Add(1)
	time.Sleep(time.Second)
	return errors.New("no route")
}

// TestValidateAfterAFailure: what another call met is not hidden by an answer
// of before.
func TestValidateAfterAFailure(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	id := r.made(t, "web")
	valid := func() bool {
		res, err := r.Validate(t.Context(), &pb.ValidateRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return res.GetOk()
	}
	if !valid() {
		t.Fatal("the endpoint cannot be used")
	}
	r.hv.Inject(memory.Fault{Kind: providers.Unauthorized, Times: -1})
	wantCode(t, last(r.Describe(t.Context(), &pb.DescribeRequest{Id: id})), codes.PermissionDenied, "the credentials are refused")
	if valid() {
		t.Error("the endpoint is said to be usable after a call that was refused")
	}
	r.hv.Heal()
}

// TestADeletionThatWasCutShort: the disks of a VM that is gone are removed by
// the next attempt.
func TestADeletionThatWasCutShort(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	id := r.made(t, "web")
	r.hv.OnStep(func(s memory.Step) error {
		if s.Op == "delete" && s.N == 1 {
			return errors.New("interrupted")
		}
		return nil
	})
	if _, err := r.Delete(t.Context(), &pb.DeleteRequest{Id: id}); err == nil {
		t.Fatal("the deletion was not cut short")
	}
	r.hv.OnStep(nil)
	res, err := r.Describe(t.Context(), &pb.DescribeRequest{Id: id})
	if err != nil || res.GetExists() || len(r.hv.Outside().Volumes()) == 0 {
		t.Fatalf("%v, %v, volumes %v: the test wants disks without their VM", res, err, r.hv.Outside().Volumes())
	}
	if _, err := r.Delete(t.Context(), &pb.DeleteRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	if left := r.hv.Outside().Volumes(); len(left) > 0 {
		t.Errorf("the volumes %v are left", left)
	}
}

// TestADeafGuest: the task of a shutdown ends when the guest's time is over,
// and the VM still runs.
func TestADeafGuest(t *testing.T) {
	r := newRig(t, memory.Nature{ShutdownTakes: time.Hour}, nil)
	id := r.made(t, "web")
	r.power(t, id, pb.PowerOp_POWER_OP_ON)
	res, err := r.Power(t.Context(), &pb.PowerRequest{Id: id, Op: pb.PowerOp_POWER_OP_SHUTDOWN_GRACEFUL, GracefulTimeoutSeconds: 3600})
	if err != nil || res.GetTask().GetId() == "" {
		t.Fatalf("%v, %v, want a task", res, err)
	}
	is, err := r.TaskStatus(t.Context(), &pb.TaskStatusRequest{Task: res.GetTask()})
	if err != nil || is.GetDone() {
		t.Errorf("within the guest's time it is %v, %v", is, err)
	}
	_, own, _ := strings.Cut(strings.TrimPrefix(res.GetTask().GetId(), "asked:"), ":")
	is, err = r.TaskStatus(t.Context(), &pb.TaskStatusRequest{Task: &pb.TaskRef{Id: "asked:1:" + own}})
	if err != nil || !is.GetDone() || is.GetError() != "" {
		t.Errorf("after the guest's time it is %v, %v", is, err)
	}
	if got := r.listed(t, id); got.GetPowerState() != "On" {
		t.Errorf("the VM is %v: nobody may switch it off", got)
	}
}

// TestSnapshots: through the provider's own.
func TestSnapshots(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	id := r.made(t, "web")
	for range 2 {
		res, err := r.SnapshotCreate(t.Context(), &pb.SnapshotCreateRequest{VmId: id, NameHint: "before", IncludeMemory: true})
		if err != nil || res.GetSnapshotId() != "before" {
			t.Fatalf("%v, %v", res, err)
		}
	}
	r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_ON))
	if _, err := r.SnapshotRevert(t.Context(), &pb.SnapshotRevertRequest{VmId: id, SnapshotId: "before"}); err != nil {
		t.Fatal(err)
	}
	if got := r.listed(t, id); got.GetPowerState() != "Off" {
		t.Errorf("after the revert it is %v, and it was off", got)
	}
	for range 2 {
		if _, err := r.SnapshotDelete(t.Context(), &pb.SnapshotDeleteRequest{VmId: id, SnapshotId: "before"}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, last(r.SnapshotRevert(t.Context(), &pb.SnapshotRevertRequest{VmId: id, SnapshotId: "before"})), codes.FailedPrecondition, "the VM is there, the snapshot is not")
	res, err := r.SnapshotCreate(t.Context(), &pb.SnapshotCreateRequest{VmId: id})
	if err != nil || res.GetSnapshotId() == "" {
		t.Errorf("without a name: %v, %v", res, err)
	}
}
