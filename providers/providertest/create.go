package providertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func validateChecks() []Check {
	return []Check{{
		"validate-succeeds", "Validate succeeds on an endpoint that works.",
		func(ctx context.Context, e *Env) error {
			e.ok("validate", e.call(ctx, e.P.Validate))
			return e.Err()
		},
	}, {
		"validate-changes-nothing", "Validate changes nothing.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.made(ctx, "a")
			volumes := e.volumes(ctx)
			e.ok("validate", e.call(ctx, e.P.Validate))
			e.untouched(ctx, "validate", ref, before)
			e.sameVolumes("validate", volumes, e.volumes(ctx))
			return e.Err()
		},
	}}
}

func createChecks() []Check {
	return []Check{{
		"create-makes-what-is-wanted", "Create makes the VM powered off, with its mark and exactly the wanted hardware.", createWanted,
	}, {
		"create-twice-is-once", "Create of what exists and is ours returns its id and changes nothing.", createTwice,
	}, {
		"create-keeps-changes", "Create does not bring an existing VM back to the manifest: that is for Reconfigure.", createKeeps,
	}, {
		"create-reads-only", "Create does not alter the request.", createReadsOnly,
	}, {
		"create-respects-strangers", "A VM of the wanted name without our mark is a Conflict and stays as it is.", createStranger,
	}, {
		"create-many-at-once", "Create of different VMs may run at the same time.", createMany,
	}, {
		"create-same-at-once", "Create of one VM from many callers makes one VM.", createSame,
	}, {
		"create-names-what-is-missing", "An image that is not there is NotFound with Missing set, and nothing is left behind.", createMissing,
	}, {
		"secrets-do-not-print", "First-boot data appears in no description and no error.", createSecret,
	}}
}

func createWanted(ctx context.Context, e *Env) error {
	o := e.owner(ctx, "a")
	want := e.wanted(o)
	want.NICs = append(want.NICs, e.NIC("second"))
	want.CloudInit.Digest = "sha256:first-boot"
	ref := e.create(ctx, o, want)
	got := e.describe(ctx, ref)
	e.matches(want, o, got)
	return e.Err()
}

// matches expects a VM to be what a manifest wants, just made, as far as the
// provider observes it.
func (e *Env) matches(want *manifest.VM, o providers.Owner, got *providers.VM) {
	e.holds("created VM", factsOf(got), map[string]string{
		"power": string(providers.Off), "name": "*", "id": "*",
		"mark.owner": o.String(), "mark.retired": "", "mark.cloudInit": want.CloudInit.Digest,
	})
	if want.Image != nil && got.Mark != nil && got.Mark.Image != want.Image.Digest {
		e.failf("the mark says image %q, want %q", got.Mark.Image, want.Image.Digest)
	}
	if got.Running != nil {
		e.failf("a VM that is off has running hardware")
	}
	shape := map[string]string{}
	for field, fact := range map[providers.Field][2]string{
		providers.FieldCPU:      {"config.cpu", fmt.Sprint(want.CPU)},
		providers.FieldMemory:   {"config.memory", fmt.Sprint(want.MemoryMiB)},
		providers.FieldFirmware: {"config.firmware", string(want.Firmware)},
		providers.FieldTags:     {"tags", fmt.Sprint(want.Tags)},
	} {
		if e.observes(field) && fact[1] != "" {
			shape[fact[0]] = fact[1]
		}
	}
	e.holds("created VM", factsOf(got), shape)
	e.matchDisks(want, got)
	e.matchNICs(want, got)
}

// matchDisks expects the root disk and the wanted ones, and no others.
func (e *Env) matchDisks(want *manifest.VM, got *providers.VM) {
	if !e.observes(providers.FieldDisk) {
		return
	}
	sizes := map[string]int{providers.RootDiskName: want.RootDisk.SizeGiB}
	for _, d := range want.Disks {
		sizes[d.Name] = d.SizeGiB
	}
	if !got.Config.DisksKnown || len(got.Config.Disks) != len(sizes) {
		e.failf("disks are %+v, want %v", got.Config.Disks, sizes)
	}
	for _, d := range got.Config.Disks {
		size, named := sizes[d.Name]
		if !named || size > 0 && d.SizeGiB.Value != size {
			e.failf("disk %q is %d GiB, want %v", d.Name, d.SizeGiB.Value, sizes)
		}
	}
}

// matchNICs expects the wanted interfaces, and no others, with addresses that
// the mark remembers.
func (e *Env) matchNICs(want *manifest.VM, got *providers.VM) {
	if !e.observes(providers.FieldNIC) {
		return
	}
	if !got.Config.NICsKnown || len(got.Config.NICs) != len(want.NICs) {
		e.failf("interfaces are %+v, want %d", got.Config.NICs, len(want.NICs))
	}
	all := factsOf(got)
	for _, n := range want.NICs {
		at := "config.nics[" + n.Name + "]"
		shape := map[string]string{at + ".mac": "*"}
		if n.MAC != "" {
			shape[at+".mac"] = n.MAC
		}
		network, model := e.stated().NIC.Of(n)
		for path, value := range map[string]string{at + ".network": network, at + ".model": model} {
			if value != "" {
				shape[path] = value
			}
		}
		if e.observes(providers.FieldNICMAC) {
			shape["mark.macs["+n.Name+"]"] = all[at+".mac"]
		}
		e.holds("created VM", all, shape)
	}
}

func createTwice(ctx context.Context, e *Env) error {
	ref, before := e.made(ctx, "a")
	volumes := e.volumes(ctx)
	again := e.create(ctx, ref.Owner, e.wanted(ref.Owner))
	if again.ID != ref.ID {
		e.failf("the second create returned id %q, the first %q", again.ID, ref.ID)
	}
	e.untouched(ctx, "the second create", ref, before)
	e.sameVolumes("the second create", volumes, e.volumes(ctx))
	e.onlyOne(ctx, ref.Owner)
	return e.Err()
}

func createKeeps(ctx context.Context, e *Env) error {
	ref, _ := e.running(ctx, "a")
	before := e.describe(ctx, ref)
	other := e.wanted(ref.Owner)
	other.CPU, other.Tags = other.CPU+1, []string{"other"}
	e.create(ctx, ref.Owner, other)
	e.untouched(ctx, "create with another manifest", ref, before)
	return e.Err()
}

func createReadsOnly(ctx context.Context, e *Env) error {
	o := e.owner(ctx, "a")
	request, same := e.wanted(o), e.wanted(o)
	e.create(ctx, o, request)
	if !reflect.DeepEqual(request, same) {
		e.failf("create altered the manifest that it was given")
	}
	return e.Err()
}

func createStranger(ctx context.Context, e *Env) error {
	ref, vm := e.made(ctx, "a")
	e.delete(ctx, ref)
	stranger := providers.Ref{ID: e.foreign(ctx, vm.Name), Owner: ref.Owner}
	before, volumes := e.describe(ctx, stranger), e.volumes(ctx)
	if e.failed() {
		return e.Err()
	}
	_, err := e.P.Create(ctx, providers.CreateRequest{Owner: ref.Owner, VM: e.wanted(ref.Owner)})
	e.refused("create beside a stranger of that name", err, providers.Conflict)
	e.untouched(ctx, "create", stranger, before)
	e.sameVolumes("the refused create", volumes, e.volumes(ctx))
	return e.Err()
}

// onlyOne expects one VM with the owner's mark.
func (e *Env) onlyOne(ctx context.Context, o providers.Owner) {
	if _, lists := providers.As[providers.Lister](e.P); !lists || e.failed() {
		return
	}
	var ids []string
	for _, vm := range e.list(ctx).VMs {
		if vm.Mark != nil && vm.Mark.Owner == o {
			ids = append(ids, vm.ID)
		}
	}
	if len(ids) != 1 {
		e.failf("%d VMs carry the mark of %s, want 1: %v", len(ids), o, ids)
	}
}

// atOnce runs a creation for each owner at the same time and returns ids and
// errors in the owners' order.
func (e *Env) atOnce(ctx context.Context, owners []providers.Owner) (ids []string, errs []error) {
	ids, errs = make([]string, len(owners)), make([]error, len(owners))
	var all sync.WaitGroup
	for i, o := range owners {
		all.Go(func() {
			var res providers.CreateResult
			err := e.call(ctx, func(ctx context.Context) (err error) {
				res, err = e.P.Create(ctx, providers.CreateRequest{Owner: o, VM: e.wanted(o)})
				return err
			})
			if err == nil {
				err = e.wait(ctx, res.Task)
			}
			ids[i], errs[i] = res.ID, err
		})
	}
	all.Wait()
	return ids, errs
}

const crowd = 8 // callers at once

func createMany(ctx context.Context, e *Env) error {
	var owners []providers.Owner
	for i := range crowd {
		owners = append(owners, e.owner(ctx, fmt.Sprint(i)))
	}
	if e.failed() {
		return e.Err()
	}
	ids, errs := e.atOnce(ctx, owners)
	e.ok("create at the same time", errors.Join(errs...))
	for i, o := range owners {
		e.matches(e.wanted(o), o, e.describe(ctx, providers.Ref{ID: ids[i], Owner: o}))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != crowd {
		e.failf("%d different VMs have the ids %v", crowd, ids)
	}
	return e.Err()
}

func createSame(ctx context.Context, e *Env) error {
	o := e.owner(ctx, "a")
	if e.failed() {
		return e.Err()
	}
	ids, errs := e.atOnce(ctx, slices.Repeat([]providers.Owner{o}, crowd))
	for _, err := range errs {
		if err != nil {
			e.refused("one of many creates", err, providers.Retryable)
		}
	}
	ref := e.create(ctx, o, e.wanted(o))
	for i, id := range ids {
		if errs[i] == nil && id != ref.ID {
			e.failf("the same VM was returned as %q and %q", id, ref.ID)
		}
	}
	e.onlyOne(ctx, o)
	e.matches(e.wanted(o), o, e.describe(ctx, ref))
	return e.Err()
}

func createMissing(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.LoseImage != nil, "LoseImage hook") {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	volumes, want := e.volumes(ctx), e.wanted(o)
	e.Outside.LoseImage(want)
	_, err := e.P.Create(ctx, providers.CreateRequest{Owner: o, VM: want})
	e.refused("create from an image that is not there", err, providers.NotFound)
	if providers.IsAbsent(err) {
		e.failf("the error says that the VM is absent, not what is missing: %w", err)
	}
	e.gone(ctx, providers.Ref{Owner: o})
	e.sameVolumes("the refused create", volumes, e.volumes(ctx))
	return e.Err()
}

func createSecret(ctx context.Context, e *Env) error {
	const canary = "hunter2-canary"
	ref, vm := e.made(ctx, "a")
	e.delete(ctx, ref)
	want := e.wanted(ref.Owner)
	want.CloudInit = manifest.CloudInit{UserData: secret.New("#cloud-config\n# " + canary), Digest: "sha256:canary"}
	printed := fmt.Sprintf("%+v", *e.describe(ctx, e.create(ctx, ref.Owner, want)))
	e.delete(ctx, ref)
	if !e.failed() && e.Outside.Foreign != nil {
		e.foreign(ctx, vm.Name)
		_, err := e.P.Create(ctx, providers.CreateRequest{Owner: ref.Owner, VM: want})
		printed += fmt.Sprint(err)
	}
	if strings.Contains(printed, canary) {
		e.failf("the first-boot data is printed")
	}
	return e.Err()
}
