package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
)

func TestSuspendAndResume(t *testing.T) {
	look := &reconcile.Outlook{VMs: []reconcile.View{{VM: vmKey("web-1")}, {VM: vmKey("web-2")}}}
	tests := []struct {
		reason    string
		args      []string
		code      exitCode
		suspended []daemon.SuspendRequest
		resumed   []daemon.ResumeRequest
		says      string
	}{
		{"without a name everything is meant", []string{"suspend", "--reason", "storage move"}, exitOK,
			[]daemon.SuspendRequest{{Reason: "storage move"}}, nil, "everything is suspended"},
		{"one VM by its name alone", []string{"suspend", "web-1"}, exitOK,
			[]daemon.SuspendRequest{{VM: vmKey("web-1")}}, nil, "prod/web-1 is suspended"},
		{"an instant", []string{"suspend", "--until", "2031-01-02T03:04:05Z"}, exitOK,
			[]daemon.SuspendRequest{{Until: time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)}}, nil, "until 2031-01-02"},
		{"nonsense is refused before anybody is asked", []string{"suspend", "--until", "tomorrow"}, exitUsage, nil, nil, "neither a time nor a duration"},
		{"a VM that nobody knows", []string{"suspend", "web-9"}, exitFailed, nil, nil, "there is no VM"},
		{"all are resumed", []string{"resume"}, exitOK, nil, []daemon.ResumeRequest{{}}, "everything is resumed"},
		{"one is resumed", []string{"resume", "prod/web-2"}, exitOK, nil, []daemon.ResumeRequest{{VM: vmKey("web-2")}}, "prod/web-2 is resumed"},
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
			if diff := cmp.Diff(tt.resumed, f.resumed); diff != "" {
				t.Errorf("resumed (-want +got):\n%s", diff)
			}
			if all := s.out.String() + s.err.String(); !strings.Contains(all, tt.says) {
				t.Errorf("does not say %q:\n%s", tt.says, all)
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
