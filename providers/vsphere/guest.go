package vsphere

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/cloudinit"
)

// The keys of extraConfig by which a guest reads its first-boot data: those of
// the data source VMware of cloud-init, and that of Ignition. Each has a
// neighbour that says how the value is encoded.
const (
	guestMetaData = "guestinfo.metadata"
	guestUserData = "guestinfo.userdata"
	guestIgnition = "guestinfo.ignition.config.data"
	guestVendor   = "guestinfo.vendordata" // of no manifest

	encodingSuffix = ".encoding"
	guestEncoding  = "gzip+base64"
)

// isGuestKey tells whether a guest takes first-boot data from a key.
func isGuestKey(key string) bool {
	switch strings.TrimSuffix(key, encodingSuffix) {
	case guestMetaData, guestUserData, guestIgnition, guestVendor:
		return true
	}
	return false
}

// guestInfo returns the first-boot data of the VM as extraConfig: the same for
// the same manifest, and nothing if the manifest has none and no address that
// only the guest can set. macs holds the address of each interface by its
// name. The values hold secrets: they go to vCenter and nowhere else.
func guestInfo(o providers.Owner, vm *manifest.VM, macs map[string]string) ([]types.BaseOptionValue, error) {
	var out []types.BaseOptionValue
	add := func(key string, content []byte) error {
		text, err := encodeGuest(content)
		if err == nil {
			out = append(out,
				&types.OptionValue{Key: key, Value: text},
				&types.OptionValue{Key: key + encodingSuffix, Value: guestEncoding})
		}
		return err
	}
	network := cloudinit.NetworkOf(vm.NICs, macs)
	if network != nil || !vm.CloudInit.UserData.Empty() || !vm.CloudInit.MetaData.Empty() {
		meta, err := guestMeta(o, vm.CloudInit.MetaData, network)
		if err != nil {
			return nil, err
		}
		if err := add(guestMetaData, meta); err != nil {
			return nil, err
		}
	}
	if !vm.CloudInit.UserData.Empty() {
		if err := add(guestUserData, []byte(vm.CloudInit.UserData.Reveal())); err != nil {
			return nil, err
		}
	}
	if !vm.CloudInit.Ignition.Empty() {
		if err := add(guestIgnition, []byte(vm.CloudInit.Ignition.Reveal())); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodeGuest compresses a text and makes it printable.
func encodeGuest(content []byte) (string, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed) // without a time, so that the same text stays the same
	if _, err := z.Write(content); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// guestMeta is the manifest's metadata and, within it, the network.
func guestMeta(o providers.Owner, text secret.Text, network *cloudinit.Network) ([]byte, error) {
	meta, err := cloudinit.MetaData(o, text)
	if err != nil {
		return nil, invalid("%w", err)
	}
	if network != nil {
		if _, ok := meta["network"]; ok {
			return nil, invalid("metaData configures the network, and so do static addresses of the interfaces; keep one of them")
		}
		meta["network"] = network
	}
	return yaml.Marshal(meta)
}
