package seed

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// Wanted reads the request of a creation as a VM of that namespace, for a type
// of provider. What the request says and no provider could act on is in the
// remarks. An error is of kind InvalidSpec, or NotSupported for what must not
// be left out.
func Wanted(kind, namespace string, req *pb.CreateRequest) (*manifest.VM, []Remark, error) {
	r := reader{kind: kind, vm: &manifest.VM{
		Key:   manifest.Key{Namespace: namespace, Name: req.GetName()},
		Power: manifest.PowerOff,
	}}
	r.add(r.name(req.GetName()))
	r.class(req.GetClassJson())
	r.image(req.GetImageJson())
	r.networks(req.GetNetworksJson())
	r.disks(req.GetDisksJson())
	r.placement(req.GetPlacementJson())
	r.firstBoot(req.GetUserData(), req.GetMetaData())
	r.vm.Tags = slices.Compact(slices.Sorted(slices.Values(req.GetTags())))
	slices.Sort(r.vm.Declared)
	r.vm.Declared = slices.Compact(r.vm.Declared)
	if err := errors.Join(r.errs...); err != nil {
		return nil, r.remarks, &providers.Error{Op: "create", Subject: r.vm.Key.String(), Kind: r.fault, Err: err}
	}
	r.vm.Digest = digest(req)
	return r.vm, r.remarks, nil
}

// reader folds the texts of one creation into a VM, and goes on after a fault
// so that all are found at once.
type reader struct {
	vm      *manifest.VM
	remarks []Remark
	kind    string // type of the provider
	errs    []error
	fault   providers.Kind // of the errors
}

func (r *reader) add(err error) {
	if err != nil {
		r.errs, r.fault = append(r.errs, err), providers.InvalidSpec
	}
}

func (r *reader) faultf(format string, args ...any) { r.add(fmt.Errorf(format, args...)) }

func (r *reader) decode(field, text string, v any) bool {
	remarks, err := decode(field, text, v)
	r.remarks = append(r.remarks, remarks...)
	r.add(err)
	return err == nil
}

// passOver remarks on what is said and not the same as saying nothing.
func (r *reader) passOver(field, said string, nothing ...string) {
	if said != "" && !slices.Contains(nothing, said) {
		r.remarks = append(r.remarks, Remark{field, "has no effect"})
	}
}

func (r *reader) declare(path string, when bool) {
	if when {
		r.vm.Declared = append(r.vm.Declared, path)
	}
}

func (r *reader) name(name string) error {
	switch {
	case name == "":
		return errors.New("name is empty")
	case len(name) > 253 || strings.ContainsAny(name, "/\x00\n"):
		return errors.New("name is no name of a VM")
	}
	return nil
}

func (r *reader) class(text string) {
	var c Class
	if !r.decode("class_json", text, &c) {
		return
	}
	if c.CPU < 1 {
		r.faultf("class_json.CPU is %d", c.CPU)
	}
	if c.MemoryMiB < 1 {
		r.faultf("class_json.MemoryMiB is %d", c.MemoryMiB)
	}
	vm := r.vm
	vm.CPU, vm.MemoryMiB = int(c.CPU), int64(c.MemoryMiB)
	r.declare("VMClass.spec.cpu", true)
	r.declare("VMClass.spec.memory", true)
	r.security(c.SecurityProfile)
	r.firmware(c.Firmware)
	r.performance(c.PerformanceProfile)
	r.limits(c.ResourceLimits)
	if d := c.DiskDefaults; d != nil {
		if d.SizeGiB < 0 {
			r.faultf("class_json.DiskDefaults.SizeGiB is %d", d.SizeGiB)
		}
		vm.RootDisk = manifest.RootDisk{SizeGiB: int(d.SizeGiB), Type: d.Type}
		r.declare("VMClass.spec.diskDefaults.size", d.SizeGiB > 0)
		r.declare("VMClass.spec.diskDefaults.type", d.Type != "")
	}
	if len(c.ExtraConfig) > 0 {
		vm.ExtraConfig = c.ExtraConfig
		r.declare("VMClass.spec.extraConfig", true)
	}
	if on, err := strconv.ParseBool(c.ExtraConfig["autostart"]); err == nil {
		vm.Autostart = &on
	}
	r.passOver("class_json.GuestToolsPolicy", c.GuestToolsPolicy, "install")
}

func (r *reader) firmware(name string) {
	switch strings.ToUpper(name) {
	case "":
		if r.vm.SecureBoot {
			r.vm.Firmware = manifest.FirmwareUEFI
		} else {
			r.vm.Firmware = manifest.FirmwareBIOS
		}
		return
	case "BIOS":
		r.vm.Firmware = manifest.FirmwareBIOS
	case "UEFI", "EFI":
		r.vm.Firmware = manifest.FirmwareUEFI
	default:
		r.faultf("class_json.Firmware is neither BIOS nor UEFI")
	}
	if r.vm.SecureBoot { // which a class asks for while its firmware is the default
		r.vm.Firmware = manifest.FirmwareUEFI
	}
	r.declare("VMClass.spec.firmware", true)
}

// performance declares what is on: the texts say off for what nobody wrote.
func (r *reader) performance(p *PerformanceProfile) {
	if p == nil {
		return
	}
	vm := r.vm
	vm.CPUHotAdd, vm.MemHotAdd = p.CPUHotAddEnabled, p.MemoryHotAddEnabled
	vm.VBS, vm.NestedVirt = p.VirtualizationBasedSecurity, p.NestedVirtualization
	r.declare("VMClass.spec.performanceProfile.cpuHotAddEnabled", vm.CPUHotAdd)
	r.declare("VMClass.spec.performanceProfile.memoryHotAddEnabled", vm.MemHotAdd)
	r.declare("VMClass.spec.performanceProfile.virtualizationBasedSecurity", vm.VBS)
	r.declare("VMClass.spec.performanceProfile.nestedVirtualization", vm.NestedVirt)
	r.passOver("class_json.PerformanceProfile.LatencySensitivity", p.LatencySensitivity, "normal")
	r.passOver("class_json.PerformanceProfile.HyperThreadingPolicy", p.HyperThreadingPolicy, "auto")
}

func (r *reader) security(s *SecurityProfile) {
	if s == nil {
		return
	}
	vm := r.vm
	vm.SecureBoot, vm.TPM, vm.VTd = s.SecureBoot, s.TPMEnabled, s.VTDEnabled
	r.declare("VMClass.spec.securityProfile.secureBoot", vm.SecureBoot)
	r.declare("VMClass.spec.securityProfile.tpmEnabled", vm.TPM)
	r.declare("VMClass.spec.securityProfile.vtdEnabled", vm.VTd)
	if s.TPMEnabled {
		r.passOver("class_json.SecurityProfile.TPMVersion", s.TPMVersion, "2.0")
	}
	switch {
	case s.RequireEncryption:
		r.faultf("class_json.SecurityProfile.RequireEncryption: no VM is encrypted here")
		r.fault = providers.NotSupported
	case s.EncryptionEnabled:
		r.passOver("class_json.SecurityProfile.EncryptionEnabled", "true")
	}
}

func (r *reader) limits(l *ResourceLimits) {
	if l == nil {
		return
	}
	r.vm.Limits = manifest.Limits{
		CPULimitMHz: widen[int](l.CPULimit), CPUReservationMHz: widen[int](l.CPUReservation), CPUShares: widen[int](l.CPUShares),
		MemoryLimitMiB: widen[int64](l.MemoryLimitMiB), MemoryReservationMiB: widen[int64](l.MemoryReservationMiB),
	}
	r.declare("VMClass.spec.resourceLimits.cpuLimit", l.CPULimit != nil)
	r.declare("VMClass.spec.resourceLimits.cpuReservation", l.CPUReservation != nil)
	r.declare("VMClass.spec.resourceLimits.cpuShares", l.CPUShares != nil)
	r.declare("VMClass.spec.resourceLimits.memoryLimit", l.MemoryLimitMiB != nil)
	r.declare("VMClass.spec.resourceLimits.memoryReservation", l.MemoryReservationMiB != nil)
}

func widen[N int | int64](n *int32) *N {
	if n == nil {
		return nil
	}
	return new(N(*n))
}

func (r *reader) placement(text string) {
	var at Placement
	if r.decode("placement_json", text, &at) {
		r.vm.Placement = manifest.Placement{
			Datastore: at.Datastore, StoragePod: at.StoragePod, Cluster: at.Cluster, Folder: at.Folder, Host: at.Host,
		}
	}
	for path, name := range map[string]string{
		"datastore": at.Datastore, "storagePod": at.StoragePod, "cluster": at.Cluster, "folder": at.Folder, "host": at.Host,
	} {
		r.declare("VirtualMachine.spec.placement."+path, name != "")
	}
}

func (r *reader) firstBoot(user, meta []byte) {
	if string(user) == nothingToDo {
		user = nil
	}
	ci := &r.vm.CloudInit
	ci.UserData, ci.MetaData = secret.New(string(user)), secret.New(string(meta))
	r.declare("VirtualMachine.spec.userData.cloudInit.inline", len(user) > 0)
	r.declare("VirtualMachine.spec.metaData.cloudInit.inline", len(meta) > 0)
	if !ci.Empty() {
		ci.Digest = hash("cloud-init", string(user), string(meta))
	}
}
