package memory

import (
	"maps"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

const (
	bytesPerGiB = 1 << 30
	imageGiB    = 10 // size of every image
	macPrefix   = "52:54:00"
	headroom    = 4 // how many times its size a hot-add VM can grow to
)

// clone returns a deep copy.
func (m *machine) clone() *machine {
	c := *m
	c.Mark = cloneMark(m.Mark)
	c.Config = cloneHardware(m.Config)
	if m.Running != nil {
		r := cloneHardware(*m.Running)
		c.Running = &r
	}
	c.Tags = slices.Clone(m.Tags)
	return &c
}

func cloneMark(m *providers.Mark) *providers.Mark {
	if m == nil {
		return nil
	}
	c := *m
	c.MACs = maps.Clone(m.MACs)
	return &c
}

func cloneHardware(h providers.Hardware) providers.Hardware {
	h.Disks = slices.Clone(h.Disks)
	h.NICs = slices.Clone(h.NICs)
	return h
}

// poweredOff returns the machine after its plug was pulled.
func (m *machine) poweredOff() *machine {
	c := m.clone()
	c.Power, c.Running = providers.Off, nil
	return c
}

// poweredOn returns the machine after a start from its definition.
func (m *machine) poweredOn() *machine {
	c := m.clone()
	r := cloneHardware(c.Config)
	c.Power, c.Running = providers.On, &r
	c.Boots++
	return c
}

// shapes returns the hardware that a change applies to: the definition, and
// with live the machine that runs.
func (m *machine) shapes(live bool) []*providers.Hardware {
	if live && m.Running != nil {
		return []*providers.Hardware{&m.Config, m.Running}
	}
	return []*providers.Hardware{&m.Config}
}

// build returns the machine that a request asks for, powered off.
func build(req providers.CreateRequest, s providers.Settings, n Nature) *machine {
	vm := req.VM
	m := &machine{
		ID: req.Owner.UUID().String(), Name: vm.Key.Name, Power: providers.Off,
		Mark: &providers.Mark{
			Owner: req.Owner, CloudInit: vm.CloudInit.Digest, MACs: map[string]string{},
		},
		Config: providers.Hardware{
			CPU: providers.Known(vm.CPU), CPUMax: providers.Known(vm.CPU),
			Firmware: providers.Known(firmware(vm.Firmware)), DisksKnown: true, NICsKnown: true,
		},
		Tags: tagSet(vm.Tags, n.ExtraTags),
	}
	if vm.Image != nil {
		m.Mark.Image = vm.Image.Digest
	}
	if vm.CPUHotAdd {
		m.Config.CPUMax.Value *= headroom
	}
	mem := roundUp(vm.MemoryMiB, n.RoundMemoryMiB)
	m.Config.MemoryMiB, m.Config.MemoryMaxMiB = providers.Known(mem), providers.Known(mem)
	if vm.MemHotAdd {
		m.Config.MemoryMaxMiB.Value *= headroom
	}
	if t := providers.WantedTraits(vm); len(t) > 0 {
		m.Config.Traits = t
	}
	m.Autostart = vm.Autostart != nil && *vm.Autostart
	for _, d := range wantedDisks(req) {
		m.Config.Disks = append(m.Config.Disks, d)
	}
	for _, nic := range vm.NICs {
		made := makeNIC(nic, req.Owner, m.Mark.MACs, s, n)
		m.Config.NICs = append(m.Config.NICs, made)
		m.Mark.MACs[made.Name] = made.MAC
	}
	return m
}

// firmware returns what an empty choice means here.
func firmware(f manifest.Firmware) manifest.Firmware {
	if f == "" {
		return manifest.FirmwareBIOS
	}
	return f
}

// wantedDisks returns the disks of a request, the root disk first. Origin is
// the volume's name, or where an imported disk is.
func wantedDisks(req providers.CreateRequest) []providers.Disk {
	root := imageGiB
	origin := volumeName(req.Owner, providers.RootDiskName)
	if im := req.VM.Imported; im != nil {
		root, origin = im.SizeGiB, importedOrigin(im)
	}
	disks := []providers.Disk{makeDisk(providers.RootDiskName, origin, max(root, req.VM.RootDisk.SizeGiB))}
	for _, d := range req.VM.Disks {
		disks = append(disks, makeDisk(d.Name, volumeName(req.Owner, d.Name), d.SizeGiB))
	}
	return disks
}

func importedOrigin(im *manifest.ImportedDisk) string {
	if im.Path != "" {
		return im.Path
	}
	return im.ID
}

func makeDisk(name, origin string, gib int) providers.Disk {
	return providers.Disk{
		Name: name, Origin: origin,
		SizeGiB: providers.Known(gib), SizeBytes: providers.Known(int64(gib) * bytesPerGiB),
	}
}

// makeNIC returns the interface that a manifest asks for. An address that the
// interface was given before is kept when the manifest states none.
func makeNIC(nic manifest.NIC, o providers.Owner, given map[string]string, s providers.Settings, n Nature) providers.NIC {
	network, model := nicNames.Of(nic)
	if network == "" {
		network = s.Defaults.Network
	}
	if network == "" {
		network = "default"
	}
	if nic.Network == nil || nic.Network.Libvirt == nil || nic.Network.Libvirt.Model == "" {
		model = n.NICModel
	}
	if model == "" {
		model = defaultNICModel
	}
	mac := nic.MAC
	if mac == "" {
		mac = given[nic.Name]
	}
	if mac == "" {
		mac = o.MAC(macPrefix, nic.Name)
	}
	return providers.NIC{Name: nic.Name, Network: network, Model: model, MAC: mac}
}

// tagSet returns the sorted union.
func tagSet(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// roundUp returns the next multiple of unit; unit 0 changes nothing.
func roundUp(n, unit int64) int64 {
	if unit <= 0 {
		return n
	}
	return (n + unit - 1) / unit * unit
}
