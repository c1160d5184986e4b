// Package interop holds the protocols against what others make of their
// description: the bytes of every message in golden files, and a second
// implementation of provider.v1 in another language, as a server and as a
// reader of those bytes. It has no code but its tests.
package interop
