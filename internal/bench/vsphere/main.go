// Command vsphere measures passes with nothing to do over machines of a
// simulated vCenter in two datacenters, and a pass after one change there. The
// floor of a full pass is the same properties, read with bare govmomi. Then it
// measures what a daemon holds of memory with ten thousand of them. The
// vCenter is a process of its own, spoken to over TLS.
package main

import (
	"flag"
	"fmt"

	"github.com/vmsteward/vmsteward/internal/bench/side"
)

const (
	few  = 1_000
	many = 10_000
)

func main() {
	serveDir := flag.String("serve", "", "be the vCenter of the machines that the manifests in this folder want")
	hold := flag.String("hold", "", "be the daemon that is measured, in the folder that was prepared for it")
	only := flag.Int("machines", 0, "measure with so many machines alone; 0: with a thousand and ten thousand")
	side.Main(func(r *side.Run) error {
		switch {
		case *serveDir != "":
			return serve(r, *serveDir)
		case *hold != "":
			return resident(r, *hold)
		case *only > 0:
			return measure(r, *only, 3, holding)
		}
		if err := measure(r, few, 15, nil); err != nil {
			return fmt.Errorf("%d machines: %w", few, err)
		}
		if err := measure(r, many, 3, holding); err != nil {
			return fmt.Errorf("%d machines: %w", many, err)
		}
		return nil
	})
}
