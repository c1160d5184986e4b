package libvirt

import (
	"maps"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Capabilities states what this provider observes, changes and honours.
func (p *Provider) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Change:            abilities(),
		MemoryShrinksLive: true,
		Concurrency:       p.session.cfg.WorkConnections * callsPerConnection,
		NIC:               nicWords,
		Honours:           providers.NewHonours(honoured()),
	}
}

func abilities() map[providers.Field]providers.Ability {
	all := map[providers.Field]providers.Ability{
		providers.FieldExists:     providers.Live,
		providers.FieldPower:      providers.Live,
		providers.FieldCPU:        providers.LiveInHeadroom,
		providers.FieldMemory:     providers.LiveInHeadroom,
		providers.FieldFirmware:   providers.Replace,
		providers.FieldDisk:       providers.Live,
		providers.FieldDiskSize:   providers.Live,
		providers.FieldNIC:        providers.Live,
		providers.FieldNICNetwork: providers.Live,
		providers.FieldNICModel:   providers.Restart,
		providers.FieldNICMAC:     providers.Restart,
		providers.FieldName:       providers.Restart,
		providers.FieldTags:       providers.Live,
		providers.FieldAutostart:  providers.Live,
		providers.FieldRetired:    providers.Live,
		providers.FieldImage:      providers.Replace,
		providers.FieldCloudInit:  providers.Replace,
	}
	maps.Copy(all, traitAbilities())
	return all
}

// nicWords returns how Describe will name the network and the model of a NIC
// of the manifest.
func nicWords(n manifest.NIC) (network, model string) {
	if n.Network == nil || n.Network.Libvirt == nil {
		return "", ""
	}
	l := n.Network.Libvirt
	return orElse(l.Bridge, l.Network), orElse(l.Model, defaultModel)
}
