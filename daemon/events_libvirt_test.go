package daemon_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// start runs the real daemon of the site until the test ends.
func (s *site) start() *daemon.Daemon { return s.startWith("") }

// startWith runs it with a configuration file that it may reload.
func (s *site) startWith(path string) *daemon.Daemon {
	s.t.Helper()
	d, err := daemon.New(s.config(), daemon.Options{Log: slog.New(slog.NewJSONHandler(s.log, nil)), ConfigPath: path})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := d.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			s.t.Errorf("stop: %v", err)
		}
	})
	return d
}

// TestOutsideChangesAreSeenAtOnce changes a VM with virsh while the daemon
// runs and no schedule is near. Each change is a line of the log within two
// seconds, and is corrected.
func TestOutsideChangesAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{Guest: true})
	s := newSite(t, host)
	s.commit([]vmFile{{Name: "awake"}, {Name: "asleep", Power: `"Off"`}})
	s.repo.Commit(map[string]string{"common.yaml": driftClass + strings.ReplaceAll(commonManifests, "POOL", host.PoolDir)[strings.Index(commonManifests, "---"):]})
	s.start()
	s.until("the VMs are created", func() bool { return len(s.log.lines(t, "action")) == 2 })
	host.Console(t, "awake", "STATE", guestBoots, "seed=")
	s.until("nothing is left to do", s.settled)

	v := host.Virsh
	tests := []struct {
		act   string
		do    func()
		drift string // vm | field
	}{
		{"setvcpus --config", func() { v("setvcpus", "awake", "3", "--config") }, "default/awake | cpu"},
		{"setvcpus --live", func() { v("setvcpus", "awake", "2", "--live") }, "default/awake | cpu"},
		{"setmem --config", func() { v("setmem", "awake", "131072", "--config") }, "default/awake | memory"},
		{"attach-interface", func() {
			v("attach-interface", "asleep", "network", "default", "--model", "virtio", "--mac", "52:54:00:99:00:01", "--config")
		}, "default/asleep | nics[52:54:00:99:00:01]"},
		{"change of a MAC", func() {
			xml := v("dumpxml", "asleep", "--inactive")
			s.define(t, strings.Replace(xml, "<mac address='"+between(t, xml, "<mac address='", "'"), "<mac address='52:54:00:99:00:02", 1))
		}, "default/asleep | nics[lan].mac"},
		{"start of what is off", func() {
			// It may be stopped again before virsh has its answer.
			_, _ = host.VirshErr("start", "asleep")
		}, "default/asleep | power"},
		{"rename", func() { v("domrename", "asleep", "elsewhere") }, "default/asleep | name"},
		{"destroy", func() { v("destroy", "awake") }, "default/awake | power"},
		{"undefine", func() { v("undefine", "asleep") }, "default/asleep | exists"},
	}
	for _, tt := range tests {
		t.Run(tt.act, func(t *testing.T) {
			s.log.reset()
			tt.do()
			done := time.Now()
			s.until("the drift line", func() bool { return contains(s.log.lines(t, "drift", "vm", "field"), tt.drift) })
			// Two seconds are promised; a machine that runs other tests
			// beside this one is given more.
			took := time.Since(done)
			t.Logf("the drift line came after %s", took.Round(time.Millisecond))
			if took > 10*time.Second {
				t.Error("the drift line was not told of, but found")
			}
			s.until("the correction", func() bool { return contains(s.log.lines(t, "action", "outcome"), "applied") })
			s.until("nothing is left to do", s.settled)
		})
	}
}

func contains(lines []string, want string) bool {
	for _, l := range lines {
		if l == want {
			return true
		}
	}
	return false
}

// settled asks the running daemon whether everything is as wanted.
func (s *site) settled() bool {
	svc, err := daemon.Dial(s.t.Context(), s.dir+"/sock")
	if err != nil {
		s.t.Fatal(err)
	}
	defer svc.Close()
	look, err := svc.Plan(s.t.Context())
	return err == nil && look.Plan.InSync()
}
