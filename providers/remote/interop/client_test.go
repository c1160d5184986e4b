package interop

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

// TestSecondClient: a manager that was written from the wire description alone
// takes a VM of our server through its life.
func TestSecondClient(t *testing.T) {
	hv := memory.NewHypervisor()
	hv.SetNature(memory.Nature{Late: 5 * time.Millisecond, ShutdownTakes: 5 * time.Millisecond})
	if _, err := hv.Outside().AddForeign(memory.Foreign{Name: "foreign"}); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(needPython(t, "grpc"), "-B", "testdata/client.py", serve(t, hv)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const want = `validate: True
online: True
foreign name: ALREADY_EXISTS
create: done
create again: True
seen: Off, exists True
on: done
on again: done
seen: On, exists True
reconfigure: done
listed: web: 4 CPUs, 4096 MiB, root 20 GiB, data 8 GiB, log 1 GiB
shrink: INVALID_ARGUMENT
shutdown: done
off: done
seen: Off, exists True
no task: INVALID_ARGUMENT
not served: UNIMPLEMENTED
on: done
delete: done
delete again: done
seen: Unknown, exists False
listed: no VMs
`
	if d := cmp.Diff(want, string(out)); d != "" {
		t.Errorf("-want +seen\n%s", d)
	}
}

// serve serves a hypervisor by provider.v1 and returns the address.
func serve(t *testing.T, hv *memory.Hypervisor) string {
	t.Helper()
	p := hv.Connect(providers.Settings{Fleet: "test"})
	log := slog.New(slog.DiscardHandler)
	s, err := server.New(p, server.Options{Fleet: "test", Type: "memory", Log: log, Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	pb.RegisterProviderServer(s, seedserver.New(seedserver.Options{Provider: p, Type: "memory", Fleet: "test", Log: log}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Stop(ctx), <-done); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	return l.Addr().String()
}
