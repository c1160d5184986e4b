// Command wire measures what a provider server in between costs: a pass with
// nothing to do over 5,000 VMs of a hypervisor in memory, through the
// extension and TLS on loopback, beside the same pass with the provider built
// in. The hypervisor costs next to nothing, so that what is measured is the
// wire.
package main

import (
	"fmt"
	"log/slog"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/sources"
)

const (
	wanted = 5_000
	rounds = 31
	target = 1.3
)

func main() {
	side.Main(func(r *side.Run) error {
		src := side.FleetSource(wanted)
		near, err := engine(r, src, connect())
		if err != nil {
			return fmt.Errorf("built in: %w", err)
		}
		settings := remotetest.Serve(r.Stage, connect(), side.FleetName, "memory")
		settings.Key = side.Lab()
		client, err := remote.New(settings, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		r.Cleanup(func() { client.Close() })
		far, err := engine(r, src, client)
		if err != nil {
			return fmt.Errorf("through the wire: %w", err)
		}
		times, err := side.Alternate(rounds, side.Timed(pass(r, far)), side.Timed(pass(r, near)))
		if err != nil {
			return err
		}
		r.Judge(fmt.Sprintf("pass with nothing to do through the wire (floor: built in), %d VMs", wanted), times[0], times[1], side.Target{Factor: target})
		return nil
	})
}

func connect() *memory.Provider {
	return memory.NewHypervisor().Connect(providers.Settings{Fleet: side.FleetName, Key: side.Lab()})
}

// engine returns one that has made the fleet.
func engine(r *side.Run, src sources.Source, p providers.Provider) (*reconcile.Engine, error) {
	e, err := side.Engine(src, p, journal.NewMemory())
	if err != nil {
		return nil, err
	}
	for range 2 {
		if _, err := e.Pass(r.Context(), reconcile.PassOptions{}); err != nil {
			return nil, err
		}
	}
	return e, pass(r, e)()
}

// pass runs one that finds everything as wanted.
func pass(r *side.Run, e *reconcile.Engine) func() error {
	return func() error {
		rep, err := e.Pass(r.Context(), reconcile.PassOptions{})
		if err == nil && rep.Plan.Summary.InSync != wanted {
			err = fmt.Errorf("only %d of %d are in sync", rep.Plan.Summary.InSync, wanted)
		}
		return err
	}
}
