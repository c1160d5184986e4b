package vsphere

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// markKey is the key of extraConfig that holds our mark, as JSON. The guest
// does not see it: only keys that begin with "guestinfo." are shown to it.
const markKey = "vmsteward.mark"

// mark is our note on a VM, written in the call that creates it.
type mark struct {
	// UUID is the instance UUID of the VM that the mark was made for. A clone
	// made by somebody else carries a copy of the mark, which is void there.
	UUID      string     `json:"uuid"`
	Fleet     string     `json:"fleet"`
	Namespace string     `json:"namespace"`
	Name      string     `json:"name"`
	Image     string     `json:"image,omitempty"`
	CloudInit string     `json:"cloudInit,omitempty"`
	Retired   time.Time  `json:"retired,omitzero"`
	Disks     []markDisk `json:"disks,omitempty"`
	NICs      []markNIC  `json:"nics,omitempty"`
	Tags      []string   `json:"tags,omitempty"`
	Extra     []string   `json:"extra,omitempty"` // keys of extraConfig that a manifest set, sorted
	// Version is the hardware version that a manifest asks for at least; 0: it
	// does not say.
	Version int `json:"version,omitempty"`
}

// markDisk is one disk of the VM. Only one that is Made was created by us, and
// only such a one is ever deleted.
type markDisk struct {
	Name string `json:"name"`
	At   string `json:"at"` // bus and unit: "scsi0:1", see diskPlace
	Made bool   `json:"made,omitempty"`
}

// markNIC is one interface. Key is the device key, 0 while it is not known;
// MAC is the address that it was given.
type markNIC struct {
	Name string `json:"name"`
	Key  int32  `json:"key,omitempty"`
	MAC  string `json:"mac"`
}

// macPrefix is the vendor prefix of addresses that no manifest states: locally
// administered, so that it is nobody else's.
const macPrefix = "02:50:56"

func newMark(o providers.Owner, vm *manifest.VM) *mark {
	m := &mark{
		UUID: o.UUID().String(), Fleet: o.Fleet, Namespace: o.VM.Namespace, Name: o.VM.Name,
		CloudInit: vm.CloudInit.Digest, Tags: slices.Clone(vm.Tags),
	}
	if vm.Image != nil {
		m.Image = vm.Image.Digest
	}
	return m
}

// owner returns whose VM the mark says it is.
func (m *mark) owner() providers.Owner {
	return providers.Owner{Fleet: m.Fleet, VM: manifest.Key{Namespace: m.Namespace, Name: m.Name}}
}

// readMark reads the value of markKey. It returns nil if the mark is void:
// there is none, it was copied from the VM it was made for, or it cannot be
// understood.
func readMark(value, instanceUUID string) *mark {
	m := &mark{}
	if value == "" || json.Unmarshal([]byte(value), m) != nil {
		return nil
	}
	if m.UUID != instanceUUID || m.Fleet == "" || m.Name == "" {
		return nil
	}
	return m
}

// facts returns the mark as the contract has it.
func (m *mark) facts() *providers.Mark {
	if m == nil {
		return nil
	}
	f := &providers.Mark{Owner: m.owner(), Image: m.Image, CloudInit: m.CloudInit, Retired: m.Retired}
	if len(m.NICs) > 0 {
		f.MACs = make(map[string]string, len(m.NICs))
	}
	for _, n := range m.NICs {
		f.MACs[n.Name] = n.MAC
	}
	return f
}

// text returns the value of markKey.
func (m *mark) text() (string, error) {
	b, err := json.Marshal(m)
	return string(b), err
}

// disk returns the disk of that name, or nil.
func (m *mark) disk(name string) *markDisk {
	for i := range m.Disks {
		if m.Disks[i].Name == name {
			return &m.Disks[i]
		}
	}
	return nil
}

// nic returns the interface of that name, or nil.
func (m *mark) nic(name string) *markNIC {
	for i := range m.NICs {
		if m.NICs[i].Name == name {
			return &m.NICs[i]
		}
	}
	return nil
}
