package providertest

import (
	"context"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func missingChecks() []Check {
	return []Check{{
		"create-names-a-missing-network", "A network that is not there is NotFound with Missing set, and nothing is left behind.",
		func(ctx context.Context, e *Env) error {
			if !e.need(e.Outside.LoseNetwork != nil, "LoseNetwork hook") {
				return e.Err()
			}
			o := e.owner(ctx, "a")
			volumes, want := e.volumes(ctx), e.wanted(o)
			e.Outside.LoseNetwork(&want.NICs[0])
			_, err := e.P.Create(ctx, providers.CreateRequest{Owner: o, VM: want})
			e.missing("create with a network that is not there", err)
			e.gone(ctx, providers.Ref{Owner: o})
			e.sameVolumes("the refused create", volumes, e.volumes(ctx))
			return e.Err()
		},
	}, {
		"reconfigure-names-a-missing-network", "An interface on a network that is not there is NotFound with Missing set, and nothing of the change is done.",
		func(ctx context.Context, e *Env) error {
			if !e.need(e.Outside.LoseNetwork != nil && e.changeable(providers.FieldNIC), "LoseNetwork hook or interfaces to add") {
				return e.Err()
			}
			ref, before := e.made(ctx, "a")
			volumes, nic := e.volumes(ctx), e.NIC("extra")
			e.Outside.LoseNetwork(&nic)
			ch := addDisk(e, "more")
			ch.AddNICs, ch.Tags = []manifest.NIC{nic}, &[]string{"other"}
			if !e.failed() {
				e.missing("an interface on a network that is not there", e.tryReconfigure(ctx, ref, ch))
			}
			e.untouched(ctx, "a refused change", ref, before)
			e.sameVolumes("a refused change", volumes, e.volumes(ctx))
			return e.Err()
		},
	}}
}

// missing expects an error that says what the manifest names and is not there.
func (e *Env) missing(doing string, err error) {
	e.refused(doing, err, providers.NotFound)
	if providers.IsAbsent(err) {
		e.failf("%s: the error says that the VM is absent, not what is missing: %w", doing, err)
	}
}
