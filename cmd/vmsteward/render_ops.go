package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// opsText writes the calls of a VM in order.
func opsText(ops []plan.Op) string {
	parts := make([]string, len(ops))
	for i, op := range ops {
		parts[i] = printable(opText(op))
	}
	return strings.Join(parts, ", ")
}

func opText(op plan.Op) string {
	text := string(op.Kind)
	switch op.Kind {
	case plan.ShutDown:
		text = "shut down"
		if op.Timeout > 0 {
			text += fmt.Sprintf(" (off hard after %s)", span(op.Timeout))
		}
	case plan.Stop:
		text = "switch off hard"
	case plan.Reconfigure:
		text += " " + changeText(op)
	case plan.SweepVolume:
		text = "remove volume"
		if op.Leftover != nil {
			text += " " + op.Leftover.ID
		}
	}
	if op.Task != "" {
		text += " (begun earlier, awaited)"
	}
	return text
}

// changeText names what one reconfiguration sets.
func changeText(op plan.Op) string {
	c := op.Change
	if c == nil {
		return ""
	}
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if c.CPU != nil {
		add("cpu=%d", *c.CPU)
	}
	if c.MemoryMiB != nil {
		add("memory=%dMiB", *c.MemoryMiB)
	}
	for _, d := range c.AddDisks {
		add("+disk[%s]=%dGiB", d.Name, d.SizeGiB)
	}
	for _, d := range c.GrowDisks {
		add("disk[%s]=%dGiB", d.Name, d.SizeGiB)
	}
	for _, n := range c.RemoveNICs {
		name := n.Name
		if name == "" {
			name = n.MAC
		}
		add("-nic[%s]", name)
	}
	for _, n := range c.AddNICs {
		add("nic[%s]", n.Name)
	}
	for _, field := range slices.Sorted(maps.Keys(c.Traits)) {
		if value := c.Traits[field]; value != "" {
			add("%s=%s", field, value)
		} else {
			add("-%s", field)
		}
	}
	if c.Tags != nil {
		add("tags=%s", "["+strings.Join(*c.Tags, " ")+"]")
	}
	if c.Autostart != nil {
		add("autostart=%s", strconv.FormatBool(*c.Autostart))
	}
	if c.Retired != nil {
		if c.Retired.IsZero() {
			add("mark=in-use")
		} else {
			add("mark=retired")
		}
	}
	text := strings.Join(parts, " ")
	if c.Live {
		text = "live " + text
	}
	return text
}
