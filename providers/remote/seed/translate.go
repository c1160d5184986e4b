package seed

import (
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/vmsteward/vmsteward/providers"
)

// said is what a text in an error means. The first that fits counts.
type said struct {
	words   string // lower case
	kind    providers.Kind
	missing string // with NotFound: what is missing, where it is not the VM
}

// ofVSphere is what the server of vSphere says, in the words of govmomi and of
// vCenter 7 and 8; every error of it has the code Unknown.
var ofVSphere = []said{
	{"has already been deleted or has not been completely created", providers.NotFound, ""},
	{"managedobjectnotfound", providers.NotFound, ""},
	{"resolves to multiple instances", providers.NotSupported, ""},
	{"please specify", providers.NotSupported, ""},
	{"incorrect user name or password", providers.Unauthorized, ""},
	{"invalidlogin", providers.Unauthorized, ""},
	{"session is not authenticated", providers.Unauthorized, ""},
	{"notauthenticated", providers.Unauthorized, ""},
	{"permission to perform this operation was denied", providers.Unauthorized, ""},
	{"nopermission", providers.Unauthorized, ""},
	{"another task is already in progress", providers.Retryable, ""},
	{"taskinprogress", providers.Retryable, ""},
	{"cannot be performed in the current state", providers.Conflict, ""},
	{"invalidpowerstate", providers.Conflict, ""},
	{"duplicatename", providers.Conflict, ""},
	{"already exists", providers.Conflict, ""},
	{"insufficient", providers.QuotaExceeded, ""},
	{"nodiskspace", providers.QuotaExceeded, ""},
	{"vsphere client not initialized", providers.Unavailable, ""},
}

// ofLibvirt is what the server of libvirt says: virsh 9.0 below words of its
// own. Every error of it has the code Unknown, and nearly every one begins
// with Retryable, which says nothing.
var ofLibvirt = []said{
	{"no domain with matching", providers.NotFound, ""},
	{"domain not found", providers.NotFound, ""},
	{"network not found", providers.NotFound, "network"},
	{"cannot get interface mtu", providers.NotFound, "bridge"},
	{"storage pool not found", providers.NotFound, "storage pool"},
	{"storage volume not found", providers.NotFound, "image"},
	{"no such file or directory", providers.NotFound, "image"},
	{"could not open", providers.NotFound, "image"},
	{"authentication failed", providers.Unauthorized, ""},
	{"host key verification failed", providers.Unauthorized, ""},
	{"permission denied", providers.Unauthorized, ""},
	{"access denied", providers.Unauthorized, ""},
	{"failed to connect to the hypervisor", providers.Unavailable, ""},
	{"could not resolve hostname", providers.Unavailable, ""},
	{"end of file while reading data", providers.Unavailable, ""},
	{"provider not initialized", providers.Unavailable, ""},
	{"cannot acquire state change lock", providers.Retryable, ""},
	{"already exists", providers.Conflict, ""},
	{"already running", providers.Conflict, ""},
	{"already active", providers.Conflict, ""},
	{"domain is not running", providers.Conflict, ""},
	{"requested operation is not valid", providers.Conflict, ""},
	{"cannot allocate memory", providers.QuotaExceeded, ""},
	{"unsupported configuration", providers.NotSupported, ""},
	{"xml error", providers.InvalidSpec, ""},
	{"failed to parse", providers.InvalidSpec, ""},
}

// ofProxmox is what the server of Proxmox VE says: the API's own words, most
// of them with the code Internal.
var ofProxmox = []said{
	{".conf' does not exist", providers.NotFound, ""},
	{"does not exist", providers.NotFound, "what the VM refers to"},
	{"authentication failure", providers.Unauthorized, ""},
	{"permission check failed", providers.Unauthorized, ""},
	{"status 401", providers.Unauthorized, ""},
	{"status 403", providers.Unauthorized, ""},
	{"got timeout", providers.Retryable, ""},
	{"can't lock file", providers.Retryable, ""},
	{"is locked", providers.Retryable, ""},
	{"already exists", providers.Conflict, ""},
	{"already running", providers.Conflict, ""},
	{"not running", providers.Conflict, ""},
	{"not enough space", providers.QuotaExceeded, ""},
	{"out of space", providers.QuotaExceeded, ""},
	{"status 595", providers.Unavailable, ""}, // the node does not answer
	{"status 596", providers.Unavailable, ""},
}

// ofAny is what any server written in Go says of its network and its host.
var ofAny = []said{
	{"context deadline exceeded", providers.Timeout, ""},
	{"i/o timeout", providers.Unavailable, ""},
	{"connection refused", providers.Unavailable, ""},
	{"connection reset", providers.Unavailable, ""},
	{"connection timed out", providers.Unavailable, ""},
	{"no route to host", providers.Unavailable, ""},
	{"network is unreachable", providers.Unavailable, ""},
	{"no such host", providers.Unavailable, ""},
	{"broken pipe", providers.Unavailable, ""},
	{"unexpected eof", providers.Unavailable, ""},
	{"x509:", providers.Unauthorized, ""},
	{"no space left on device", providers.QuotaExceeded, ""},
	{"too many requests", providers.RateLimited, ""},
}

// kindWords are the kinds as servers write them before a message:
// "InvalidSpec: …". Retryable is not among them: it stands before everything.
var kindWords = []said{
	{"notfound: ", providers.NotFound, "what the VM refers to"},
	{"invalidspec: ", providers.InvalidSpec, ""},
	{"unauthorized: ", providers.Unauthorized, ""},
	{"notsupported: ", providers.NotSupported, ""},
	{"ratelimit: ", providers.RateLimited, ""},
	{"unavailable: ", providers.Unavailable, ""},
	{"timeout: ", providers.Timeout, ""},
	{"quotaexceeded: ", providers.QuotaExceeded, ""},
	{"conflict: ", providers.Conflict, ""},
}

// byCode is what a code alone says. Unknown and Internal say nothing: they are
// taken to pass until the text says otherwise.
var byCode = map[codes.Code]providers.Kind{
	codes.Canceled:           providers.Retryable,
	codes.Unknown:            providers.Retryable,
	codes.InvalidArgument:    providers.InvalidSpec,
	codes.DeadlineExceeded:   providers.Timeout,
	codes.NotFound:           providers.NotFound,
	codes.AlreadyExists:      providers.Conflict,
	codes.PermissionDenied:   providers.Unauthorized,
	codes.ResourceExhausted:  providers.RateLimited,
	codes.FailedPrecondition: providers.NotSupported,
	codes.Aborted:            providers.Retryable,
	codes.OutOfRange:         providers.InvalidSpec,
	codes.Unimplemented:      providers.NotSupported,
	codes.Internal:           providers.Retryable,
	codes.Unavailable:        providers.Unavailable,
	codes.DataLoss:           providers.Unrecognised,
	codes.Unauthenticated:    providers.Unauthorized,
}

// Kind returns what an error of the server means. missing is set with NotFound
// where what is missing is something that the VM refers to. NotFound without
// it is the server's word and no proof that the VM is gone.
func (p *Peer) Kind(code codes.Code, text string) (kind providers.Kind, missing string) {
	text = strings.ToLower(text)
	switch code {
	case codes.ResourceExhausted:
		if strings.Contains(text, "message larger than max") {
			return providers.NotSupported, "" // an answer that is too large today is so tomorrow
		}
	case codes.Unknown, codes.Internal:
		for _, table := range [][]said{p.kinds, ofAny, kindWords} {
			for _, s := range table {
				if strings.Contains(text, s.words) {
					return s.kind, s.missing
				}
			}
		}
		if p.Type == "vsphere" && strings.HasSuffix(strings.TrimSpace(text), "not found") {
			return providers.NotFound, "what the VM refers to"
		}
	}
	if kind, ok := byCode[code]; ok {
		return kind, ""
	}
	return providers.Unrecognised, ""
}
