// Package interop holds provider.v1 against what others make of its
// description: the bytes of every message in a golden file, and a second
// implementation in another language, as a reader of those bytes, as a server
// and as a client. It has no code but its tests.
package interop
