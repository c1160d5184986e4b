// Package remote is a provider behind a wire: it speaks the provider protocol
// to a server that has the hypervisor. It owns the way to the server (address,
// TLS, connections), what both sides agree on at the beginning of a connection,
// and the meaning of what comes back. With a server that knows the extension it
// is as good as one that is built in; with one that knows provider.v1 alone it
// does what that can carry, and remembers in a ledger what is ours. It must not
// know any hypervisor, and nothing of plans. It is tested by the contract suite
// over TLS, with and without the extension, and by servers that die, stall, lie
// or were replaced in between.
package remote
