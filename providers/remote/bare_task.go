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
	deletes bool   // the VM
	watch   bool   // it is over when the VM is off
}

// The words that references begin with.
const (
	taskPolled  = "polled:"
	taskDeletes = "deletes:" // the id of the VM, a blank, the id of the task
	taskWatched = "off:"
)

// ref encodes a task; empty for work that is done.
func (t task) ref() providers.TaskRef {
	switch {
	case t.watch:
		return providers.TaskRef(taskWatched + t.vm)
	case t.id == "":
		return ""
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
	if rest, ok := strings.CutPrefix(text, taskDeletes); ok {
		if vm, id, ok := strings.Cut(rest, " "); ok && vm != "" && id != "" {
			return task{id: id, vm: vm, deletes: true}
		}
	}
	return task{}
}
