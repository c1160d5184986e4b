package main

import (
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// noon is when every test looks.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func vmKey(name string) manifest.Key { return manifest.Key{Namespace: "prod", Name: name} }

func kvm(name string) manifest.Key { return manifest.Key{Namespace: "hosts", Name: name} }

// sceneOutlook is a plan with every action and every verdict in it.
func sceneOutlook() *reconcile.Outlook {
	items := []*plan.Item{
		sceneCreate(), sceneLive(), sceneQuiet(), sceneRestart(), sceneStop(), sceneRetire(), sceneDelete(), sceneSweep(),
		sceneHeld(), sceneDeferred(), sceneConflict(), sceneReported(), sceneInSync(), sceneAwaited(), sceneRemade(),
	}
	look := &reconcile.Outlook{
		Plan: plan.Plan{
			FormatVersion: plan.FormatVersion, Fleet: "lab", Revision: "main@0123456789abcdef0123456789abcdef01234567", Made: noon,
			Items: items, Summary: tally(items),
			Notes: []string{"provider hosts/kvm-c could not be read: dial tcp 192.0.2.7:22: connection refused"},
		},
		Snapshot: reconcile.Snapshot{
			Source: "git ssh://git@git.example.org/infra/vms.git#main", Revision: "0123456789abcdef0123456789abcdef01234567",
			Title: "give the web servers more memory", Author: "Ada", Time: noon.Add(-5 * time.Minute),
			Stale: "fetch: the host did not answer", Notes: []string{"the branch was rewritten at 11:50"},
		},
		Findings: []manifest.Finding{
			{At: manifest.Position{File: "vms/odd.yaml", Line: 12, Column: 3}, Severity: manifest.Error, Kind: "VirtualMachine",
				Object: vmKey("odd"), Field: "spec.classRef", Message: "VMClass prod/smal is not in the tree", Hint: "did you mean prod/small?"},
			{At: manifest.Position{File: "classes.yaml", Line: 3, Column: 1}, Severity: manifest.Warning, Field: "spec.cpus", Message: "unknown field", Hint: "did you mean cpu?"},
		},
	}
	for i := range items {
		it := items[i]
		look.VMs = append(look.VMs, reconcile.View{VM: it.VM, Provider: it.Provider, ID: it.ID, Action: it.Action, Reason: it.Reason})
	}
	return look
}

func sceneItem(name string, action plan.Action, cost plan.Disruption, reason string) *plan.Item {
	return &plan.Item{VM: vmKey(name), Provider: kvm("kvm-a"), ID: "id-" + name, Action: action, Disruption: cost, Reason: reason, Digest: "d"}
}

func sceneCreate() *plan.Item {
	it := sceneItem("db-1", plan.Create, plan.Nothing, "it does not exist")
	it.ID = ""
	for _, f := range [][2]string{{"exists", "present"}, {"power", "On"}, {"cpu", "4"}, {"memory", "8 GiB"}, {"disks[data]", "100 GiB"}, {"nics[lan]", "virtio on br0"}} {
		it.Diffs = append(it.Diffs, plan.Diff{Field: f[0], Wanted: f[1], Found: "absent", Disruption: plan.Nothing, Verdict: plan.Apply})
	}
	it.Ops = []plan.Op{{Kind: plan.CreateVM}, {Kind: plan.Start}}
	it.Warnings = []string{unhonoured + "VMClass.spec.firmware", unhonoured + "VirtualMachine.spec.tags"}
	return it
}

func sceneLive() *plan.Item {
	it := sceneItem("web-1", plan.Update, plan.Live, "its manifest changed, and it was changed outside")
	it.Diffs = []plan.Diff{
		{Field: "memory", Wanted: "8 GiB", Found: "4 GiB", Disruption: plan.Live, Verdict: plan.Apply},
		{Field: "cpu", Where: plan.Running, Wanted: "4", Found: "2", Disruption: plan.Live, Verdict: plan.Apply, Drift: true},
		{Field: "disks[data].size", Where: plan.Definition, Wanted: "90 GiB", Found: "80 GiB", Disruption: plan.Live, Verdict: plan.Apply, Reason: "only the definition differs, which the next start uses"},
		{Field: "nics[lan]", Wanted: "absent", Found: "virtio on a-bridge-with-quite-a-long-name", Disruption: plan.Live, Verdict: plan.Apply},
	}
	it.Ops = []plan.Op{{Kind: plan.Reconfigure, Change: &providers.Change{
		Live: true, CPU: new(4), MemoryMiB: new(int64(8192)), GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 90}},
		RemoveNICs: []providers.NICRef{{MAC: "52:54:00:00:00:01"}, {Name: "lan"}},
	}}}
	it.Warnings = []string{unhonoured + "VMClass.spec.firmware", "it has two machines of its name"}
	return it
}

func sceneQuiet() *plan.Item {
	it := sceneItem("web-2", plan.Update, plan.Nothing, "its manifest changed")
	it.Diffs = []plan.Diff{{Field: "tags", Disruption: plan.Nothing, Verdict: plan.Apply,
		Found:  "backup, blue, customer-facing, monitored-around-the-clock, reviewed",
		Wanted: "backup, blue, customer-facing, monitored-around-the-clock, reviewed, tier-1"}}
	it.Ops = []plan.Op{{Kind: plan.Reconfigure, Change: &providers.Change{Tags: &[]string{"backup", "tier-1"}, Autostart: new(true)}}}
	return it
}

func sceneRestart() *plan.Item {
	it := sceneItem("web-3", plan.Update, plan.Restart, "it was changed outside")
	it.Diffs = []plan.Diff{
		{Field: "cpu", Wanted: "2", Found: "8", Disruption: plan.Restart, Verdict: plan.Apply, Drift: true, Reason: "it cannot be taken from a running guest"},
		{Field: "disks[root].size", Wanted: "20 GiB", Found: "40 GiB", Disruption: plan.Destroy, Verdict: plan.Refuse, Reason: "a disk cannot be made smaller without losing data"},
	}
	it.Ops = []plan.Op{{Kind: plan.ShutDown, Timeout: 90 * time.Second}, {Kind: plan.Reconfigure, Change: &providers.Change{
		CPU: new(2), AddDisks: []manifest.Disk{{Name: "logs", SizeGiB: 5}}, AddNICs: []manifest.NIC{{Name: "wan"}},
	}}, {Kind: plan.Start}}
	return it
}

func sceneStop() *plan.Item {
	it := sceneItem("build-1", plan.Update, plan.Restart, "its manifest changed")
	it.Diffs = []plan.Diff{{Field: "power", Wanted: "Off", Found: "On", Disruption: plan.Restart, Verdict: plan.Apply, Reason: "the guest stops"}}
	it.Ops = []plan.Op{{Kind: plan.Stop}}
	return it
}

func sceneRetire() *plan.Item {
	it := sceneItem("old-1", plan.Retire, plan.Restart, "it is not in the desired state any more; it is powered off and kept for 24h0m0s")
	it.Digest = ""
	it.Ops = []plan.Op{{Kind: plan.ShutDown, Timeout: time.Minute}, {Kind: plan.Reconfigure, Change: &providers.Change{Retired: &noon, Autostart: new(false)}}}
	return it
}

func sceneDelete() *plan.Item {
	it := sceneItem("old-2", plan.Delete, plan.Destroy, "it was retired at 2026-02-27 12:00:00Z and its grace period of 24h0m0s is over")
	it.Digest = ""
	it.Ops = []plan.Op{{Kind: plan.DeleteVM}}
	return it
}

func sceneSweep() *plan.Item {
	it := sceneItem("old-3", plan.Sweep, plan.Nothing, "a creation of this VM did not end, and the VM is not wanted any more")
	it.Digest = ""
	it.Ops = []plan.Op{{Kind: plan.SweepVolume, Leftover: &providers.Leftover{ID: "pool/old-3-root.qcow2", Owner: providers.Owner{Fleet: "lab", VM: vmKey("old-3")}}}}
	return it
}

func sceneHeld() *plan.Item {
	it := sceneItem("odd", plan.Hold, "", "its manifest cannot be used: vms/odd.yaml:12:3: error: spec.classRef: VMClass prod/smal is not in the tree (did you mean prod/small?)")
	it.ID, it.Digest, it.Provider = "", "", manifest.Key{}
	return it
}

func sceneDeferred() *plan.Item {
	it := sceneItem("db-2", plan.Hold, plan.Nothing, "what differs cannot be applied now")
	it.Diffs = []plan.Diff{{Field: "memory", Wanted: "16 GiB", Found: "8 GiB", Disruption: plan.Restart, Verdict: plan.Defer,
		Reason: "the running machine was started without room for it; it waits for the disruption window at 2026-03-07 02:00:00Z"}}
	return it
}

func sceneConflict() *plan.Item {
	return sceneItem("mail-1", plan.Conflict, plan.Nothing, "a machine named mail-1 exists on hosts/kvm-a and does not carry the mark of this VM; rename one of the two")
}

func sceneReported() *plan.Item {
	it := sceneItem("db-3", plan.Report, plan.Nothing, "it was changed outside, and drift is only reported")
	it.Diffs = []plan.Diff{{Field: "cpu", Wanted: "2", Found: "4", Disruption: plan.Live, Verdict: plan.Tell, Drift: true, Reason: "drift is only reported on this host"}}
	return it
}

func sceneInSync() *plan.Item {
	it := sceneItem("web-4", plan.None, plan.Nothing, "as wanted")
	it.Warnings = []string{unhonoured + "VMClass.spec.firmware"}
	return it
}

func sceneAwaited() *plan.Item {
	it := sceneItem("new-1", plan.Create, plan.Nothing, "its creation is under way")
	it.Ops = []plan.Op{{Kind: plan.CreateVM, Task: "task-7"}}
	return it
}

func sceneRemade() *plan.Item {
	it := sceneItem("web-5", plan.Update, plan.Nothing, "its manifest changed")
	it.Diffs = []plan.Diff{
		{Field: "image", Wanted: "0a8b80937eeb", Found: "bee4a24ad1c4", Disruption: plan.Replace, Verdict: plan.Refuse, Reason: "a disk keeps the image that it was made from; remove the VM from the repository and add it again to have it made anew"},
		{Field: "retired", Wanted: "in use", Found: "retired since 2026-02-27 12:00:00Z", Disruption: plan.Nothing, Verdict: plan.Apply},
		{Field: "power", Wanted: "On", Found: "Off", Disruption: plan.Nothing, Verdict: plan.Apply},
	}
	it.Ops = []plan.Op{{Kind: plan.Reconfigure, Change: &providers.Change{Retired: new(time.Time{})}}, {Kind: plan.Start}}
	return it
}
