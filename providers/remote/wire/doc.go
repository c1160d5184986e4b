// Package wire turns the contract's values into messages of the extension and
// back: Encode makes a message, Decode reads one. It owns what is on the wire
// and nothing else: it opens no connection and knows no server and no client.
//
// Nothing is lost on the way: what is unknown stays unknown, what is known to
// be empty stays that. A message comes from a peer that may say anything, so
// decoding checks it, and gives an error that names what is wrong and never a
// value that a provider could not have meant. A message without a part has that
// part's zero value.
//
// It is tested by filling every field of every value of the contract, by the
// bytes of every message, and by fuzzing.
package wire
