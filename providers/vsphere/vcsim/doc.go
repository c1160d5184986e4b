// Package vcsim runs the vCenter simulator of govmomi inside the process, over
// TLS, made stricter where it lets through what a vCenter refuses, and with
// access that does not go through the provider. The demo and the tests of the
// vSphere provider run on it.
package vcsim
