package daemon_test

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// TestStoryThroughTheWire is the story of libvirt with the hypervisor's
// provider on another host: the daemon and the provider server are processes in
// network namespaces of their own, with a cable between them. While VMs are
// made the cable is cut, and while they are changed the server is killed; in
// the end every VM is there once, as it is wanted.
func TestStoryThroughTheWire(t *testing.T) {
	t.Parallel()
	libvirttest.Need(t, "ip")
	host := libvirttest.Start(t, libvirttest.Options{})
	w := newWired(t, host)
	vms := make([]vmFile, 20)
	for i := range vms {
		vms[i].Name = fmt.Sprintf("vm-%02d", i)
	}
	w.serve()
	w.commit(vms)
	w.daemon()

	w.until("some VMs are made", func() bool { return w.applied() >= 3 })
	restore := w.near.cut()
	w.until("calls fail for the cable", func() bool { return w.unreached() > 0 })
	restore()
	w.until("all VMs are made", w.settled)
	w.wantRunning(vms, 20)

	vms[1].CPU, vms[1].Memory = 2, 128
	vms[2].More = "  - {name: scratch, sizeGiB: 1}\n"
	vms[3].Data = 2
	vms[4].Power = `"Off"`
	for i := 6; i < 20; i++ {
		vms[i].Data = 3
	}
	gone := vms[5]
	vms = slices.Delete(vms, 5, 6)
	w.log.reset()
	w.commit(vms, "vms/"+gone.Name+".yaml")
	w.until("some VMs are changed", func() bool { return w.applied() >= 3 })
	w.kill()
	// Either of what the daemon was doing then: changing or, just done, reading.
	w.until("the server is missed", func() bool { return w.unreached() > 0 || w.unread() })
	w.serve()
	w.until("all VMs are changed", w.settled)
	w.wantRunning(vms, 18)
	w.virshAgrees()
	w.wantVolumes(vms, 1)
}

// wired is a site whose daemon and provider server are processes in network
// namespaces of their own.
type wired struct {
	*site
	near, far *island
	program   string
	server    *exec.Cmd
}

func newWired(t *testing.T, host *libvirttest.Host) *wired {
	t.Helper()
	w := &wired{site: newSite(t, host), program: buildProgram(t)}
	w.near, w.far = islands(t)
	w.policy = "prune: {mode: delete, grace: 0s, maxCount: 100, maxPercent: 100}"
	a := remotetest.NewAuthority(t)
	a.Write(filepath.Join(w.dir, "server"), "kvm.test", w.far.addr)
	a.Write(filepath.Join(w.dir, "credentials", "wire"), "steward.test")
	w.write("server.yaml", fmt.Sprintf("apiVersion: infra.virtrigaud.io/v1beta1\nkind: Provider\n"+
		"metadata: {name: kvm}\nspec: {type: libvirt, endpoint: %q}\n", host.URI()))
	w.provider(fmt.Sprintf("endpoint: \"grpc://%s:9443\"\ncredentialSecretRef: {name: wire}", w.far.addr))
	t.Cleanup(func() {
		if w.server != nil {
			w.kill()
		}
	})
	return w
}

// serve starts the provider server.
func (w *wired) serve() {
	w.t.Helper()
	in := func(name string) string { return filepath.Join(w.dir, "server", name) }
	w.server = w.far.command(w.program, "provider", "serve", "--provider", filepath.Join(w.dir, "server.yaml"),
		"--fleet", "lab", "--listen", w.far.addr.String()+":9443", "--log-format", "json", "--allow", "steward.test",
		"--tls-cert", in("tls.crt"), "--tls-key", in("tls.key"), "--tls-ca", in("ca.crt"))
	must(w.t, w.server.Start())
}

// kill kills the server.
func (w *wired) kill() {
	w.t.Helper()
	must(w.t, w.server.Process.Signal(unix.SIGKILL))
	_ = w.server.Wait() // it was killed
	w.server = nil
}

// daemon runs the daemon until the test ends. Its log is the site's.
func (w *wired) daemon() {
	w.t.Helper()
	w.config()
	cmd := w.near.command(w.program, "run", "--config", filepath.Join(w.dir, "vmsteward.yaml"))
	log, err := cmd.StderrPipe()
	must(w.t, err)
	must(w.t, cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewReader(log)
		for {
			line, err := lines.ReadString('\n')
			_, _ = io.WriteString(w.log, line)
			if err != nil {
				return
			}
		}
	}()
	w.t.Cleanup(func() {
		must(w.t, cmd.Process.Signal(unix.SIGTERM))
		<-read
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("the daemon ended with %v; its log:\n%s", err, w.log.tail(20))
		}
	})
	w.until("the socket is there", func() bool { return exists(filepath.Join(w.dir, "sock")) })
}

// applied counts the VMs that are as wanted after calls.
func (w *wired) applied() int { return w.outcomes("applied") }

// unreached counts the VMs whose calls found nobody.
func (w *wired) unreached() int { return w.outcomes("failed") + w.outcomes("not tried") }

// unread tells whether a pass could not read what is there.
func (w *wired) unread() bool {
	return slices.ContainsFunc(w.log.lines(w.t, "plan note", "reason"), func(why string) bool { return strings.Contains(why, "could not be read") })
}

func (w *wired) outcomes(which string) (n int) {
	for _, outcome := range w.log.lines(w.t, "action", "outcome") {
		if outcome == which {
			n++
		}
	}
	return n
}

// wantVolumes wants the volumes of these VMs and no others: a root disk, a
// seed and a data disk each, and some more.
func (w *wired) wantVolumes(vms []vmFile, more int) {
	w.t.Helper()
	n := 0
	for line := range strings.Lines(w.host.Virsh("vol-list", "default")) {
		if strings.Contains(line, "vmsteward") {
			n++
		}
	}
	if want := 3*len(vms) + more; n != want {
		w.t.Errorf("%d volumes of ours, want %d:\n%s", n, want, w.host.Virsh("vol-list", "default"))
	}
}
