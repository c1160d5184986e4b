// Package memorytest is the hypervisor in memory as the contract suite reaches
// around its provider. It is used by the tests of whatever offers one.
package memorytest

import (
	"context"
	"errors"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

// Elsewhere plugs an interface into another network.
func Elsewhere(nic *manifest.NIC) {
	nic.Network = &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Network: "other"}}
}

// Outside does what happens to a hypervisor without its provider.
func Outside(hv *memory.Hypervisor) providertest.Outside {
	o := hv.Outside()
	return providertest.Outside{
		Foreign: func(_ context.Context, name string) (string, func(context.Context) error, error) {
			id, err := o.AddForeign(memory.Foreign{Name: name})
			return id, func(context.Context) error {
				return errors.Join(o.Undefine(id), o.RemoveVolume("images/"+name+".img"))
			}, err
		},
		SetCPU:   func(_ context.Context, id string, n int) error { return o.SetCPU(id, n, false) },
		SetMark:  func(_ context.Context, id string, mark *providers.Mark) error { return o.SetMark(id, mark) },
		Undefine: func(_ context.Context, id string) error { return o.Undefine(id) },
		Suspend:  func(_ context.Context, id string) error { return o.Suspend(id) },
		Deafen:   func(_ context.Context, id string) error { return o.Deafen(id, true) },
		Blur:     func(_ context.Context, id string, on bool) error { return o.Blur(id, on) },
		Volumes:  func(context.Context) ([]string, error) { return o.Volumes(), nil },
		LeaveVolume: func(_ context.Context, owner providers.Owner) (func(context.Context) error, error) {
			name, err := o.LeaveVolume(owner, "root", 1)
			return func(context.Context) error { return o.RemoveVolume(name) }, err
		},
		LoseImage: func(vm *manifest.VM) {
			_ = o.RemoveImage("lost")
			vm.Image = &manifest.Image{
				Key: manifest.Key{Namespace: "default", Name: "lost"}, Digest: "sha256:lost", Libvirt: &manifest.LibvirtImage{Path: "lost"},
			}
		},
		AttachDisk: func(_ context.Context, id string) (func(context.Context) error, error) {
			name := "images/" + id + "-attached.img"
			return func(context.Context) error { return o.RemoveVolume(name) }, o.AttachDisk(id, name, 1)
		},
		ImportDisk: func(context.Context) (manifest.ImportedDisk, func(context.Context) error, error) {
			const name = "images/imported.img"
			return manifest.ImportedDisk{ID: "imported", Path: name, SizeGiB: 2},
				func(context.Context) error { return o.RemoveVolume(name) }, o.AddVolume(name, 2)
		},
		LoseNetwork: func(nic *manifest.NIC) {
			_ = o.RemoveNetwork("lost")
			nic.Network = &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Network: "lost"}}
		},
		Interrupt: func(op string, n int) func() {
			hv.OnStep(func(s memory.Step) error {
				if s.Op == op && s.N == n {
					return errors.New("interrupted")
				}
				return nil
			})
			return func() { hv.OnStep(nil) }
		},
		Deny: func() func() {
			hv.Inject(memory.Fault{Kind: providers.Unauthorized, Times: -1})
			return hv.Heal
		},
		Cut: func() func() { hv.Cut(); return hv.Restore },
		Stall: func() func() {
			hv.Inject(memory.Fault{Hang: true, Times: -1})
			return hv.Heal
		},
	}
}
