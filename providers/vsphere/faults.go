package vsphere

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// faultKinds is what a fault means for the one who has to act, by the name of
// its type. Faults are a tree; one that is not here means what its parent
// means. What the root means is unknown: SystemError among them, which a
// vCenter says when it has nothing better to say.
var faultKinds = map[string]providers.Kind{
	// What is asked for can never work, or not here.
	"InvalidArgument":                   providers.InvalidSpec,
	"InvalidRequest":                    providers.InvalidSpec,
	"InvalidProperty":                   providers.InvalidSpec,
	"InvalidName":                       providers.InvalidSpec,
	"InvalidLocale":                     providers.InvalidSpec,
	"InvalidDatastore":                  providers.InvalidSpec,
	"InvalidFolder":                     providers.InvalidSpec,
	"VmConfigFault":                     providers.InvalidSpec,
	"FileNameTooLong":                   providers.InvalidSpec,
	"NotAFile":                          providers.InvalidSpec,
	"NotADirectory":                     providers.InvalidSpec,
	"IncorrectFileType":                 providers.InvalidSpec,
	"NoDiskFound":                       providers.InvalidSpec,
	"OutOfBounds":                       providers.InvalidSpec,
	"CustomizationFault":                providers.InvalidSpec,
	"DatacenterMismatch":                providers.InvalidSpec,
	"VmValidateMaxDevice":               providers.InvalidSpec,
	"OvfFault":                          providers.InvalidSpec,
	"NamespaceFull":                     providers.QuotaExceeded,
	"NotSupported":                      providers.NotSupported,
	"NotImplemented":                    providers.NotSupported,
	"MethodNotFound":                    providers.NotSupported,
	"RestrictedVersion":                 providers.NotSupported,
	"MigrationFault":                    providers.NotSupported,
	"OvfUnsupportedPackage":             providers.NotSupported,
	"UnsupportedVimApiVersion":          providers.NotSupported,
	"VirtualHardwareCompatibilityIssue": providers.NotSupported,
	"CpuHotPlugNotSupported":            providers.NotSupported,
	"MemoryHotPlugNotSupported":         providers.NotSupported,
	"DeviceHotPlugNotSupported":         providers.NotSupported,
	"DeviceUnsupportedForVmPlatform":    providers.NotSupported,
	"DeviceUnsupportedForVmVersion":     providers.NotSupported,
	"UnsupportedGuest":                  providers.NotSupported,
	"UnsupportedDatastore":              providers.NotSupported,
	"SnapshotFault":                     providers.NotSupported,
	"NoCompatibleHost":                  providers.NotSupported,

	// What is named is not there. What it is stands in Missing.
	"NotFound":       providers.NotFound,
	"FileNotFound":   providers.NotFound,
	"DeviceNotFound": providers.NotFound,

	// Who we are is not enough.
	"SecurityError":                          providers.Unauthorized,
	"InvalidLogin":                           providers.Unauthorized,
	"InvalidToken":                           providers.Unauthorized,
	"RestrictedByAdministrator":              providers.Unauthorized,
	"HostAccessRestrictedToManagementServer": providers.Unauthorized,
	"DvsNotAuthorized":                       providers.Unauthorized,

	// It is not as it was when it was planned for.
	"InvalidState":                providers.Conflict,
	"ConcurrentAccess":            providers.Conflict,
	"DuplicateName":               providers.Conflict,
	"AlreadyExists":               providers.Conflict,
	"AlreadyUpgraded":             providers.Conflict,
	"FileAlreadyExists":           providers.Conflict,
	"DirectoryNotEmpty":           providers.Conflict,
	"VmAlreadyExistsInDatacenter": providers.Conflict,

	// No room.
	"InsufficientResourcesFault":    providers.QuotaExceeded,
	"NoDiskSpace":                   providers.QuotaExceeded,
	"FileTooLarge":                  providers.QuotaExceeded,
	"LimitExceeded":                 providers.QuotaExceeded,
	"NotEnoughLicenses":             providers.QuotaExceeded,
	"InvalidLicense":                providers.QuotaExceeded,
	"LicenseAssignmentFailed":       providers.QuotaExceeded,
	"NoAvailableIp":                 providers.QuotaExceeded,
	"DestinationSwitchFull":         providers.QuotaExceeded,
	"TooManySnapshotLevels":         providers.QuotaExceeded,
	"TooManyConcurrentNativeClones": providers.Retryable,

	// It passes, or somebody else is at work.
	"TaskInProgress":                providers.Retryable,
	"VAppOperationInProgress":       providers.Retryable,
	"RequestCanceled":               providers.Retryable,
	"MethodDisabled":                providers.Retryable,
	"ResourceInUse":                 providers.Retryable,
	"ResourceNotAvailable":          providers.Retryable,
	"ToolsUnavailable":              providers.Retryable,
	"GuestOperationsFault":          providers.Retryable,
	"HostCommunication":             providers.Retryable, // one host of many: the vCenter is there
	"HostConnectFault":              providers.Retryable,
	"InvalidHostState":              providers.Retryable,
	"NoActiveHostInCluster":         providers.Retryable,
	"InvalidDatastoreState":         providers.Retryable,
	"InaccessibleDatastore":         providers.Retryable,
	"DatastoreNotWritableOnHost":    providers.Retryable,
	"NoConnectedDatastore":          providers.Retryable,
	"CannotAccessVmComponent":       providers.Retryable,
	"CannotAccessFile":              providers.Retryable,
	"FileLocked":                    providers.Retryable,
	"SnapshotLocked":                providers.Retryable,
	"ApplicationQuiesceFault":       providers.Retryable,
	"FilesystemQuiesceFault":        providers.Retryable,
	"VmToolsUpgradeFault":           providers.Retryable,
	"NetworkCopyFault":              providers.Retryable,
	"OvfConsumerCommunicationError": providers.Retryable,
	"DatabaseError":                 providers.Retryable,
	"InvalidCollectorVersion":       providers.Retryable, // of a stream of updates: begin anew
	"Timedout":                      providers.Timeout,
}

// faultKind returns the kind of a fault and, with NotFound, what is missing.
func faultKind(f types.BaseMethodFault) (kind providers.Kind, missing string) {
	switch f := f.(type) {
	case *types.ManagedObjectNotFound:
		return goneKind(f.Obj)
	case *types.InvalidArgument:
		if strings.HasSuffix(f.InvalidProperty, "instanceUuid") { // another VM has it
			return providers.Conflict, ""
		}
	}
	for _, name := range ancestry(f) {
		if kind, ok := faultKinds[name]; ok {
			return kind, missingThing(f, kind)
		}
	}
	return providers.Unrecognised, ""
}

// sessionBound are the types of objects that live no longer than the session
// that made them, or than what they are about.
var sessionBound = map[string]bool{
	"PropertyCollector": true, "PropertyFilter": true, "ContainerView": true, "ListView": true,
	"InventoryView": true, "HttpNfcLease": true, "Task": true, "TaskHistoryCollector": true,
}

// goneKind says what it means that an object that was there is not there now.
// That is never a VM's absence: it may have been registered anew.
func goneKind(ref types.ManagedObjectReference) (kind providers.Kind, missing string) {
	switch {
	case ref.Type == "VirtualMachine":
		return providers.Conflict, ""
	case sessionBound[ref.Type]:
		return providers.Retryable, ""
	}
	return providers.NotFound, ref.Type + " " + ref.Value
}

// missingThing names what a fault of kind NotFound misses.
func missingThing(f types.BaseMethodFault, kind providers.Kind) string {
	if kind != providers.NotFound {
		return ""
	}
	switch f := f.(type) {
	case *types.FileNotFound:
		return "file " + f.File
	case *types.DeviceNotFound:
		return "device " + f.Property
	}
	return "what the request refers to"
}

// ancestry returns the name of the fault's type and those of its parents, the
// nearest first: the first field of the type is its parent.
func ancestry(f types.BaseMethodFault) []string {
	var names []string
	t := reflect.TypeOf(f)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for t != nil && t.Kind() == reflect.Struct {
		names = append(names, t.Name())
		if t.NumField() == 0 || !t.Field(0).Anonymous {
			break
		}
		t = t.Field(0).Type
	}
	return names
}
