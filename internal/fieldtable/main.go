// Command fieldtable writes docs/fields.md: what each provider does about each
// field of a manifest. It owns the words and the layout of that page, and must
// not know any field or provider beyond what they state themselves: everything
// comes from manifest.Fields and from the Capabilities of real providers, which
// are built and never dialled. Its test fails when the page is not what it
// writes, when a cell is empty, and when a table names what no manifest has.
package main

import (
	"log"
	"log/slog"
	"os"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/vsphere"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: fieldtable FILE")
	}
	columns, err := stated()
	if err == nil {
		err = os.WriteFile(os.Args[1], []byte(page(columns, bare())), 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// column is one provider and what it states.
type column struct {
	name string
	caps *providers.Capabilities
}

// stated builds every provider and asks it.
func stated() ([]column, error) {
	nowhere := slog.New(slog.DiscardHandler)
	lv, err := libvirt.New(providers.Settings{Fleet: "fields", Endpoint: "qemu:///system"}, nowhere)
	if err != nil {
		return nil, err
	}
	vs, err := vsphere.New(providers.Settings{
		Fleet: "fields", Endpoint: "https://vcenter.example.com",
		Credentials: secret.Set{"username": secret.New("nobody"), "password": secret.New("nothing")},
	}, nowhere)
	if err != nil {
		return nil, err
	}
	model := memory.New(memory.Options{Settings: providers.Settings{Fleet: "fields"}})
	return []column{{"libvirt", lv.Capabilities()}, {"vsphere", vs.Capabilities()}, {"memory", model.Capabilities()}}, nil
}

// bare returns what can be done through servers that speak provider.v1 alone.
func bare() []column {
	return []column{
		{"vmsteward", remote.BareCapabilities("libvirt", true)}, {"libvirt", remote.BareCapabilities("libvirt", false)},
		{"vsphere", remote.BareCapabilities("vsphere", false)}, {"proxmox", remote.BareCapabilities("proxmox", false)},
		{"others", remote.BareCapabilities("", false)},
	}
}
