// Package webhook owns the door a forge knocks on: it tells whether a delivery
// is genuine, whether it is about us and whether it is new, and then wakes
// whoever asked to be woken. A delivery is a hint, so that is all it can do. It
// must not know what a pass is, fetch anything, or act on what a body says; the
// signature is checked before the body is parsed, and its presence before the
// body is read. It is tested with deliveries in the documented form of each
// forge, with readers and parsers that fail when they are used too early, in
// bubbles of fake time, and by fuzzing whatever reads foreign text.
package webhook
