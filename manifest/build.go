package manifest

import (
	"fmt"
	"slices"
	"time"
)

const defaultShutdown = 60 * time.Second

// bootDisk is the name of the disk that a VM boots from, in plans and in the
// files of its provider.
const bootDisk = "root"

// draft is what comes of the documents of one candidate.
type draft struct {
	provider Key // zero when it is not known
	vm       *VM // nil when there are errors
	macs     []string
	errors   []Finding
	warnings []Finding
	needs    []*object
	missed   kindSet
}

func (d *draft) hold(f Finding) { d.errors = append(d.errors, f) }

// builder folds one VirtualMachine document into a VM.
type builder struct {
	*turn
	*draft
	doc  *Document
	spec *VirtualMachineSpec
	ns   string
	vm   *VM
}

// build resolves the documents of a candidate. More than one is an error, but
// what each says is looked at.
func (t *turn) build(docs []*Document) *draft {
	d := &draft{errors: duplicates(docs)}
	for _, doc := range docs {
		(&builder{turn: t, draft: d, doc: doc, ns: doc.Key.Namespace}).build()
	}
	return d
}

// build resolves one document. It goes on after a fault, so that all reasons
// are found at once.
func (b *builder) build() {
	doc := b.doc
	for _, f := range doc.Findings {
		if f.Severity == Error {
			b.hold(f)
		}
	}
	if !doc.Valid && !hasErrors(doc.Findings) { // the errors are beyond maxFindings
		b.hold(Finding{At: doc.At, Severity: Error, Kind: doc.Kind, Object: doc.Key, Message: "has errors that are not listed"})
	}
	object, ok := doc.Object.(*VirtualMachine)
	if !ok {
		return
	}
	b.spec = &object.Spec
	b.vm = &VM{
		Key: doc.Key, At: doc.At, Labels: object.Metadata.Labels, Annotations: object.Metadata.Annotations,
		Declared: slices.Clone(doc.declared),
	}
	b.runsOn()
	b.nics()
	if !doc.Valid {
		return
	}
	b.class()
	b.boot()
	b.disks()
	b.power()
	b.placement()
	b.cloudInit()
	b.vm.Tags = b.words.list(slices.Compact(slices.Sorted(slices.Values(b.spec.Tags))))
	slices.Sort(b.vm.Declared)
	b.vm.Declared = b.words.list(slices.Compact(b.vm.Declared))
	if len(b.errors) == 0 {
		b.vm.Digest = vmDigest(b.vm)
		b.draft.vm = b.vm
	}
}

// holdf holds the VM for what a field of its own document says.
func (b *builder) holdf(field, hint, format string, args ...any) {
	b.hold(b.doc.finding(Error, field, fmt.Sprintf(format, args...), hint))
}

// warnf warns about a field of a document behind the VM.
func (b *builder) warnf(doc *Document, field, hint, format string, args ...any) {
	b.warnings = append(b.warnings, doc.finding(Warning, field, fmt.Sprintf(format, args...), hint))
}

// refer looks a reference up, notes what the document behind it declares, and
// holds the VM when there is none.
func (b *builder) refer(field, kind string, key Key) *object {
	ob, reason := b.lookup(field, kind, key)
	if reason != nil {
		b.hold(*reason)
		return nil
	}
	b.vm.Declared = append(b.vm.Declared, ob.docs[0].declared...)
	return ob
}

func (b *builder) runsOn() {
	if b.spec.ProviderRef.Name == "" {
		return
	}
	key, reason := b.provider(b.spec.ProviderRef.In(b.ns))
	if reason != nil {
		b.hold(*reason)
		return
	}
	b.vm.Provider, b.draft.provider = key, key
}

// boot decides what the VM boots from.
func (b *builder) boot() {
	image, imported := b.spec.ImageRef, b.spec.ImportedDisk
	switch {
	case image != nil && imported != nil:
		b.holdf("spec.importedDisk", "keep one", "both imageRef and importedDisk are written")
	case imported != nil:
		b.vm.Imported = &ImportedDisk{
			ID: imported.DiskID, Path: imported.Path, Format: imported.Format, SizeGiB: int(imported.SizeGiB),
		}
	case image != nil:
		if ob := b.refer("spec.imageRef", KindVMImage, image.In(b.ns)); ob != nil {
			b.vm.Image = b.image(ob)
		}
	default:
		b.holdf("spec", "write one of them", "neither imageRef nor importedDisk is written")
	}
}

func (b *builder) disks() {
	if len(b.spec.Disks) == 0 {
		return
	}
	first := make(map[string]int)
	b.vm.Disks = make([]Disk, 0, len(b.spec.Disks))
	for i, d := range b.spec.Disks {
		field := fmt.Sprintf("spec.disks[%d].name", i)
		if before, twice := first[d.Name]; twice {
			b.holdf(field, "", "disk %q is written twice, before as spec.disks[%d]", d.Name, before)
		}
		first[d.Name] = i
		if d.Name == bootDisk {
			b.holdf(field, "name it otherwise", "%s is the name of the boot disk", bootDisk)
		}
		disk := Disk{
			Name: d.Name, SizeGiB: int(d.SizeGiB), Type: d.Type, ExpandOnline: d.ExpandPolicy == "Online",
			StorageClass: d.StorageClass,
		}
		if d.SCSI != nil {
			disk.SCSI = &SCSI{ControllerType: d.SCSI.ControllerType, SharedBus: d.SCSI.SharedBus}
			if d.SCSI.Controller != nil {
				disk.SCSI.Controller = int(*d.SCSI.Controller)
			}
		}
		b.vm.Disks = append(b.vm.Disks, disk)
	}
}

func (b *builder) power() {
	b.vm.Power, b.vm.Shutdown.Timeout = PowerOn, defaultShutdown
	switch b.spec.PowerState {
	case StateOff:
		b.vm.Power = PowerOff
	case StateOffGraceful:
		b.vm.Power, b.vm.Shutdown.Graceful = PowerOff, true
	}
	if b.spec.Lifecycle != nil {
		b.vm.Shutdown.Timeout = b.spec.Lifecycle.GracefulShutdownTimeout.Value()
	}
}

func (b *builder) placement() {
	if p := b.spec.Placement; p != nil {
		b.vm.Placement = Placement(*p)
	}
}
