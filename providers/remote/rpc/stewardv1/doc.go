// Package stewardv1 is the extension of the provider protocol, vmsteward.provider.v1, as "make gen"
// writes it from the schema beside it. Nothing in it is written by hand.
package stewardv1
