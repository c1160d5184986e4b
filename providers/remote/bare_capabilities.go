package remote

import (
	"cmp"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// bareConcurrency is how many calls a server of provider.v1 is asked for at
// once where the settings do not say: most wait in a call for all its work.
const bareConcurrency = 4

// resizes tells whether CPUs and memory can be changed and read back.
func resizes(p *seed.Peer) bool { return p.Listed.Sizes && !p.RunningOnly }

// BareCapabilities returns what can be observed and changed through a server
// that speaks provider.v1 alone, by its type, or through one of ours.
func BareCapabilities(kind string, ours bool) *providers.Capabilities {
	message := ""
	if ours {
		message = seed.Banner
	}
	return bareCapabilities(seed.PeerOf(kind, message), 0)
}

func bareCapabilities(p *seed.Peer, most int) *providers.Capabilities {
	c := &providers.Capabilities{
		Change: map[providers.Field]providers.Ability{
			providers.FieldExists:    providers.Live,
			providers.FieldPower:     providers.Live,
			providers.FieldRetired:   providers.Live,
			providers.FieldImage:     providers.Replace,
			providers.FieldCloudInit: providers.Replace,
		},
		Concurrency: cmp.Or(most, bareConcurrency),
		NIC:         providers.NICNames{Network: []string{"libvirt.bridge.name", "libvirt.networkName", "vsphere.portgroup"}},
		Honours:     providers.NewHonours(bareHonours(p)),
	}
	if resizes(p) {
		c.Change[providers.FieldCPU], c.Change[providers.FieldMemory] = providers.Restart, providers.Restart
	}
	return c
}
