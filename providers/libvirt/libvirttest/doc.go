// Package libvirttest starts private libvirt hosts for tests: a root libvirtd
// with QEMU (emulation, no KVM) in mount, network and process namespaces of
// its own, which sees nothing of the machine's own libvirt and vanishes with
// the test. It owns the hosts, the ways to reach them (socket, SSH, TLS, TCP)
// and a tiny guest that boots in seconds; it knows nothing of the provider
// that is tested with it. It is tested by itself.
package libvirttest
