package vsphere

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Capabilities states what this provider observes, changes and honours.
func (p *Provider) Capabilities() providers.Capabilities {
	return providers.Capabilities{NIC: nicWords}
}

// nicWords returns how Describe will name the network and the model of a NIC
// of the manifest. There is no opinion about one that keeps the template's
// interface.
func nicWords(n manifest.NIC) (network, model string) { return "", "" }
