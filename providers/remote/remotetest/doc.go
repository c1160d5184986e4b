// Package remotetest puts a wire into a test: an authority that signs
// certificates, a server in front of a provider, and clients of it. It owns
// nothing that a program runs, and knows no hypervisor. It is tested by the
// tests that stand on it.
package remotetest

// TB is what is needed of a test.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	TempDir() string
}
