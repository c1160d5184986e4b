package daemon_test

import (
	"fmt"
	"testing"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/reconcile"
)

// TestLibvirtdStopsInMidPass kills libvirtd while twenty VMs are being
// created. The pass ends and says so; while nobody answers, nothing is believed
// gone; afterwards there is one domain per manifest and no orphan volume.
func TestLibvirtdStopsInMidPass(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	s := newSite(t, host)
	s.policy = "prune: {mode: delete, grace: 0s, maxCount: 100, maxPercent: 100, allowEmpty: true}"
	var vms []vmFile
	for i := range 20 {
		vms = append(vms, vmFile{Name: fmt.Sprintf("o-%02d", i), Power: `"Off"`})
	}
	s.commit(vms)

	s.with(func(svc daemon.Service) {
		done := make(chan *reconcile.Report, 1)
		go func() {
			rep, err := svc.Apply(t.Context(), daemon.ApplyRequest{})
			if err != nil {
				t.Error(err)
			}
			done <- rep
		}()
		s.until("the first VM is created", func() bool { return len(s.log.lines(t, "action")) > 0 })
		host.StopDaemon()
		if rep := <-done; rep != nil && rep.Failed() == 0 {
			t.Error("a pass whose hypervisor went away says that nothing failed")
		}
	})

	s.wantCalls("while nobody answers nothing is called")
	s.commit(nil, fileNames(vms[:5])...)
	s.wantCalls("nor is anything believed gone")
	host.StartDaemon()
	s.converge("after the outage")
	s.wantExactly(vms[5:])
}
