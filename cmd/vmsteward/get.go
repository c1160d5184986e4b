package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func (a *app) getCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "get",
		GroupID: groupLook,
		Short:   "List what there is",
		Long:    "List what there is. There is one thing to list: vms.",
		Example: "  vmsteward get vms",
		Args:    known,
		RunE: func(c *cobra.Command, _ []string) error {
			return usage(`"vmsteward get vms" lists the VMs`, "get what?")
		},
	}
	c.AddCommand(a.getVMsCommand())
	return c
}

func (a *app) getVMsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "vms [vm...]",
		Aliases: []string{"vm"},
		Short:   "List every VM that is wanted or ours",
		Long: `List every VM that is wanted or ours, as the last pass of the daemon saw it,
or as it is now when no daemon runs. A dash is a VM that was not found; a
question mark is a fact that is not known.

Formats: text, wide (also phase, id and reason), json, and name (one
namespace/name per line, for a shell).`,
		Example: `  vmsteward get vms
  vmsteward get vms -o wide prod/web-01
  vmsteward get vms -o name | wc -l`,
		ValidArgsFunction: a.completeVMs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.formats(outputText, outputWide, outputJSON, outputName); err != nil {
				return err
			}
			return a.getVMs(c.Context(), args)
		},
	}
	a.localFlag(c)
	return c
}

func (a *app) getVMs(ctx context.Context, names []string) error {
	svc, err := a.service(ctx)
	if err != nil {
		return err
	}
	defer svc.Close()
	views, err := svc.VMs(ctx)
	if err != nil {
		return err
	}
	keys, err := chooseVMs(views, names)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		views = slices.DeleteFunc(slices.Clone(views), func(v reconcile.View) bool { return !slices.Contains(keys, v.VM) })
	}
	switch a.flags.output {
	case outputJSON:
		return printJSON(a.out, append([]reconcile.View{}, views...))
	case outputName:
		for _, v := range views {
			fmt.Fprintln(a.out, v.VM)
		}
		return nil
	}
	renderVMs(a.out, views, a.flags.output == outputWide, a.style())
	return nil
}

func renderVMs(w io.Writer, views []reconcile.View, wide bool, s style) {
	if len(views) == 0 {
		fmt.Fprintln(w, "No VM is wanted, and none is ours.")
		return
	}
	t := table{style: s}
	titles := []string{"VM", "PROVIDER", "POWER", "STATE", "CPU", "MEMORY", "ADDRESSES"}
	if wide {
		titles = append(titles, "PHASE", "ID", "REASON")
	}
	t.head(titles...)
	for _, v := range views {
		cells := []string{
			printable(v.VM.String()), provider(v.Provider), orDash(string(v.Power)), stateOf(v, s), cpu(v), memory(v), addresses(v),
		}
		if wide {
			cells = append(cells, string(v.Phase), orDash(printable(v.ID)), printable(v.Reason))
		}
		t.row(cells...)
	}
	t.print(w)
}

func provider(k manifest.Key) string {
	if k == (manifest.Key{}) {
		return "?"
	}
	return printable(k.String())
}

// stateOf says whether a VM is as wanted, or what becomes of it.
func stateOf(v reconcile.View, s style) string {
	drift := ""
	if v.Drifted {
		drift = ", drifted"
	}
	switch v.Action {
	case plan.None:
		return s.good("in sync")
	case plan.Create:
		return s.note("to create")
	case plan.Update:
		return s.note("to change" + drift)
	case plan.Retire:
		return s.note("to retire")
	case plan.Delete, plan.Sweep:
		return s.bad("to delete")
	case plan.Hold:
		return s.bad("held" + drift)
	case plan.Conflict:
		return s.bad("conflict")
	case plan.Report:
		if v.Drifted {
			return s.odd("drifted")
		}
		return s.odd("reported")
	}
	return string(v.Action)
}

func cpu(v reconcile.View) string {
	if v.Power == "" {
		return "-"
	}
	if !v.CPU.Known {
		return "?"
	}
	return strconv.Itoa(v.CPU.Value)
}

func memory(v reconcile.View) string {
	switch n := v.MemoryMiB.Value; {
	case v.Power == "":
		return "-"
	case !v.MemoryMiB.Known:
		return "?"
	case n > 0 && n%1024 == 0:
		return strconv.FormatInt(n/1024, 10) + " GiB"
	default:
		return strconv.FormatInt(n, 10) + " MiB"
	}
}

func addresses(v reconcile.View) string {
	var ips []string
	for _, ad := range v.Addresses {
		ips = append(ips, printable(ad.IP))
	}
	return orDash(strings.Join(ips, ","))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
