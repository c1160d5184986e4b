package reconcile

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// TestAReportShowsWhatItsPassBroughtAbout looks at VMs after one was made, one
// was changed, one failed, one was removed and one was left alone.
func TestAReportShowsWhatItsPassBroughtAbout(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.policy.Prune.Grace = 0
		for _, name := range []string{"changed", "gone", "same"} {
			w.src.put(name+".yaml", vmText(name, ""))
		}
		w.pass()
		w.src.put("made.yaml", vmText("made", ""))
		w.src.put("changed.yaml", vmText("changed", "  powerState: \"Off\"\n"))
		w.src.put("lost.yaml", vmText("lost", ""))
		w.src.remove("gone.yaml")
		w.hv.Inject(memory.Fault{Op: "create", VM: manifest.Key{Namespace: "default", Name: "lost"}, Kind: providers.QuotaExceeded})
		rep, _ := w.pass()
		got := map[string]string{}
		for _, v := range rep.Views() {
			got[v.VM.Name] = string(v.Phase) + " " + string(v.Power) + ", " + string(v.Action) + ": " + v.Reason
		}
		want := map[string]string{
			"changed": "Stopped Off, none: as wanted", "same": "Running On, none: as wanted", "made": "Running On, none: as wanted",
			"lost": "Failed , create: failed: create default/lost: injected fault",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		inJSON(t, rep)
	})
}

// inJSON reads a report back from what is written of it, and that again.
func inJSON(t *testing.T, rep *Report) {
	t.Helper()
	text, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rep.Views(), back.VMs); diff != "" {
		t.Errorf("VMs in JSON (-report +JSON):\n%s", diff)
	}
	for _, it := range back.Plan.Items {
		if it.VM.Name == "made" && len(it.Diffs) < 5 {
			t.Errorf("only %d fields of a VM that was made are in JSON", len(it.Diffs))
		}
	}
	again, err := json.Marshal(&back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(again)); diff != "" {
		t.Errorf("what was read is written otherwise (-first +second):\n%s", diff)
	}
}
