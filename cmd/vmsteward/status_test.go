package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func wellStatus() *daemon.Status {
	return &daemon.Status{
		Daemon: true, Version: "1.2.3", Fleet: "lab", Source: "git https://git.example.org/vms.git#main", Schedule: "*/5 * * * * (UTC)",
		Started: noon.Add(-50 * time.Hour), Next: noon.Add(2 * time.Minute),
		Last:     &reconcile.Brief{Reason: "schedule", Begun: noon.Add(-3 * time.Minute), Took: 2100 * time.Millisecond, Summary: plan.Summary{Wanted: 6, InSync: 6}},
		Snapshot: &reconcile.Snapshot{Revision: "0123456789abcdef0123456789abcdef01234567", Title: "add web-4", Author: "Ada", Time: noon.Add(-time.Hour)},
		Providers: []daemon.ProviderStatus{
			{Key: kvm("kvm-a"), Type: "libvirt", Endpoint: "qemu+ssh://kvm-a.example.org/system"},
			{Key: kvm("kvm-b"), Type: "libvirt", Endpoint: "qemu+tls://kvm-b.example.org/system"},
		},
	}
}

func badStatus() *daemon.Status {
	st := wellStatus()
	st.Busy, st.Next, st.LastError = true, noon, "no desired state: fetch: the host key is not the pinned one"
	st.Snapshot.Stale = "fetch: the host key is not the pinned one"
	st.Last.Failed, st.Last.Summary = 1, plan.Summary{Wanted: 6, InSync: 2, Held: 2, Conflicts: 1, Deferred: 1, Reported: 1}
	st.Providers[1].Problem = "dial tcp 192.0.2.7:16514: connection refused"
	return st
}

func TestStatus(t *testing.T) {
	utc := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = utc })
	alone := wellStatus()
	alone.Daemon, alone.Last, alone.Snapshot = false, nil, nil
	for name, st := range map[string]*daemon.Status{"well": wellStatus(), "bad": badStatus(), "no-daemon": alone} {
		var b bytes.Buffer
		renderStatus(&b, st, complaintsOf(st), planView{style: style{width: 80}, now: noon})
		golden(t, "status/"+name+".txt", b.String())
		fits(t, b.String(), 80)
	}
}

func TestStatusCodes(t *testing.T) {
	typed(&fake{status: wellStatus()}, "", "status").want(t, exitOK, "All is well.")
	typed(&fake{status: badStatus()}, "", "status").want(t, exitAttention, "A person is needed:")
	for name, spoil := range map[string]func(*daemon.Status){
		"no daemon": func(st *daemon.Status) { st.Daemon = false },
		"error":     func(st *daemon.Status) { st.LastError = "x" },
		"stale":     func(st *daemon.Status) { st.Snapshot.Stale = "x" },
		"provider":  func(st *daemon.Status) { st.Providers[0].Problem = "x" },
		"failed":    func(st *daemon.Status) { st.Last.Failed = 1 },
		"held":      func(st *daemon.Status) { st.Last.Summary.Held = 1 },
		"conflict":  func(st *daemon.Status) { st.Last.Summary.Conflicts = 1 },
	} {
		st := wellStatus()
		spoil(st)
		if s := typed(&fake{status: st}, "", "status", "-o", "json"); s.code != exitAttention {
			t.Errorf("%s: want %d, got %d", name, exitAttention, s.code)
		}
	}
}

func sceneViews() []reconcile.View {
	look := sceneOutlook()
	for i := range look.VMs {
		v := &look.VMs[i]
		v.Phase = reconcile.Running
		if v.ID != "" {
			v.Power, v.CPU, v.MemoryMiB = providers.On, providers.Known(2), providers.Known(int64(2048))
		}
	}
	look.VMs[1].MemoryMiB, look.VMs[1].Drifted = providers.Known(int64(1500)), true
	look.VMs[2].CPU = providers.Opt[int]{}
	look.VMs[2].Addresses = []providers.Address{{IP: "192.0.2.10"}, {IP: "2001:db8::10"}}
	return look.VMs
}

func TestGetVMs(t *testing.T) {
	for name, s := range map[string]style{"text": {width: 80}, "colour": {width: 80, colour: true}} {
		var b bytes.Buffer
		renderVMs(&b, sceneViews(), false, s)
		golden(t, "get/"+name+".txt", b.String())
	}
	var b bytes.Buffer
	renderVMs(&b, sceneViews(), true, style{width: 80})
	golden(t, "get/wide.txt", b.String())
	f := &fake{look: &reconcile.Outlook{VMs: sceneViews()}}
	typed(f, "", "get", "vms", "-o", "name", "web-1", "prod/db-1").want(t, exitOK, "prod/db-1\nprod/web-1\n")
	typed(f, "", "get", "vms", "-o", "json", "web-1").want(t, exitOK, `"memoryMiB": 1500`)
	typed(f, "", "get", "vm", "nosuch").want(t, exitFailed, `there is no VM "nosuch"`)
	typed(&fake{look: &reconcile.Outlook{}}, "", "get", "vms").want(t, exitOK, "No VM is wanted, and none is ours.")
	typed(&fake{look: &reconcile.Outlook{}}, "", "get", "vms", "-o", "json").want(t, exitOK, "[]\n")
	typed(f, "", "get").want(t, exitUsage, "get what?")
	typed(f, "", "get", "pods").want(t, exitUsage, `there is no command "vmsteward get pods"`)
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 3 * time.Second: "3s ago", 90 * time.Second: "90s ago", 5 * time.Minute: "5m ago",
		3 * time.Hour: "3h ago", 80 * time.Hour: "3d ago", -2 * time.Minute: "in 2m", -time.Hour: "in 60m",
	} {
		if got := ago(noon.Add(-d), noon); got != want {
			t.Errorf("%s: want %q, got %q", d, want, got)
		}
	}
	if got := ago(time.Time{}, noon); got != "-" {
		t.Errorf("never: got %q", got)
	}
}
