package libvirt

import (
	"context"
	"errors"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// errorKinds is what libvirt's error numbers mean for the one who has to act.
// A number that is not here is Unrecognised: among them 1 (internal error), 9
// (operation failed) and 38 (system error), which say too little, see
// messageKinds.
var errorKinds = map[golibvirt.ErrorNumber]providers.Kind{
	golibvirt.ErrNoDomain:         providers.NotFound,
	golibvirt.ErrNoNetwork:        providers.NotFound,
	golibvirt.ErrNoStoragePool:    providers.NotFound,
	golibvirt.ErrNoStorageVol:     providers.NotFound,
	golibvirt.ErrNoInterface:      providers.NotFound,
	golibvirt.ErrNoNodeDevice:     providers.NotFound,
	golibvirt.ErrNoNwfilter:       providers.NotFound,
	golibvirt.ErrNoSecret:         providers.NotFound,
	golibvirt.ErrNoDomainSnapshot: providers.NotFound,
	golibvirt.ErrNoDomainMetadata: providers.NotFound,
	golibvirt.ErrDeviceMissing:    providers.NotFound,

	golibvirt.ErrInvalidArg:       providers.InvalidSpec,
	golibvirt.ErrXMLError:         providers.InvalidSpec,
	golibvirt.ErrXMLDetail:        providers.InvalidSpec,
	golibvirt.ErrXMLInvalidSchema: providers.InvalidSpec,
	golibvirt.ErrInvalidMac:       providers.InvalidSpec,
	golibvirt.ErrOverflow:         providers.InvalidSpec,

	golibvirt.ErrNoSupport:            providers.NotSupported,
	golibvirt.ErrConfigUnsupported:    providers.NotSupported,
	golibvirt.ErrArgumentUnsupported:  providers.NotSupported,
	golibvirt.ErrOperationUnsupported: providers.NotSupported,
	golibvirt.ErrCPUIncompatible:      providers.NotSupported,
	golibvirt.ErrOsType:               providers.NotSupported,

	golibvirt.ErrOperationDenied: providers.Unauthorized,
	golibvirt.ErrAuthFailed:      providers.Unauthorized,
	golibvirt.ErrAuthCancelled:   providers.Unauthorized,
	golibvirt.ErrAuthUnavailable: providers.Unauthorized,
	golibvirt.ErrAccessDenied:    providers.Unauthorized,

	// The state of the object is not what the call needs: it changed under our
	// hands, or it is not what was planned with.
	golibvirt.ErrOperationInvalid: providers.Conflict,
	golibvirt.ErrDomExist:         providers.Conflict,
	golibvirt.ErrNetworkExist:     providers.Conflict,
	golibvirt.ErrStorageVolExist:  providers.Conflict,

	golibvirt.ErrOperationTimeout:  providers.Retryable, // another job holds the domain
	golibvirt.ErrOperationAborted:  providers.Retryable,
	golibvirt.ErrBlockCopyActive:   providers.Retryable,
	golibvirt.ErrResourceBusy:      providers.Retryable,
	golibvirt.ErrAgentUnresponsive: providers.Retryable,
	golibvirt.ErrAgentUnsynced:     providers.Retryable,

	golibvirt.ErrAgentCommandTimeout: providers.Retryable, // the guest is at fault, not the host

	golibvirt.ErrNoMemory:   providers.QuotaExceeded,
	golibvirt.ErrDriverFull: providers.QuotaExceeded,

	golibvirt.ErrNoConnect:   providers.Unavailable,
	golibvirt.ErrInvalidConn: providers.Unavailable,
	golibvirt.ErrCallFailed:  providers.Unavailable,
	golibvirt.ErrRPC:         providers.Unavailable,
	golibvirt.ErrGnutlsError: providers.Unavailable,
	golibvirt.ErrNoServer:    providers.Unavailable,
}

// thingsMissing says what is not there if it is not the VM. The caller knows
// its name, and puts that in its place; until then, nobody takes a missing
// network for a missing VM.
var thingsMissing = map[golibvirt.ErrorNumber]string{
	golibvirt.ErrNoNetwork:        "network",
	golibvirt.ErrNoStoragePool:    "storage pool",
	golibvirt.ErrNoStorageVol:     "volume",
	golibvirt.ErrNoInterface:      "host interface",
	golibvirt.ErrNoNodeDevice:     "host device",
	golibvirt.ErrNoNwfilter:       "network filter",
	golibvirt.ErrNoSecret:         "secret",
	golibvirt.ErrNoDomainSnapshot: "snapshot",
	golibvirt.ErrNoDomainMetadata: "metadata",
	golibvirt.ErrDeviceMissing:    "device",
}

// messageKinds refines the numbers that libvirt uses for anything: 1, 9 and
// 38, and 55, by words of its messages or of the ones that it quotes. They
// were read in libvirt 9.0.0 and QEMU 7.2; the first that fits counts.
var messageKinds = []struct {
	words string
	kind  providers.Kind
}{
	{"No space left on device", providers.QuotaExceeded},          // strerror(ENOSPC)
	{"Disk quota exceeded", providers.QuotaExceeded},              // strerror(EDQUOT)
	{"Not enough space left in storage", providers.QuotaExceeded}, // virStorageVolCreateXML
	{"Cannot allocate memory", providers.QuotaExceeded},           // strerror(ENOMEM), QEMU's guest memory
	{"Permission denied", providers.Conflict},                     // strerror(EACCES) of a file or a bridge of one VM
	{"Operation not permitted", providers.Conflict},               // strerror(EPERM), the same
	{"is still in use", providers.Retryable},                      // a volume that is being written
	{"being used by another process", providers.Retryable},        // QEMU's lock of an image
	{"Failed to get \"write\" lock", providers.Retryable},         // the same
	{"Failed to get shared \"write\" lock", providers.Retryable},  // the same
	{"Resource temporarily unavailable", providers.Retryable},     // strerror(EAGAIN)
	{"Device or resource busy", providers.Retryable},              // strerror(EBUSY)
	{"already exists with uuid", providers.Conflict},              // virDomainObjListAdd
	{"is already defined with uuid", providers.Conflict},          // the same, another name
}

// refusedSocket is in the message of a daemon that may not open the socket of
// the next one (virNetSocketNewConnectUNIX). It is about the login: no VM can
// be worked on.
const refusedSocket = "Failed to connect socket"

// translate gives err its kind: libvirt's errors by their number and, where
// that says nothing, by their message. nil, context errors and errors that
// have a kind already are returned as they are.
func translate(op, subject string, err error) error {
	var own *providers.Error
	if err == nil || errors.As(err, &own) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	kind, missing := kindOf(err)
	return &providers.Error{Op: op, Subject: subject, Kind: kind, Missing: missing, Err: err}
}

// kindOf returns the kind of an error of the library, and with NotFound what
// is missing, if it is not the VM.
func kindOf(err error) (kind providers.Kind, missing string) {
	var theirs golibvirt.Error
	switch {
	case errors.Is(err, golibvirt.ErrUnsupported):
		return providers.NotSupported, ""
	case isWireError(err):
		return providers.Unavailable, ""
	case !errors.As(err, &theirs):
		return providers.Unrecognised, ""
	}
	number := golibvirt.ErrorNumber(theirs.Code)
	switch number {
	case golibvirt.ErrInternalError, golibvirt.ErrOperationFailed, golibvirt.ErrSystemError, golibvirt.ErrOperationInvalid:
		if strings.Contains(theirs.Message, refusedSocket) && strings.Contains(theirs.Message, "Permission denied") {
			return providers.Unauthorized, ""
		}
		for _, m := range messageKinds {
			if strings.Contains(theirs.Message, m.words) {
				return m.kind, ""
			}
		}
	}
	if k, known := errorKinds[number]; known {
		return k, thingsMissing[number]
	}
	return providers.Unrecognised, ""
}
