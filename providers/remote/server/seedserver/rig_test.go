package seedserver_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

const fleet = "prod"

// rig is a server over a memory hypervisor, and a client of it.
type rig struct {
	pb.ProviderClient
	hv  *memory.Hypervisor
	log *bytes.Buffer
}

// newRig serves a hypervisor; wrap may put something around its provider.
func newRig(t *testing.T, nature memory.Nature, wrap func(providers.Provider) providers.Provider) *rig {
	t.Helper()
	r := &rig{hv: memory.NewHypervisor(), log: &bytes.Buffer{}}
	r.hv.SetNature(nature)
	var p providers.Provider = r.hv.Connect(providers.Settings{Fleet: fleet})
	if wrap != nil {
		p = wrap(p)
	}
	served := seedserver.New(seedserver.Options{
		Provider: p, Type: "memory", Fleet: fleet, Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	r.ProviderClient = dial(t, served)
	return r
}

// dial serves over a connection in memory and returns a client of it.
func dial(t *testing.T, served pb.ProviderServer) pb.ProviderClient {
	t.Helper()
	ear := bufconn.Listen(1 << 20)
	srv := grpc.NewServer()
	pb.RegisterProviderServer(srv, served)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ear) }()
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ear.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		srv.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return pb.NewProviderClient(conn)
}

// request asks for a small VM as VirtRigaud's manager does.
func request(name string) *pb.CreateRequest {
	return &pb.CreateRequest{
		Name:         name,
		ClassJson:    `{"CPU":2,"MemoryMiB":2048,"Firmware":"BIOS","DiskDefaults":{"Type":"thin","SizeGiB":20},"GuestToolsPolicy":"install","ExtraConfig":null,"PerformanceProfile":{"LatencySensitivity":"","CPUHotAddEnabled":true,"MemoryHotAddEnabled":true,"VirtualizationBasedSecurity":false,"NestedVirtualization":false,"HyperThreadingPolicy":""},"SecurityProfile":null,"ResourceLimits":null}`,
		ImageJson:    `{"TemplateName":"","Path":"/images/debian.qcow2","URL":"","Format":"qcow2","Checksum":"","ChecksumType":""}`,
		NetworksJson: `[{"Name":"lan","NetworkName":"default","Bridge":"","VLAN":0,"Model":"virtio","StaticIP":"","Prefix":0,"Gateway":"","DNS":"","PCISlotNumber":null,"Portgroup":"","MacAddress":"","IPPolicy":""}]`,
		DisksJson:    `[{"SizeGiB":5,"Type":"thin","Name":"data"}]`,
	}
}

// made creates a VM, waits for it, and returns its id.
func (r *rig) made(t *testing.T, name string) string {
	t.Helper()
	return r.tagged(t, name)
}

func (r *rig) tagged(t *testing.T, name string, tags ...string) string {
	t.Helper()
	req := request(name)
	req.Tags = tags
	res, err := r.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	r.settle(t, res.GetTask())
	return res.GetId()
}

// settle polls a task until it has ended well.
func (r *rig) settle(t *testing.T, task *pb.TaskRef) {
	t.Helper()
	for task.GetId() != "" {
		res, err := r.TaskStatus(t.Context(), &pb.TaskStatusRequest{Task: task})
		if err != nil || res.GetError() != "" {
			t.Fatalf("task %s: %v, %v", task.GetId(), res, err)
		}
		if res.GetDone() {
			return
		}
		pause := time.NewTimer(time.Millisecond)
		select {
		case <-pause.C:
		case <-t.Context().Done():
			t.Fatal("the task has not ended")
		}
	}
}

// power brings a VM to a state, and fails the test if that is an error.
func (r *rig) power(t *testing.T, id string, op pb.PowerOp) *pb.TaskRef {
	t.Helper()
	res, err := r.Power(t.Context(), &pb.PowerRequest{Id: id, Op: op})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetTask()
}

// listed returns the entry of a VM, nil if there is none.
func (r *rig) listed(t *testing.T, id string) *pb.VMInfo {
	t.Helper()
	res, err := r.ListVMs(t.Context(), &pb.ListVMsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, vm := range res.GetVms() {
		if vm.GetId() == id {
			return vm
		}
	}
	return nil
}

// wantCode fails the test unless err has the code.
func wantCode(t *testing.T, err error, want codes.Code, why string) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%v is %v, want %v: %s", err, got, want, why)
	}
}

// elsewhere makes a VM of the same fleet in another namespace, and one of
// another fleet, and returns their ids.
func (r *rig) elsewhere(t *testing.T) (namespace, stranger string) {
	t.Helper()
	ids := [2]string{}
	for i, owner := range []providers.Owner{
		{Fleet: fleet, VM: manifest.Key{Namespace: "lab", Name: "other"}},
		{Fleet: "test", VM: manifest.Key{Namespace: "default", Name: "strange"}},
	} {
		res, err := r.hv.Connect(providers.Settings{Fleet: owner.Fleet}).Create(t.Context(), providers.CreateRequest{
			Owner: owner,
			VM: &manifest.VM{
				Key: owner.VM, CPU: 1, MemoryMiB: 512, Firmware: manifest.FirmwareBIOS,
				Image: &manifest.Image{Key: manifest.Key{Name: "debian"}, Digest: "d"},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = res.ID
	}
	return ids[0], ids[1]
}
