package libvirt

import (
	"maps"

	"github.com/vmsteward/vmsteward/providers"
)

// Capabilities states what this provider observes, changes and honours,
// whichever the host is.
func (p *Provider) Capabilities() *providers.Capabilities { return p.stated }

func (s *session) capabilities() *providers.Capabilities {
	return &providers.Capabilities{
		Change:            abilities(),
		MemoryShrinksLive: true,
		Concurrency:       s.cfg.WorkConnections * callsPerConnection,
		NIC:               nicNames(),
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

// nicNames says how Describe names the network and the model of an interface.
func nicNames() providers.NICNames {
	return providers.NICNames{
		Network: []string{"libvirt.bridge.name", "libvirt.networkName"},
		Model:   []string{"libvirt.model"}, DefaultModel: defaultModel,
	}
}
