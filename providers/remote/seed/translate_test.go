package seed

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/vmsteward/vmsteward/providers"
)

// TestKinds: what the errors of known servers mean. The texts are those of
// VirtRigaud's servers as of 2026-07, of virsh 9.0, of govmomi and of PVE.
func TestKinds(t *testing.T) {
	const sworn = "failed to describe VM: Retryable: failed to get domain info (caused by: "
	for _, row := range []struct {
		kind    string
		code    codes.Code
		text    string
		want    providers.Kind
		missing string
		reason  string
	}{
		{"libvirt", codes.Unknown, sworn + "error: failed to get domain 'a'\nerror: Domain not found: no domain with matching name 'a')", providers.NotFound, "", "Retryable stands before everything there"},
		{"libvirt", codes.Unknown, sworn + "error: failed to connect to the hypervisor)", providers.Unavailable, "", "the host, not the VM"},
		{"libvirt", codes.Unknown, sworn + "error: failed to get domain 'a')", providers.Retryable, "", "it does not say why"},
		{"libvirt", codes.Unknown, "failed to create VM: Retryable: failed to create VM (caused by: error: Network not found: no network with matching name 'x')", providers.NotFound, "network", "what the VM refers to, not the VM"},
		{"libvirt", codes.Unknown, "failed to perform power operation: Retryable: failed (caused by: error: Requested operation is not valid: domain is not running)", providers.Conflict, "", "it is in that state already, or in another"},
		{"libvirt", codes.Unknown, "failed to create VM: InvalidSpec: no image", providers.InvalidSpec, "", "the kind is in the text"},
		{"libvirt", codes.Unknown, "failed to create VM: NotFound: image is not there", providers.NotFound, "what the VM refers to", "their NotFound is said of anything"},
		{"libvirt", codes.Unknown, "ssh: Permission denied (publickey)", providers.Unauthorized, "", "the host's door"},
		{"libvirt", codes.Unknown, "no space left on device", providers.QuotaExceeded, "", "the host's disk"},
		{"libvirt", codes.Internal, "recovered from panic", providers.Retryable, "", "nothing is known of it"},
		{"vsphere", codes.Unknown, "failed to get VM: ServerFaultCode: The object 'vim.VirtualMachine:vm-12' has already been deleted or has not been completely created", providers.NotFound, "", "vCenter says so of the object itself"},
		{"vsphere", codes.Unknown, "failed to find template: vm 'debian' not found", providers.NotFound, "what the VM refers to", "the finder looks for the template"},
		{"vsphere", codes.Unknown, "ServerFaultCode: The session is not authenticated.", providers.Unauthorized, "", "the session expired"},
		{"vsphere", codes.Unknown, "failed to power on: The attempted operation cannot be performed in the current state (Powered on).", providers.Conflict, "", "already on"},
		{"vsphere", codes.Unknown, "default datacenter resolves to multiple instances, please specify", providers.NotSupported, "", "the server knows one datacenter"},
		{"vsphere", codes.Unknown, `Post "https://vc/sdk": dial tcp: connect: connection refused`, providers.Unavailable, "", "vCenter is away"},
		{"vsphere", codes.Unknown, "context deadline exceeded", providers.Timeout, "", "its own deadline"},
		{"proxmox", codes.Internal, "failed to get VM: API request failed with status 403: Permission check failed", providers.Unauthorized, "", "a token without rights"},
		{"proxmox", codes.Internal, "Configuration file 'nodes/pve/qemu-server/100.conf' does not exist", providers.NotFound, "", "PVE's word for a VM that it does not have"},
		{"proxmox", codes.Internal, "storage 'fast' does not exist", providers.NotFound, "what the VM refers to", "not the VM"},
		{"proxmox", codes.Internal, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", providers.Retryable, "", "somebody else works on it"},
		{"memory", codes.Unknown, "anything", providers.Retryable, "", "transient until proven otherwise"},
		{"memory", codes.InvalidArgument, "connection refused", providers.InvalidSpec, "", "a code that says something wins"},
		{"memory", codes.AlreadyExists, "", providers.Conflict, "", "it is not ours"},
		{"memory", codes.ResourceExhausted, "grpc: received message larger than max (5 vs. 4)", providers.NotSupported, "", "it will be too large again"},
		{"memory", codes.ResourceExhausted, "slow down", providers.RateLimited, "", "it passes"},
		{"memory", codes.Unimplemented, "", providers.NotSupported, "", "never"},
		{"memory", codes.Code(99), "", providers.Unrecognised, "", "no code"},
	} {
		kind, missing := PeerOf(row.kind, "").Kind(row.code, row.text)
		if kind != row.want || missing != row.missing {
			t.Errorf("%s %v %q: %q missing %q, want %q missing %q: %s", row.kind, row.code, row.text, kind, missing, row.want, row.missing, row.reason)
		}
	}
}
