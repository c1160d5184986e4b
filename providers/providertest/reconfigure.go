package providertest

import (
	"context"
	"errors"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func reconfigureChecks() []Check {
	return []Check{{
		"reconfigure-nothing-changes-nothing", "Reconfigure with an empty change succeeds and changes nothing.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.running(ctx, "a")
			e.reconfigure(ctx, ref, providers.Change{})
			e.reconfigure(ctx, ref, providers.Change{Live: true})
			e.untouched(ctx, "an empty change", ref, before)
			return e.Err()
		},
	}, {
		"reconfigure-several-at-once", "Reconfigure applies all the fields that are set, and only those.", reconfigureSeveral,
	}, {
		"reconfigure-clears-retired", "Retired set to the zero time brings the VM back in use.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.made(ctx, "a")
			since, never := time.Unix(1700000000, 0), time.Time{}
			e.reconfigure(ctx, ref, providers.Change{Retired: &since})
			if vm := e.describe(ctx, ref); !e.failed() && (vm.Mark == nil || !vm.Mark.Retired.Equal(since)) {
				e.failf("the mark of a retired VM is %+v", vm.Mark)
			}
			e.reconfigure(ctx, ref, providers.Change{Retired: &never})
			e.untouched(ctx, "retiring and bringing back", ref, before)
			return e.Err()
		},
	}, {
		"reconfigure-keeps-addresses", "An interface keeps its address when it is replaced by one of its name that states none.",
		reconfigureKeepsMAC,
	}, {
		"disks-do-not-shrink", "A disk size below the present one is InvalidSpec, and the disk stays as it is.",
		func(ctx context.Context, e *Env) error {
			if !e.need(e.changeable(providers.FieldDiskSize), "ability to grow disks") {
				return e.Err()
			}
			ref, _ := e.made(ctx, "a")
			e.reconfigure(ctx, ref, providers.Change{GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 3}}})
			before := e.describe(ctx, ref)
			if !e.failed() {
				err := e.tryReconfigure(ctx, ref, providers.Change{GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 2}}})
				e.refused("shrinking a disk", err, providers.InvalidSpec)
			}
			e.untouched(ctx, "a refused shrink", ref, before)
			return e.Err()
		},
	}, {
		"growing-an-unknown-disk-is-refused", "A disk that the VM does not have is not grown, and the error does not say that the VM is absent.",
		func(ctx context.Context, e *Env) error {
			if !e.need(e.changeable(providers.FieldDiskSize), "ability to grow disks") {
				return e.Err()
			}
			ref, before := e.made(ctx, "a")
			if !e.failed() {
				err := e.tryReconfigure(ctx, ref, providers.Change{GrowDisks: []providers.DiskSize{{Name: "nosuch", SizeGiB: 9}}})
				e.refused("growing a disk that is not there", err, providers.NotFound, providers.InvalidSpec)
				if providers.IsAbsent(err) {
					e.failf("the error says that the VM is absent: %w", err)
				}
			}
			e.untouched(ctx, "a refused change", ref, before)
			return e.Err()
		},
	}, {
		"reconfigure-of-absent-is-not-found", "Reconfigure of a VM that is not there is NotFound.",
		func(ctx context.Context, e *Env) error {
			ref := providers.Ref{Owner: e.owner(ctx, "never")}
			if err := e.tryReconfigure(ctx, ref, providers.Change{Tags: &[]string{"a"}}); !e.failed() && !providers.IsAbsent(err) {
				e.failf("reconfigure of a VM that is not there: %w", orNone(err))
			}
			return e.Err()
		},
	}}
}

// orNone gives a missing error words.
func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

func reconfigureSeveral(ctx context.Context, e *Env) error {
	ref, before := e.made(ctx, "a")
	if e.failed() {
		return e.Err()
	}
	ch := providers.Change{}
	want := map[string]string{}
	except := []string{"config.cpuMax"}
	for _, a := range alterations() {
		if a.offOnly || e.can(a.field) == providers.Never || a.name == "no-tags" || a.field == providers.FieldNIC || a.elsewhere {
			continue
		}
		one, facts := a.change(e, before)
		merge(&ch, one)
		at := "config."
		if a.property {
			at = ""
		}
		for path, value := range facts {
			want[at+path] = value
			except = append(except, at+path)
		}
		for _, more := range a.may {
			except = append(except, at+more)
		}
	}
	e.reconfigure(ctx, ref, ch)
	after := e.describe(ctx, ref)
	e.holds("several changes at once", factsOf(after), want)
	e.unchanged("several changes, beyond what was asked,", before, after, except...)
	return e.Err()
}

// merge adds the fields of one change to another.
func merge(into *providers.Change, ch providers.Change) {
	if ch.CPU != nil {
		into.CPU = ch.CPU
	}
	if ch.MemoryMiB != nil {
		into.MemoryMiB = ch.MemoryMiB
	}
	if ch.Tags != nil {
		into.Tags = ch.Tags
	}
	if ch.Autostart != nil {
		into.Autostart = ch.Autostart
	}
	if ch.Retired != nil {
		into.Retired = ch.Retired
	}
	into.AddDisks = append(into.AddDisks, ch.AddDisks...)
	into.GrowDisks = append(into.GrowDisks, ch.GrowDisks...)
}

func reconfigureKeepsMAC(ctx context.Context, e *Env) error {
	if !e.need(e.can(providers.FieldNIC) != providers.Never, "ability to change interfaces") {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	want := e.wanted(o)
	nic := e.NIC("stated")
	nic.MAC = o.MAC("52:54:00", "stated")[:15] + "77"
	if len(want.NICs) > 0 && want.NICs[0].MAC != "" {
		nic.MAC = want.NICs[0].MAC[:15] + "77"
	}
	want.NICs = append(want.NICs, nic)
	ref := e.create(ctx, o, want)
	before := e.describe(ctx, ref)
	e.matchNICs(want, before)
	e.reconfigure(ctx, ref, providers.Change{AddNICs: []manifest.NIC{e.NIC("stated")}})
	e.untouched(ctx, "replacing an interface by one that states no address", ref, before)
	return e.Err()
}
