package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func TestSuspend(t *testing.T) {
	look := &reconcile.Outlook{VMs: []reconcile.View{{VM: vmKey("web-1")}, {VM: vmKey("web-2")}}}
	tests := []struct {
		reason    string
		args      []string
		code      exitCode
		suspended []daemon.SuspendRequest
		says      string
	}{
		{"without a name everything is meant", []string{"suspend", "--reason", "storage move"}, exitOK,
			[]daemon.SuspendRequest{{Reason: "storage move"}}, "everything is suspended"},
		{"one VM by its name alone", []string{"suspend", "web-1"}, exitOK,
			[]daemon.SuspendRequest{{VM: vmKey("web-1")}}, "prod/web-1 is suspended"},
		{"an instant", []string{"suspend", "--until", "2031-01-02T03:04:05Z"}, exitOK,
			[]daemon.SuspendRequest{{Until: time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)}}, "until 2031-01-02"},
		{"nonsense is refused before anybody is asked", []string{"suspend", "--until", "tomorrow"}, exitUsage, nil, "neither a time nor a duration"},
		{"a VM that nobody knows", []string{"suspend", "web-9"}, exitFailed, nil, "there is no VM"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			f := &fake{look: look}
			s := typed(f, "", tt.args...)
			if s.code != tt.code {
				t.Errorf("exit code %d, want %d", s.code, tt.code)
			}
			if diff := cmp.Diff(tt.suspended, f.suspended); diff != "" {
				t.Errorf("suspended (-want +got):\n%s", diff)
			}
			if all := s.out.String() + s.err.String(); !strings.Contains(all, tt.says) {
				t.Errorf("does not say %q:\n%s", tt.says, all)
			}
		})
	}
}

func TestResumeSaysWhatItEnds(t *testing.T) {
	look := &reconcile.Outlook{VMs: []reconcile.View{{VM: vmKey("web-1")}, {VM: vmKey("web-2")}}}
	everything := daemon.Suspension{Suspension: plan.Suspension{By: "ada", Reason: "storage move"}}
	one := daemon.Suspension{VM: vmKey("web-1"), Suspension: plan.Suspension{By: "bob", Until: noon}}
	all := []daemon.ResumeRequest{{}}
	for _, tt := range []struct {
		reason    string
		suspended []daemon.Suspension
		args      []string
		asked     []daemon.ResumeRequest
		says      string
	}{
		{"all", []daemon.Suspension{everything, one}, nil, all,
			"everything is resumed; it was suspended by ada: storage move\nprod/web-1 is resumed; it was " + one.String() + "\n"},
		{"all, and it is one", []daemon.Suspension{one}, nil, all, "prod/web-1 is resumed; it was " + one.String() + "\n"},
		{"all, and it is none", nil, nil, nil, "nothing was suspended\n"},
		{"one", []daemon.Suspension{one}, []string{"web-1"}, []daemon.ResumeRequest{{VM: vmKey("web-1")}}, "prod/web-1 is resumed; it was " + one.String() + "\n"},
		{"one beside everything", []daemon.Suspension{everything, one}, []string{"web-1"}, []daemon.ResumeRequest{{VM: vmKey("web-1")}},
			"prod/web-1 is resumed; it was " + one.String() + "\neverything still is suspended; \"vmsteward resume\" ends it\n"},
		{"one that was not", []daemon.Suspension{one}, []string{"web-2"}, nil, "prod/web-2 was not suspended\n"},
		{"one that only everything covers", []daemon.Suspension{everything}, []string{"web-2"}, nil,
			"prod/web-2 was not suspended\neverything still is suspended; \"vmsteward resume\" ends it\n"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			f := &fake{look: look, status: &daemon.Status{Suspended: tt.suspended}}
			s := typed(f, "", append([]string{"resume"}, tt.args...)...)
			s.want(t, exitOK)
			if diff := cmp.Diff(tt.says, s.out.String()); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.asked, f.resumed); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReconcileAsksOrWaits(t *testing.T) {
	f := &fake{look: &reconcile.Outlook{VMs: []reconcile.View{{VM: vmKey("web-1")}}}}
	if s := typed(f, "", "reconcile"); s.code != exitOK || len(f.asked) != 0 {
		t.Errorf("reconcile waited, or failed: %d, %v", s.code, f.asked)
	}
	typed(f, "", "reconcile", "web-1", "--wait")
	want := []daemon.ApplyRequest{{Only: []manifest.Key{vmKey("web-1")}}}
	if diff := cmp.Diff(want, f.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
