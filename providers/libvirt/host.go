package libvirt

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

const (
	typeKVM  = "kvm"
	typeQEMU = "qemu"
)

// hostFacts is what new domains depend on: how and for what the host runs its
// guests.
type hostFacts struct {
	domainType string
	arch       string
	machine    string
	cpuVendor  string
}

func (h hostFacts) x86() bool { return h.arch == "x86_64" }

// pcie tells whether the machine type has PCI Express root ports.
func (h hostFacts) pcie() bool { return h.machine == "q35" || h.machine == "virt" }

// nestedFeature returns the CPU feature that lets a guest run guests, or "".
func (h hostFacts) nestedFeature() string {
	switch h.cpuVendor {
	case "Intel":
		return "vmx"
	case "AMD":
		return "svm"
	}
	return ""
}

// capabilitiesXML is the part of the host's capabilities that is read.
type capabilitiesXML struct {
	Arch   string `xml:"host>cpu>arch"`
	Vendor string `xml:"host>cpu>vendor"`
	Guests []struct {
		OSType string `xml:"os_type"`
		Arch   struct {
			Name    string `xml:"name,attr"`
			Domains []struct {
				Type string `xml:"type,attr"`
			} `xml:"domain"`
		} `xml:"arch"`
	} `xml:"guest"`
}

// hostFrom reads the facts: guests of the host's own architecture, on KVM
// where libvirt offers it and under emulation elsewhere.
func hostFrom(doc string) (hostFacts, error) {
	var caps capabilitiesXML
	if err := xml.Unmarshal([]byte(doc), &caps); err != nil {
		return hostFacts{}, fmt.Errorf("read the host's capabilities: %w", err)
	}
	h := hostFacts{arch: caps.Arch, cpuVendor: strings.TrimSpace(caps.Vendor)}
	for _, g := range caps.Guests {
		if g.OSType != "hvm" || g.Arch.Name != caps.Arch {
			continue
		}
		for _, d := range g.Arch.Domains {
			if d.Type == typeKVM || d.Type == typeQEMU && h.domainType == "" {
				h.domainType = d.Type
			}
		}
	}
	if h.domainType == "" {
		return hostFacts{}, &providers.Error{
			Kind: providers.NotSupported,
			Err:  fmt.Errorf("the host runs no hvm guests of its own architecture %q; install QEMU for it", caps.Arch),
		}
	}
	switch h.arch {
	case "x86_64":
		h.machine = "q35"
	case "aarch64":
		h.machine = "virt"
	}
	return h, nil
}

// hostFacts returns the facts, read once in the provider's life.
func (p *Provider) hostFacts(ctx context.Context) (hostFacts, error) {
	p.mu.Lock()
	h := p.host
	p.mu.Unlock()
	if h != nil {
		return *h, nil
	}
	var read hostFacts
	err := p.do(ctx, "capabilities", "", work, func(c *golibvirt.Libvirt) error {
		doc, err := c.ConnectGetCapabilities()
		if err != nil {
			return err
		}
		read, err = hostFrom(doc)
		return err
	})
	if err != nil {
		return hostFacts{}, err
	}
	p.mu.Lock()
	p.host = &read
	p.mu.Unlock()
	return read, nil
}
