package interop

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

func dialSecond(t *testing.T) pb.ProviderClient {
	t.Helper()
	conn, err := grpc.NewClient(startSecond(t), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pb.NewProviderClient(conn)
}

func wanted(name string) *manifest.VM {
	return &manifest.VM{
		Key: manifest.Key{Namespace: "lab", Name: name}, CPU: 2, MemoryMiB: 2048, Firmware: manifest.FirmwareBIOS,
		Image:     &manifest.Image{Libvirt: &manifest.LibvirtImage{Path: "/images/debian.raw", Format: "raw"}, Digest: "d"},
		RootDisk:  manifest.RootDisk{SizeGiB: 20},
		Disks:     []manifest.Disk{{Name: "data", SizeGiB: 5}},
		NICs:      []manifest.NIC{{Name: "lan", MAC: "52:54:00:00:00:0a", Network: &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Bridge: "br0"}}}},
		CloudInit: manifest.CloudInit{UserData: secret.New("#cloud-config\nhostname: ü\n"), Digest: "d"},
		Tags:      []string{"a", "ü"},
	}
}

// TestSecondServer: a server that was written from the wire description alone
// understands what we send, and we what it answers.
func TestSecondServer(t *testing.T) {
	c := dialSecond(t)
	peer := seed.PeerOf("demo", "")
	req, err := seed.NewCreate(peer, wanted("web"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	await(t, c, made.GetTask())
	if again, err := c.Create(t.Context(), req); err != nil || again.GetId() != made.GetId() || again.GetTask() != nil {
		t.Errorf("made again as %v, %v", again, err)
	}
	want := &pb.VMInfo{
		Id: made.GetId(), Name: "web", PowerState: "Off", Cpu: 2, MemoryMib: 2048,
		Disks:    []*pb.DiskInfo{{Id: "root", Path: "/images/debian.raw", SizeGib: 20, Format: "raw"}, {Id: "data", SizeGib: 5, Format: "raw"}},
		Networks: []*pb.NetworkInfo{{Name: "br0", Mac: "52:54:00:00:00:0a"}},
	}
	same(t, c, want)

	act(t, c)(c.Power(t.Context(), &pb.PowerRequest{Id: made.GetId(), Op: pb.PowerOp_POWER_OP_ON}))
	want.PowerState, want.Ips = "On", []string{"192.0.2.1"}
	same(t, c, want)
	act(t, c)(c.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: made.GetId(), DesiredJson: seed.Sizes("web", 4, 4096)}))
	act(t, c)(c.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: made.GetId(), DesiredJson: seed.Growth("web", 4, 4096, 30)}))
	want.Cpu, want.MemoryMib, want.Disks[0].SizeGib = 4, 4096, 30
	same(t, c, want)
	is, err := c.Describe(t.Context(), &pb.DescribeRequest{Id: made.GetId()})
	if err != nil || !is.GetExists() || seed.Power(is.GetPowerState()) != "On" || !strings.Contains(is.GetProviderRawJson(), `"user_data_bytes": 27`) {
		t.Errorf("described as %v, %v", is, err)
	}

	_, err = c.Reconfigure(t.Context(), &pb.ReconfigureRequest{Id: made.GetId(), DesiredJson: seed.Growth("web", 4, 4096, 3)})
	if kind, _ := peer.Kind(status.Code(err), status.Convert(err).Message()); kind != "InvalidSpec" {
		t.Errorf("%v is %q, want InvalidSpec: disks are not made smaller", err, kind)
	}
	if _, err := c.HardwareUpgrade(t.Context(), &pb.HardwareUpgradeRequest{Id: made.GetId()}); status.Code(err) != codes.Unimplemented {
		t.Errorf("%v, want Unimplemented", err)
	}
	act(t, c)(c.Delete(t.Context(), &pb.DeleteRequest{Id: made.GetId()}))
	act(t, c)(c.Delete(t.Context(), &pb.DeleteRequest{Id: made.GetId()}))
	is, err = c.Describe(t.Context(), &pb.DescribeRequest{Id: made.GetId()})
	if err != nil || is.GetExists() {
		t.Errorf("after its end it is %v, %v", is, err)
	}
	same(t, c)
}

// act returns what takes the answer of a call and waits for its task.
func act(t *testing.T, c pb.ProviderClient) func(*pb.TaskResponse, error) {
	t.Helper()
	return func(res *pb.TaskResponse, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		await(t, c, res.GetTask())
	}
}

// await polls a task until it is done.
func await(t *testing.T, c pb.ProviderClient, task *pb.TaskRef) {
	t.Helper()
	for looks := 0; task != nil; looks++ {
		res, err := c.TaskStatus(t.Context(), &pb.TaskStatusRequest{Task: task})
		if err != nil || res.GetError() != "" || looks > 10 {
			t.Fatalf("task %s after %d looks: %v, %v", task.GetId(), looks, res, err)
		}
		if res.GetDone() {
			return
		}
	}
}

// same fails the test unless the server lists exactly these VMs.
func same(t *testing.T, c pb.ProviderClient, want ...*pb.VMInfo) {
	t.Helper()
	res, err := c.ListVMs(t.Context(), &pb.ListVMsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, res.GetVms(), protocmp.Transform()); d != "" {
		t.Fatalf("-want +listed\n%s", d)
	}
}
