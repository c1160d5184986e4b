package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
)

// completionPatience is how long a shell waits for the names of VMs.
const completionPatience = 500 * time.Millisecond

// completeVMs offers the VMs that a running daemon knows. Without one it
// offers nothing: a press of the tab key does not look at hypervisors.
func (a *app) completeVMs(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
	defer cancel()
	names, err := a.namesOfVMs(ctx)
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
	}
	var out []string
	for _, n := range names {
		if !slices.Contains(args, strings.SplitN(n, "\t", 2)[0]) {
			out = append(out, n)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) namesOfVMs(ctx context.Context) ([]string, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	svc, err := daemon.Dial(ctx, cfg.API.Socket)
	if err != nil {
		return nil, err
	}
	defer svc.Close()
	views, err := svc.VMs(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, v := range views {
		names = append(names, v.VM.String()+"\t"+string(v.Phase))
	}
	return names, nil
}
