package remote

import (
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// task is what a TaskRef of provider.v1 says. Exactly one of id and watch is
// set in one of ours.
type task struct {
	id      string // that the server polls by
	vm      string // id of the VM, if it matters
	creates bool   // the VM
	deletes bool   // the VM
	watch   bool   // it is over when the VM is off
}

// The words that references begin with.
const (
	taskPolled  = "polled:"
	taskCreates = "creates:" // the id of the VM, a blank, the id of the task
	taskDeletes = "deletes:" // likewise
	taskWatched = "off:"
)

// ref encodes a task; empty for work that is done.
func (t task) ref() providers.TaskRef {
	switch {
	case t.watch:
		return providers.TaskRef(taskWatched + t.vm)
	case t.id == "":
		return ""
	case t.creates && !strings.Contains(t.vm, " "):
		return providers.TaskRef(taskCreates + t.vm + " " + t.id)
	case t.deletes && !strings.Contains(t.vm, " "):
		return providers.TaskRef(taskDeletes + t.vm + " " + t.id)
	}
	return providers.TaskRef(taskPolled + t.id)
}

func parseTask(ref providers.TaskRef) task {
	text := string(ref)
	if id, ok := strings.CutPrefix(text, taskPolled); ok {
		return task{id: id}
	}
	if vm, ok := strings.CutPrefix(text, taskWatched); ok {
		return task{vm: vm, watch: true}
	}
	for _, kind := range []string{taskCreates, taskDeletes} {
		rest, is := strings.CutPrefix(text, kind)
		if vm, id, ok := strings.Cut(rest, " "); is && ok && vm != "" && id != "" {
			return task{id: id, vm: vm, creates: kind == taskCreates, deletes: kind == taskDeletes}
		}
	}
	return task{}
}
