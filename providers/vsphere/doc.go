// Package vsphere is the provider for vCenter servers: virtual machines,
// templates and their devices, spoken to over the vSphere API. It owns the
// session, the words of vSphere (managed objects, faults, device keys, units)
// and their translation at the door; it must not know plans, retries,
// configuration files or the environment. It is tested against the simulator
// of package vcsim over TLS.
//
// From the bottom up: session*.go keep one login, translate.go gives faults
// their kind, inventory.go and watch.go read every VM in bulk, convert*.go say
// what was read in the contract's words, places*.go find what a manifest names,
// hardware.go, network.go, storage.go and guest.go describe what shall be,
// images*.go bring what VMs are made of, and create*.go, reconfigure.go,
// power.go, delete.go and snapshots.go act.
package vsphere
