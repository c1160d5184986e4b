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
	"strings"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vmsteward/vmsteward/providers"
)

// translate gives an error of the API its kind, the operation and the subject.
// nil and a context that was cancelled pass as they are. An error that has a
// kind keeps it.
func translate(op, subject string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	e := &providers.Error{Op: op, Subject: subject}
	var own *providers.Error
	if direct, ok := err.(*providers.Error); ok {
		full := *direct
		e = &full
		e.Op, e.Subject = orElse(e.Op, op), orElse(e.Subject, subject)
	} else if errors.As(err, &own) {
		e.Kind, e.Missing, e.After, e.Err = own.Kind, own.Missing, own.After, err
	} else {
		e.Kind, e.Missing = kindAndMissing(err)
		e.Err = worded(err)
	}
	// Not there is the VM alone, and only where we looked for it.
	if e.Kind == providers.NotFound && e.Missing == "" && !errors.Is(err, errNoVM) {
		e.Missing = "what the VM refers to"
	}
	return e
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// kindOf returns the kind of an error of the API.
func kindOf(err error) providers.Kind {
	var own *providers.Error
	if errors.As(err, &own) {
		return own.Kind
	}
	kind, _ := kindAndMissing(err)
	return kind
}

func kindAndMissing(err error) (kind providers.Kind, missing string) {
	if f := faultOf(err); f != nil {
		return faultKind(f)
	}
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var syntax *xml.SyntaxError
	var network net.Error
	var wire *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return providers.Timeout, ""
	case errors.As(err, &verification), errors.As(err, &authority):
		return providers.Unauthorized, ""
	case isStatus(err):
		return statusKind(err), ""
	case errors.As(err, &network), errors.As(err, &wire), errors.As(err, &syntax),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return providers.Unavailable, ""
	}
	return providers.Unrecognised, ""
}

// statusWords tell an HTTP answer that is no answer of the API, by the text
// that govmomi v0.56.0 makes of it; it has no type for them that can be seen.
// The first that fits counts.
var statusWords = []struct {
	words string
	kind  providers.Kind
}{
	{"400 Bad Request", providers.InvalidSpec},
	{"401 Unauthorized", providers.Unauthorized},
	{"403 Forbidden", providers.Unauthorized},
	{"404 Not Found", providers.Unavailable}, // no vCenter, or one that is starting
	{"408 Request Timeout", providers.Timeout},
	{"409 Conflict", providers.Conflict},
	{"429 Too Many Requests", providers.RateLimited},
	{"500 Internal Server Error", providers.Unrecognised},
	{"502 Bad Gateway", providers.Unavailable},
	{"503 Service Unavailable", providers.Unavailable},
	{"504 Gateway Time", providers.Timeout},
	{"507 Insufficient Storage", providers.QuotaExceeded},
}

// isStatus tells whether err is an HTTP status.
func isStatus(err error) bool { return statusKind(err) != "" }

func statusKind(err error) providers.Kind {
	text := plain(err).Error()
	for _, s := range statusWords {
		if strings.HasPrefix(text, s.words) || strings.HasSuffix(text, ": "+s.words) {
			return s.kind
		}
	}
	return ""
}

// faultOf returns the fault that err carries: of a call, of a task, or of a
// property that could not be read. nil: it carries none.
func faultOf(err error) types.BaseMethodFault {
	var carrier interface{ Fault() types.BaseMethodFault }
	if !errors.As(err, &carrier) {
		return nil
	}
	return carrier.Fault()
}

// isFault tells whether err carries a fault of exactly that type.
func isFault[T types.BaseMethodFault](err error) bool {
	_, is := faultOf(err).(T)
	return is
}

// worded puts into words what the server's own message leaves out.
func worded(err error) error {
	f := faultOf(err)
	if f == nil {
		return err
	}
	detail := faultDetail(f)
	name := ancestry(f)[0]
	if detail != "" {
		name += ": " + detail
	}
	return &faultError{text: strings.TrimPrefix(err.Error(), "ServerFaultCode: "), name: name, err: err}
}

// faultError is a fault in words: what the server says, and the fault's name,
// which is the same in every language.
type faultError struct {
	text, name string
	err        error
}

func (e *faultError) Error() string {
	// The simulator has no message but the fault's type, as Go writes it.
	if e.text == "" || strings.HasPrefix(e.text, "*types.") || strings.HasPrefix(e.name, e.text) {
		return e.name
	}
	return fmt.Sprintf("%s (%s)", strings.TrimRight(e.text, ". "), e.name)
}

func (e *faultError) Unwrap() error { return e.err }

// faultDetail says what a fault is about, where it says so.
func faultDetail(f types.BaseMethodFault) string {
	switch f := f.(type) {
	case *types.InvalidArgument:
		return f.InvalidProperty
	case *types.InvalidProperty:
		return f.Name
	case *types.NoPermission:
		return "privilege " + f.PrivilegeId
	case *types.InvalidPowerState:
		return fmt.Sprintf("it is %s, and should be %s", f.ExistingState, f.RequestedState)
	case *types.DuplicateName:
		return f.Name
	case *types.ManagedObjectNotFound:
		return f.Obj.Type + " " + f.Obj.Value
	case *types.RestrictedVersion:
		return "the licence does not cover it"
	case *types.InvalidDeviceSpec:
		return fmt.Sprintf("device %d of the change", f.DeviceIndex)
	case *types.FileNotFound:
		return f.File
	case *types.FileLocked:
		return f.File
	case *types.NoDiskSpace:
		return "datastore " + f.Datastore
	case *types.MethodNotFound:
		return f.Method
	}
	return ""
}
