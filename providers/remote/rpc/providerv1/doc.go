// Package providerv1 is the provider protocol of VirtRigaud, provider.v1, as "make gen"
// writes it from the schema beside it. Nothing in it is written by hand.
package providerv1
