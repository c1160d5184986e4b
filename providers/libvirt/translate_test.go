package libvirt

import (
	"context"
	"errors"
	"fmt"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

func TestTranslate(t *testing.T) {
	for _, tc := range []struct {
		reason  string
		code    uint32
		message string
		want    providers.Kind
	}{
		{"no domain", 42, "Domain not found", providers.NotFound},
		{"no network", 43, "Network not found", providers.NotFound},
		{"no storage pool", 49, "Storage pool not found", providers.NotFound},
		{"no volume", 50, "Storage volume not found", providers.NotFound},
		{"no host interface", 57, "", providers.NotFound},
		{"no host device", 53, "", providers.NotFound},
		{"no network filter", 62, "", providers.NotFound},
		{"no secret", 66, "", providers.NotFound},
		{"no snapshot", 72, "", providers.NotFound},
		{"no metadata", 80, "metadata not found: Requested metadata element is not present", providers.NotFound},
		{"no such device", 99, "device not found", providers.NotFound},

		{"a bad argument", 8, "invalid argument", providers.InvalidSpec},
		{"bad XML", 27, "XML error", providers.InvalidSpec},
		{"XML that cannot be parsed", 35, "", providers.InvalidSpec},
		{"XML against the schema", 92, "", providers.InvalidSpec},
		{"a bad MAC address", 44, "", providers.InvalidSpec},
		{"a number too large", 82, "", providers.InvalidSpec},

		{"a function that the driver lacks", 3, "", providers.NotSupported},
		{"a configuration that QEMU lacks", 67, "", providers.NotSupported},
		{"no guest agent configured", 74, "argument unsupported: QEMU guest agent is not configured", providers.NotSupported},
		{"an operation that QEMU lacks", 84, "", providers.NotSupported},
		{"another CPU", 91, "", providers.NotSupported},
		{"another architecture", 16, "", providers.NotSupported},

		{"a read-only connection", 29, "", providers.Unauthorized},
		{"authentication failed", 45, "", providers.Unauthorized},
		{"authentication cancelled", 79, "", providers.Unauthorized},
		{"no polkit agent", 94, "", providers.Unauthorized},
		{"access denied", 88, "", providers.Unauthorized},

		{"a domain in another state", 55, "Requested operation is not valid: domain is not running", providers.Conflict},
		{"a domain that exists", 28, "", providers.Conflict},
		{"a network that exists", 37, "", providers.Conflict},
		{"a volume that exists", 90, "", providers.Conflict},

		{"another job", 68, "Timed out during operation: cannot acquire state change lock", providers.Retryable},
		{"aborted", 78, "", providers.Retryable},
		{"a block copy", 83, "", providers.Retryable},
		{"busy", 87, "", providers.Retryable},
		{"the agent does not answer", 86, "Guest agent is not responding", providers.Retryable},
		{"the agent is out of step", 97, "", providers.Retryable},
		{"the agent's command took too long", 112, "", providers.Retryable},

		{"no memory", 2, "", providers.QuotaExceeded},
		{"too many", 25, "", providers.QuotaExceeded},

		{"no connection", 5, "", providers.Unavailable},
		{"a bad connection", 6, "", providers.Unavailable},
		{"a call that failed", 26, "", providers.Unavailable},
		{"a broken RPC", 39, "", providers.Unavailable},
		{"broken TLS", 40, "", providers.Unavailable},
		{"no server", 95, "", providers.Unavailable},

		{"a full disk", 38, "cannot extend file '/x': No space left on device", providers.QuotaExceeded},
		{"a full disk in qemu-img's words", 1, "internal error: Child process (/usr/bin/qemu-img create) unexpected exit status 1: qemu-img: /x: No space left on device", providers.QuotaExceeded},
		{"a full quota", 38, "cannot write: Disk quota exceeded", providers.QuotaExceeded},
		{"a full pool", 9, "operation failed: Not enough space left in storage pool", providers.QuotaExceeded},
		{"no memory for the guest", 1, "internal error: qemu unexpectedly closed the monitor: cannot set up guest memory 'pc.ram': Cannot allocate memory", providers.QuotaExceeded},
		{"a file that may not be read", 38, "Cannot access storage file '/x': Permission denied", providers.Conflict},
		{"an image that QEMU may not open", 1, "internal error: process exited while connecting to monitor: Could not open '/x': Permission denied", providers.Conflict},
		{"a forbidden operation", 38, "Unable to set XATTR: Operation not permitted", providers.Conflict},
		{"a forbidden bridge", 38, "Unable to add bridge br0 port vnet0: Operation not permitted", providers.Conflict},
		{"the socket of the next daemon", 38, "Failed to connect socket to '/run/libvirt/virtqemud-sock': Permission denied", providers.Unauthorized},
		{"a volume that is being uploaded", 55, "Requested operation is not valid: volume 'x' is still in use.", providers.Retryable},
		{"an image in use", 1, "internal error: process exited while connecting to monitor: Failed to get \"write\" lock", providers.Retryable},
		{"an image in shared use", 1, "Failed to get shared \"write\" lock", providers.Retryable},
		{"an image in use, in other words", 1, "Is another process using the image? being used by another process", providers.Retryable},
		{"no process left", 38, "cannot fork child process: Resource temporarily unavailable", providers.Retryable},
		{"a busy device", 38, "Device or resource busy", providers.Retryable},
		{"a name of another domain", 9, "operation failed: domain 'a' already exists with uuid 1", providers.Conflict},
		{"a UUID of another domain", 9, "operation failed: domain 'a' is already defined with uuid 1", providers.Conflict},

		{"an internal error", 1, "internal error: something", providers.Unrecognised},
		{"an operation that failed", 9, "operation failed: something", providers.Unrecognised},
		{"a system error", 38, "Input/output error", providers.Unrecognised},
		{"a message that means nothing with its number", 27, "XML error: No space left on device", providers.InvalidSpec},
		{"a number that is not known", 4711, "", providers.Unrecognised},
	} {
		err := translate("create", "vm1", fmt.Errorf("on the way: %w", golibvirt.Error{Code: tc.code, Message: tc.message}))
		var own *providers.Error
		if !errors.As(err, &own) || own.Kind != tc.want || own.Op != "create" || own.Subject != "vm1" {
			t.Errorf("%s (%d %q): %#v, want kind %s", tc.reason, tc.code, tc.message, err, tc.want)
		}
		if absent := tc.code == 42; providers.IsAbsent(err) != absent {
			t.Errorf("%s: IsAbsent is %v", tc.reason, !absent)
		}
	}
}

func TestTranslateErrorsOfTheLibrary(t *testing.T) {
	for want, errs := range map[providers.Kind][]error{
		providers.NotSupported: {golibvirt.ErrUnsupported},
		providers.Unavailable:  {golibvirt.ErrInterrupted, errBadFrame},
		providers.Unrecognised: {errors.New("something else")},
	} {
		for _, err := range errs {
			wantKind(t, translate("create", "vm1", err), want)
		}
	}
}

func TestTranslateLeavesAlone(t *testing.T) {
	own := &providers.Error{Op: "x", Kind: providers.Conflict, Err: errors.New("mine")}
	for _, err := range []error{nil, own, context.Canceled, context.DeadlineExceeded, fmt.Errorf("wrapped: %w", context.Canceled)} {
		if got := translate("create", "vm1", err); got != err {
			t.Errorf("translate(%v) = %v", err, got)
		}
	}
}

func TestNothingElseIsTakenForAMissingVM(t *testing.T) {
	for number, kind := range errorKinds {
		if kind == providers.NotFound && number != golibvirt.ErrNoDomain && thingsMissing[number] == "" {
			t.Errorf("%d is NotFound, and would be taken for a VM that is gone", number)
		}
	}
}
