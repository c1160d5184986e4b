// Package vcsim is a vCenter to test and to demonstrate against: govmomi's
// simulator behind TLS, with an inventory of several datacenters, made to
// refuse what a vCenter refuses, and with ways to count its calls, to let them
// fail, to end its sessions and to cut its line. It owns nothing that a real
// vCenter would see; it must not know the provider. It is tested by what it
// refuses.
//
// Every server has an inventory, a certificate and an address of its own, on
// loopback.
package vcsim
