package seedserver_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers/memory"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// TestReconfigure: a whole desired VM becomes what is different, and nothing
// else. The VM has 2 CPUs and 2048 MiB, both with head-room, 20 GiB and 5 GiB.
func TestReconfigure(t *testing.T) {
	const same = "2 CPUs, 2048 MiB, root 20, data 5"
	for _, row := range []struct {
		desired string
		on      bool
		code    codes.Code
		want    string
		reason  string
	}{
		{`{"Class":{"CPU":2,"MemoryMiB":2048}}`, false, codes.OK, same, "as it is"},
		{`{}`, false, codes.OK, same, "nothing is said"},
		{`{"Class":{"CPU":4,"MemoryMiB":0}}`, false, codes.OK, "4 CPUs, 2048 MiB, root 20, data 5", "zero says nothing"},
		{`{"Class":{"CPU":4,"MemoryMiB":4096},"Disks":[{"Name":"data","SizeGiB":9},{"Name":"new","SizeGiB":1}]}`, false, codes.OK, "4 CPUs, 4096 MiB, root 20, data 9, new 1", "all at once, while it is off"},
		{`{"Class":{"CPU":4,"MemoryMiB":4096},"Disks":[{"Name":"data","SizeGiB":9}]}`, true, codes.OK, "4 CPUs, 4096 MiB, root 20, data 9", "all at once, within the head-room of a machine that runs"},
		{`{"Class":{"CPU":1,"MemoryMiB":2048}}`, true, codes.FailedPrecondition, same, "CPUs are not taken from a machine that runs"},
		{`{"Class":{"CPU":1,"MemoryMiB":2048}}`, false, codes.OK, "1 CPUs, 2048 MiB, root 20, data 5", "and are from one that is off"},
		{`{"Class":{"CPU":2,"MemoryMiB":1024}}`, true, codes.OK, "2 CPUs, 1024 MiB, root 20, data 5", "memory can be taken back"},
		{`{"Class":{"CPU":100,"MemoryMiB":4096},"Disks":[{"Name":"data","SizeGiB":9}]}`, true, codes.FailedPrecondition, same, "beyond the head-room: nothing is done in part"},
		{`{"Class":{"CPU":0,"MemoryMiB":0,"DiskDefaults":{"SizeGiB":30}}}`, true, codes.OK, "2 CPUs, 2048 MiB, root 30, data 5", "the root disk by its class"},
		{`{"Class":null,"Disks":[{"Name":"root","SizeGiB":30}]}`, true, codes.OK, "2 CPUs, 2048 MiB, root 30, data 5", "the root disk by its name"},
		{`{"Class":{"CPU":2,"MemoryMiB":2048,"DiskDefaults":{"SizeGiB":10}}}`, true, codes.OK, same, "the class is less than the image"},
		{`{"Disks":[{"Name":"root","SizeGiB":10}]}`, true, codes.InvalidArgument, same, "a disk that is named is not made smaller"},
		{`{"Disks":[{"Name":"data","SizeGiB":1}]}`, false, codes.InvalidArgument, same, "not while it is off either"},
		{`{"Disks":[]}`, false, codes.OK, same, "a disk that is not named stays"},
		{`{"Class":{"CPU":-1}}`, false, codes.InvalidArgument, same, "no number of CPUs"},
		{`{`, false, codes.InvalidArgument, same, "half a text"},
	} {
		t.Run(row.reason, func(t *testing.T) {
			r := newRig(t, memory.Nature{}, nil)
			id := r.made(t, "web")
			if row.on {
				r.settle(t, r.power(t, id, pb.PowerOp_POWER_OP_ON))
			}
			for range 2 { // the second time there is nothing to do
				r.hv.ForgetCalls()
				res, err := r.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: id, DesiredJson: row.desired})
				wantCode(t, err, row.code, row.desired)
				r.settle(t, res.GetTask())
				if got := shape(r.listed(t, id)); got != row.want {
					t.Errorf("%s: it has %s, want %s", row.desired, got, row.want)
				}
				if row.code == codes.FailedPrecondition && !strings.Contains(status.Convert(err).Message(), "must be off") {
					t.Errorf("%v does not say what is needed", err)
				}
			}
			if n := r.hv.Counts()["reconfigure"]; n > 0 {
				t.Errorf("%d changes of a VM that is as desired", n)
			}
		})
	}
}

func shape(vm *pb.VMInfo) string {
	s := fmt.Sprintf("%d CPUs, %d MiB", vm.GetCpu(), vm.GetMemoryMib())
	for _, d := range vm.GetDisks() {
		s += fmt.Sprintf(", %s %d", d.GetId(), d.GetSizeGib())
	}
	return s
}

// TestReconfigureOfNone: a VM that is not there cannot be changed.
func TestReconfigureOfNone(t *testing.T) {
	r := newRig(t, memory.Nature{}, nil)
	_, err := r.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: "none", DesiredJson: `{"Class":{"CPU":4}}`})
	wantCode(t, err, codes.NotFound, "the manager makes it anew")
	_, err = r.Power(t.Context(), &pb.PowerRequest{Id: "none", Op: pb.PowerOp_POWER_OP_ON})
	wantCode(t, err, codes.NotFound, "the manager makes it anew")
}
