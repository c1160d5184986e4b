package vsphere

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// faultRows say what each fault means, for each entry of the table and for
// what inherits from it and is met in practice.
var faultRows = []struct {
	name   string
	kind   providers.Kind
	reason string
}{
	{"InvalidArgument", providers.InvalidSpec, "a value that can never be"},
	{"InvalidRequest", providers.InvalidSpec, "a request that is none"},
	{"InvalidType", providers.InvalidSpec, "it is an invalid request"},
	{"InvalidProperty", providers.InvalidSpec, "a property that the object does not have"},
	{"InvalidName", providers.InvalidSpec, "a name that cannot be used"},
	{"InvalidLocale", providers.InvalidSpec, "a language that the server does not have"},
	{"InvalidDatastore", providers.InvalidSpec, "a datastore that cannot be used"},
	{"InvalidDatastorePath", providers.InvalidSpec, "a path that is none"},
	{"InvalidFolder", providers.InvalidSpec, "a folder that cannot hold it"},
	{"VmConfigFault", providers.InvalidSpec, "a machine that cannot be"},
	{"InvalidVmConfig", providers.InvalidSpec, "a machine that cannot be"},
	{"InvalidDeviceSpec", providers.InvalidSpec, "a device that cannot be"},
	{"InvalidDeviceBacking", providers.InvalidSpec, "a device on what cannot carry it"},
	{"InvalidDeviceOperation", providers.InvalidSpec, "a disk made smaller"},
	{"InvalidController", providers.InvalidSpec, "a device on no controller"},
	{"MissingController", providers.InvalidSpec, "a device on no controller"},
	{"TooManyDevices", providers.InvalidSpec, "more devices than a machine has room for"},
	{"CannotUseNetwork", providers.InvalidSpec, "a network that is not for this host"},
	{"FileNameTooLong", providers.InvalidSpec, "a name that no file can have"},
	{"NotAFile", providers.InvalidSpec, "a path that leads elsewhere"},
	{"NotADirectory", providers.InvalidSpec, "a path that leads elsewhere"},
	{"IncorrectFileType", providers.InvalidSpec, "a file of another kind"},
	{"NoDiskFound", providers.InvalidSpec, "a machine without a disk"},
	{"OutOfBounds", providers.InvalidSpec, "a number that is too large"},
	{"CustomizationFault", providers.InvalidSpec, "a guest that cannot be customised so"},
	{"DatacenterMismatch", providers.InvalidSpec, "things of two datacenters"},
	{"VmValidateMaxDevice", providers.InvalidSpec, "more devices than a machine has room for"},
	{"OvfFault", providers.InvalidSpec, "an image that cannot be read"},
	{"OvfInvalidPackage", providers.InvalidSpec, "an image that cannot be read"},
	{"NotSupported", providers.NotSupported, "it cannot be done here"},
	{"NotImplemented", providers.NotSupported, "it cannot be done here"},
	{"MethodNotFound", providers.NotSupported, "this server is too old for it"},
	{"RestrictedVersion", providers.NotSupported, "the licence does not have it"},
	{"MigrationFault", providers.NotSupported, "what is cloned cannot be moved there"},
	{"CloneFromSnapshotNotSupported", providers.NotSupported, "no linked clone here"},
	{"OvfUnsupportedPackage", providers.NotSupported, "an image with hardware that the host does not have"},
	{"UnsupportedVimApiVersion", providers.NotSupported, "this server is too old for us"},
	{"VirtualHardwareCompatibilityIssue", providers.NotSupported, "hardware that the host does not have"},
	{"NotEnoughCpus", providers.NotSupported, "more CPUs than any host has"},
	{"MemorySizeNotSupported", providers.NotSupported, "more memory than the hardware version has"},
	{"VirtualHardwareVersionNotSupported", providers.NotSupported, "a hardware version that the host does not know"},
	{"CpuHotPlugNotSupported", providers.NotSupported, "no CPU while it runs"},
	{"MemoryHotPlugNotSupported", providers.NotSupported, "no memory while it runs"},
	{"DeviceHotPlugNotSupported", providers.NotSupported, "no device while it runs"},
	{"DeviceUnsupportedForVmPlatform", providers.NotSupported, "a device that the platform does not have"},
	{"DeviceUnsupportedForVmVersion", providers.NotSupported, "a device that the hardware version does not have"},
	{"UnsupportedGuest", providers.NotSupported, "a guest that the host does not know"},
	{"UnsupportedDatastore", providers.NotSupported, "a datastore that cannot hold it"},
	{"SnapshotFault", providers.NotSupported, "no snapshot of this machine"},
	{"NoCompatibleHost", providers.NotSupported, "no host for this machine"},

	{"NotFound", providers.NotFound, "what is named is not there"},
	{"FileNotFound", providers.NotFound, "a disk is not there"},
	{"DeviceNotFound", providers.NotFound, "a device is not there"},
	{"ManagedObjectNotFound", providers.NotFound, "a folder that is gone"},

	{"SecurityError", providers.Unauthorized, "we may not"},
	{"NoPermission", providers.Unauthorized, "we may not"},
	{"NotAuthenticated", providers.Unauthorized, "we are nobody"},
	{"InvalidLogin", providers.Unauthorized, "we are somebody else"},
	{"PasswordExpired", providers.Unauthorized, "the account needs care"},
	{"InvalidToken", providers.Unauthorized, "the proof of who we are has run out"},
	{"RestrictedByAdministrator", providers.Unauthorized, "somebody forbade it"},
	{"HostAccessRestrictedToManagementServer", providers.Unauthorized, "the host is managed by a vCenter, which is to be asked"},
	{"DvsNotAuthorized", providers.Unauthorized, "the switch is another's"},

	{"InvalidState", providers.Conflict, "it is not in the state that was seen"},
	{"InvalidPowerState", providers.Conflict, "it is not on, or not off"},
	{"InvalidVmState", providers.Conflict, "it is not in the state that was seen"},
	{"QuestionPending", providers.Conflict, "it waits for an answer of a person"},
	{"ConcurrentAccess", providers.Conflict, "another was faster"},
	{"DuplicateName", providers.Conflict, "somebody else has the name"},
	{"AlreadyExists", providers.Conflict, "somebody else has made it"},
	{"AlreadyUpgraded", providers.Conflict, "somebody else has done it"},
	{"FileAlreadyExists", providers.Conflict, "somebody else has the file"},
	{"DirectoryNotEmpty", providers.Conflict, "somebody else has files there"},
	{"VmAlreadyExistsInDatacenter", providers.Conflict, "somebody else has it"},

	{"InsufficientResourcesFault", providers.QuotaExceeded, "no room in the pool"},
	{"InsufficientMemoryResourcesFault", providers.QuotaExceeded, "no memory in the pool"},
	{"InsufficientFailoverResourcesFault", providers.QuotaExceeded, "no room if a host fails"},
	{"InsufficientStorageSpace", providers.QuotaExceeded, "no room in the storage pod"},
	{"NoDiskSpace", providers.QuotaExceeded, "no room on the datastore"},
	{"FileTooLarge", providers.QuotaExceeded, "no room for so large a disk"},
	{"LimitExceeded", providers.QuotaExceeded, "a limit is reached"},
	{"NotEnoughLicenses", providers.QuotaExceeded, "a licence is needed"},
	{"LicenseExpired", providers.QuotaExceeded, "a licence is needed"},
	{"InvalidLicense", providers.QuotaExceeded, "a licence is needed"},
	{"LicenseAssignmentFailed", providers.QuotaExceeded, "a licence is needed"},
	{"NoAvailableIp", providers.QuotaExceeded, "no address is left"},
	{"DestinationSwitchFull", providers.QuotaExceeded, "no port is left"},
	{"TooManySnapshotLevels", providers.QuotaExceeded, "no room for another snapshot"},
	{"NamespaceFull", providers.QuotaExceeded, "no room"},

	{"TaskInProgress", providers.Retryable, "somebody is at work on it"},
	{"VAppOperationInProgress", providers.Retryable, "somebody is at work on it"},
	{"RequestCanceled", providers.Retryable, "somebody ended the task"},
	{"MethodDisabled", providers.Retryable, "a backup is at work on it"},
	{"ResourceInUse", providers.Retryable, "somebody uses it"},
	{"ResourceNotAvailable", providers.Retryable, "somebody uses it"},
	{"ToolsUnavailable", providers.Retryable, "the guest is not up yet"},
	{"GuestOperationsFault", providers.Retryable, "the guest is not up yet"},
	{"HostCommunication", providers.Retryable, "one host is not there"},
	{"HostNotConnected", providers.Retryable, "one host is not there"},
	{"HostNotReachable", providers.Retryable, "one host is not there"},
	{"HostConnectFault", providers.Retryable, "one host is not there"},
	{"InvalidHostState", providers.Retryable, "one host is in maintenance"},
	{"InvalidHostConnectionState", providers.Retryable, "one host is not there"},
	{"NoActiveHostInCluster", providers.Retryable, "no host is there at the moment"},
	{"InvalidDatastoreState", providers.Retryable, "the datastore is in maintenance"},
	{"InaccessibleDatastore", providers.Retryable, "the datastore is not there at the moment"},
	{"DatastoreNotWritableOnHost", providers.Retryable, "the datastore is not there at the moment"},
	{"NoConnectedDatastore", providers.Retryable, "the datastore is not there at the moment"},
	{"CannotAccessVmComponent", providers.Retryable, "the datastore is not there at the moment"},
	{"CannotAccessVmDisk", providers.Retryable, "the datastore is not there at the moment"},
	{"CannotAccessNetwork", providers.Retryable, "the network is not there at the moment"},
	{"CannotAccessFile", providers.Retryable, "the datastore is not there at the moment"},
	{"FileLocked", providers.Retryable, "somebody uses the file"},
	{"SnapshotLocked", providers.Retryable, "somebody uses the snapshot"},
	{"ApplicationQuiesceFault", providers.Retryable, "the guest was too busy"},
	{"FilesystemQuiesceFault", providers.Retryable, "the guest was too busy"},
	{"VmToolsUpgradeFault", providers.Retryable, "the guest was too busy"},
	{"NetworkCopyFault", providers.Retryable, "the copy was cut off"},
	{"OvfConsumerCommunicationError", providers.Retryable, "an extension of the server is not there"},
	{"TooManyConcurrentNativeClones", providers.Retryable, "others clone at the moment"},
	{"DatabaseError", providers.Retryable, "the server has trouble"},
	{"InvalidCollectorVersion", providers.Retryable, "the stream is to be begun anew"},

	{"Timedout", providers.Timeout, "the server gave up waiting, and nobody knows"},

	{"SystemError", providers.Unrecognised, "the server says nothing by it"},
	{"UnexpectedFault", providers.Unrecognised, "the server says nothing by it"},
	{"FileFault", providers.Unrecognised, "it says too little"},
	{"EVCConfigFault", providers.Unrecognised, "nobody meets it here"},
}

// newFault makes a fault of a name.
func newFault(t *testing.T, name string) types.BaseMethodFault {
	t.Helper()
	typ, ok := types.TypeFunc()(name)
	if !ok {
		t.Fatalf("%s is no type of the API", name)
	}
	f, ok := reflect.New(typ).Interface().(types.BaseMethodFault)
	if !ok {
		t.Fatalf("%s is no fault", name)
	}
	if gone, is := f.(*types.ManagedObjectNotFound); is {
		gone.Obj = types.ManagedObjectReference{Type: "Folder", Value: "group-v3"}
	}
	return f
}

func TestEveryFaultHasItsKind(t *testing.T) {
	for _, row := range faultRows {
		f := newFault(t, row.name)
		call := &soap.Fault{Code: "ServerFaultCode", String: "in words"}
		call.Detail.Fault = f
		for how, err := range map[string]error{
			"of a call":     soap.WrapSoapFault(call),
			"of a task":     &taskError{&types.LocalizedMethodFault{Fault: f, LocalizedMessage: "in words"}},
			"of a property": soap.WrapVimFault(f),
			"wrapped":       fmt.Errorf("while at work: %w", soap.WrapVimFault(f)),
		} {
			got := translate("power", "default/web", err)
			if kind := providers.KindOf(got); kind != row.kind {
				t.Errorf("%s, %s: %s, want %s: %s", row.name, how, kind, row.kind, row.reason)
			}
			if providers.IsAbsent(got) {
				t.Errorf("%s, %s: the VM is taken for absent", row.name, how)
			}
			if !strings.HasPrefix(got.Error(), "power default/web: ") || !strings.Contains(got.Error(), row.name) {
				t.Errorf("%s, %s: %q does not say what it is about", row.name, how, got)
			}
			if !errors.Is(got, err) {
				t.Errorf("%s, %s: the cause is lost", row.name, how)
			}
		}
	}
}

func TestEveryEntryOfTheTableHasARow(t *testing.T) {
	for name, kind := range faultKinds {
		if !slices.ContainsFunc(faultRows, func(r struct {
			name   string
			kind   providers.Kind
			reason string
		}) bool {
			return r.name == name && r.kind == kind
		}) {
			t.Errorf("%s is %s, and no row says why", name, kind)
		}
	}
}

func TestWhatIsGoneIsNotAnAbsentVM(t *testing.T) {
	for _, tc := range []struct {
		ref    types.ManagedObjectReference
		kind   providers.Kind
		reason string
	}{
		{types.ManagedObjectReference{Type: "VirtualMachine", Value: "vm-1"}, providers.Conflict, "it may be registered anew"},
		{types.ManagedObjectReference{Type: "ContainerView", Value: "view-1"}, providers.Retryable, "it went with the session"},
		{types.ManagedObjectReference{Type: "PropertyCollector", Value: "pc-1"}, providers.Retryable, "it went with the session"},
		{types.ManagedObjectReference{Type: "PropertyFilter", Value: "filter-1"}, providers.Retryable, "it went with the session"},
		{types.ManagedObjectReference{Type: "HttpNfcLease", Value: "lease-1"}, providers.Retryable, "it went with the session"},
		{types.ManagedObjectReference{Type: "Datastore", Value: "datastore-1"}, providers.NotFound, "it is named by us"},
		{types.ManagedObjectReference{Type: "ResourcePool", Value: "resgroup-1"}, providers.NotFound, "it is named by us"},
	} {
		err := translate("create", "web", soap.WrapVimFault(&types.ManagedObjectNotFound{Obj: tc.ref}))
		if kind := providers.KindOf(err); kind != tc.kind {
			t.Errorf("%s: %s, want %s: %s", tc.ref, kind, tc.kind, tc.reason)
		}
		if providers.IsAbsent(err) || !strings.Contains(err.Error(), tc.ref.Value) {
			t.Errorf("%s: %v is taken for an absent VM, or does not name the object", tc.ref, err)
		}
	}
}

func TestErrorsThatAreNoFaults(t *testing.T) {
	wire := func(err error) error { return &url.Error{Op: "Post", URL: "https://vc.example.com/sdk", Err: err} }
	own := &providers.Error{Kind: providers.QuotaExceeded, Missing: "x", Err: errors.New("full")}
	for _, tc := range []struct {
		err    error
		kind   providers.Kind
		reason string
	}{
		{wire(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), providers.Unavailable, "nobody listens"},
		{wire(&net.DNSError{Err: "no such host", Name: "vc.example.com"}), providers.Unavailable, "the name means nothing"},
		{wire(io.EOF), providers.Unavailable, "the connection was cut off"},
		{io.ErrUnexpectedEOF, providers.Unavailable, "the answer was cut off"},
		{wire(context.DeadlineExceeded), providers.Timeout, "no answer in time"},
		{context.DeadlineExceeded, providers.Timeout, "no answer in time"},
		{wire(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), providers.Unauthorized, "it is somebody else"},
		{wire(errors.New("503 Service Unavailable")), providers.Unavailable, "the server starts"},
		{wire(errors.New("502 Bad Gateway")), providers.Unavailable, "the server starts"},
		{wire(errors.New("404 Not Found")), providers.Unavailable, "the server starts"},
		{wire(errors.New("401 Unauthorized")), providers.Unauthorized, "a gate before the server"},
		{errors.New("POST https://vc.example.com/rest/x: 401 Unauthorized"), providers.Unauthorized, "the REST API"},
		{errors.New("POST https://vc.example.com/rest/x: 429 Too Many Requests"), providers.RateLimited, "the REST API"},
		{errors.New("400 Bad Request: {...}"), providers.InvalidSpec, "the REST API"},
		{errors.New("something else"), providers.Unrecognised, "nobody knows"},
		{notThere(), providers.NotFound, "the VM is not there"},
		{own, providers.QuotaExceeded, "it has a kind"},
		{fmt.Errorf("import: %w", own), providers.QuotaExceeded, "it has a kind"},
	} {
		got := translate("create", "default/web", tc.err)
		if kind := providers.KindOf(got); kind != tc.kind {
			t.Errorf("%v: %s, want %s: %s", tc.err, kind, tc.kind, tc.reason)
		}
		if !strings.HasPrefix(got.Error(), "create default/web: ") || !errors.Is(got, errOf(tc.err)) {
			t.Errorf("%v became %q", tc.err, got)
		}
	}
	if err := translate("create", "web", wire(context.Canceled)); err != context.Canceled {
		t.Errorf("a caller that left: %v, want the context's error as it is", err)
	}
	if !providers.IsAbsent(translate("describe", "web", notThere())) {
		t.Error("a VM that is not there is not absent")
	}
	if providers.IsAbsent(translate("x", "web", &providers.Error{Kind: providers.NotFound, Err: errors.New("x")})) {
		t.Error("something that is not there is taken for the VM")
	}
}

// errOf is what must be found again in a translated error: an error of ours
// becomes another one with the same cause.
func errOf(err error) error {
	if own, ok := err.(*providers.Error); ok {
		return own.Err
	}
	return err
}
