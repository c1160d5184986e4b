package seedserver

import (
	"strings"
	"testing"
	"time"
)

// FuzzParseTask: whatever a client sends as a task, it is none of ours, or it
// is one that is written in the same way again.
func FuzzParseTask(f *testing.F) {
	for _, id := range []string{"", "task:", "task:a", "asked:", "asked:1:", "asked:1:shutdown:b", "asked:x:b", "asked:-1:b", "vm-12"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		task, limit, ok := parseTask(id)
		switch {
		case !ok:
		case task == "":
			t.Fatalf("%q is a task without a name", id)
		case limit.IsZero() && taskOf(task).GetId() != id:
			t.Fatalf("%q is written again as %q", id, taskOf(task).GetId())
		case !limit.IsZero():
			again, then, ok := parseTask(askedUntil(task, limit).GetId())
			if !ok || again != task || !then.Equal(limit) || !strings.HasSuffix(id, string(task)) {
				t.Fatalf("%q is written again as %q", id, askedUntil(task, limit).GetId())
			}
		}
	})
}

// TestTasksAreNamed: no work is no task.
func TestTasksAreNamed(t *testing.T) {
	if taskOf("") != nil || askedUntil("", time.Now()) != nil {
		t.Error("work that is done has a task")
	}
}
