package providers

import (
	"strings"

	"github.com/google/uuid"
)

// identitySpace is the UUID namespace below which VM identities are made.
var identitySpace = uuid.NewSHA1(uuid.NameSpaceDNS, []byte("vmsteward.dev"))

// UUID returns the identity of the owner's VM: a version 5 UUID (RFC 9562)
// over fleet, namespace and name, the same on every host and at every time.
func (o Owner) UUID() uuid.UUID {
	name := strings.Join([]string{o.Fleet, o.VM.Namespace, o.VM.Name}, "\x00")
	return uuid.NewSHA1(identitySpace, []byte(name))
}

// String returns "fleet/namespace/name".
func (o Owner) String() string { return o.Fleet + "/" + o.VM.String() }

// MAC returns the address of the owner's interface of that name below a
// vendor prefix of three octets ("52:54:00"): always the same one.
func (o Owner) MAC(prefix, nic string) string {
	sum := uuid.NewSHA1(o.UUID(), []byte("nic\x00"+nic))
	const hex = "0123456789abcdef"
	b := []byte(prefix)
	for _, octet := range sum[:3] {
		b = append(b, ':', hex[octet>>4], hex[octet&15])
	}
	return string(b)
}
