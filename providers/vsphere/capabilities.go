package vsphere

import (
	"cmp"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// defaultConcurrency is how many calls a vCenter is asked for at once where
// the settings do not say.
const defaultConcurrency = 8

// Capabilities states what this provider observes, changes and honours,
// whichever the server is.
func (p *Provider) Capabilities() *providers.Capabilities { return p.stated }

func capabilities(s providers.Settings) *providers.Capabilities {
	return &providers.Capabilities{
		Change:      abilities(),
		Concurrency: cmp.Or(s.MaxConnections, defaultConcurrency),
		NIC:         nicNames(),
		Honours:     providers.NewHonours(honoured()),
	}
}

// abilities says how each field of a VM can be changed. A VM of vSphere has
// one configuration, which a running machine follows at once or not at all.
func abilities() map[providers.Field]providers.Ability {
	all := map[providers.Field]providers.Ability{
		providers.FieldExists:     providers.Live,
		providers.FieldPower:      providers.Live,
		providers.FieldName:       providers.Live,
		providers.FieldCPU:        providers.LiveInHeadroom,
		providers.FieldMemory:     providers.LiveInHeadroom,
		providers.FieldFirmware:   providers.Replace,
		providers.FieldDisk:       providers.Live,
		providers.FieldDiskSize:   providers.Live,
		providers.FieldNIC:        providers.Live,
		providers.FieldNICNetwork: providers.Live,
		providers.FieldNICModel:   providers.Live,
		providers.FieldNICMAC:     providers.Live,
		providers.FieldTags:       providers.Live,
		providers.FieldRetired:    providers.Live,
		providers.FieldImage:      providers.Replace,
		providers.FieldCloudInit:  providers.Replace,
	}
	for field, rule := range traits() {
		all[field] = rule.ability
	}
	all[providers.FieldExtraConfig.Of(keyCloneMode)] = providers.Uncompared
	for _, entry := range ownKeys() {
		all[providers.FieldExtraConfig.Of(strings.TrimPrefix(entry, "!"))] = providers.Uncompared
	}
	return all
}

// nicNames says how Describe names the network and the model of an interface.
func nicNames() providers.NICNames {
	return providers.NICNames{
		Network: []string{"vsphere.portgroup"}, LastElement: true,
		Model: []string{"vsphere.adapterType"}, DefaultModel: defaultModel,
	}
}
