// Package libvirt is the provider for hosts that libvirt runs: QEMU domains,
// directory pools and networks, spoken to over libvirt's own RPC. It owns the
// connections, the libvirt words (XML, error numbers, units) and their
// translation at the door; it must not know plans, retries, configuration
// files or the environment. It is tested against private libvirt hosts, see
// libvirttest, and skips without them.
//
// From the bottom up: uri.go says where a host is, dial*.go reach it, conn*.go
// make one connection that can be taken away from a stuck call, session*.go
// share connections among calls, translate.go gives errors their kind.
package libvirt
