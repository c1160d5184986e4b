package seed

import "strings"

// Peer is what is known of a server of provider.v1 beyond what it says of
// itself. What a Peer does not promise is neither observed nor compared.
type Peer struct {
	Type string // of the Provider that names the server
	Ours bool   // vmsteward serves it, which keeps what the protocol promises

	NICs  int  // how many interfaces a creation plugs in; 0: all
	Disks bool // a creation makes the disks beside the root disk

	// Starts is true where a VM runs after its creation, wanted or not.
	Starts bool
	// Adopts is true where a creation takes any VM that has the name already
	// for its own, and Doubles where it makes a second one.
	Adopts, Doubles bool
	// Named is true where the id of a VM is its name.
	Named bool
	// Denies is true where a VM that is not there is an error of Describe, and
	// not an answer.
	Denies bool
	// Falsely is true where exists=false may also mean that nobody could look.
	Falsely bool
	// RunningOnly is true where a reconfiguration of a VM that is off is
	// answered as done without an effect, and one of a VM that runs does not
	// outlive its next start.
	RunningOnly bool
	// Defaults is true where a VM without user data is given some by the
	// server: one that authorises a key of the server's maker.
	Defaults bool

	Listed Listing
	kinds  []said
}

// Listing is which facts of ListVMs are true. Ids, names and power states are,
// except that a suspended VM reads as Off.
type Listing struct {
	Sizes     bool // cpu and memory_mib are what the VM has
	Maxima    bool // cpu and memory_mib are what the VM can have
	Disks     bool // disks are all there, with their sizes
	NICs      bool // networks are all there, with their addresses
	Addresses bool
}

// Banner is how the message of Validate begins where vmsteward serves.
const Banner = "vmsteward "

// PeerOf returns what is known of a server by the type of its Provider and by
// the message of its Validate; of one that nobody knows, that it keeps the
// protocol.
func PeerOf(kind, message string) *Peer {
	if strings.HasPrefix(message, Banner) {
		return &Peer{
			Type: kind, Ours: true, Disks: true,
			Listed: Listing{Sizes: true, Disks: true, NICs: true, Addresses: true},
		}
	}
	switch kind {
	case "vsphere":
		return &Peer{
			Type: kind, NICs: 1, Disks: true, Starts: true, Adopts: true, Falsely: true,
			Listed: Listing{Sizes: true, Addresses: true}, kinds: ofVSphere,
		}
	case "libvirt":
		return &Peer{
			Type: kind, NICs: 1, Adopts: true, Named: true, Denies: true, RunningOnly: true, Defaults: true,
			Listed: Listing{Maxima: true}, kinds: ofLibvirt,
		}
	case "proxmox":
		return &Peer{
			Type: kind, Doubles: true, Falsely: true,
			Listed: Listing{Sizes: true}, kinds: ofProxmox,
		}
	case "mock":
		return &Peer{Type: kind, Doubles: true}
	}
	return &Peer{Type: kind, Disks: true, Listed: Listing{Sizes: true, Addresses: true}}
}
