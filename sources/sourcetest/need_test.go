package sourcetest

import (
	"strings"
	"testing"
)

// recorder is a test that notes what would become of it.
type recorder struct {
	testing.TB
	fate string
}

func (r *recorder) Helper()               {}
func (r *recorder) Fatalf(string, ...any) { r.fate = "failed" }
func (r *recorder) Skipf(string, ...any)  { r.fate += "skipped" }

func TestNeed(t *testing.T) {
	for _, tc := range []struct{ reason, program, must, want string }{
		{"what is there is used", "sh", "1", ""},
		{"what is absent lets a test be skipped", "no-such-program", "", "skipped"},
		{"but not where everything must run", "no-such-program", "1", "failed"},
	} {
		t.Setenv("VMSTEWARD_MUST_NOT_SKIP", tc.must)
		r := &recorder{TB: t}
		Need(r, tc.program)
		if !strings.HasPrefix(r.fate, tc.want) || (tc.want == "" && r.fate != "") {
			t.Errorf("%s: got %q", tc.reason, r.fate)
		}
	}
}
