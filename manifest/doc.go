// Package manifest is the vocabulary of the desired state: the kinds of
// infra.virtrigaud.io/v1beta1 as they are written, their validation with
// file, line and column, and the resolution of references into one flat VM
// per VirtualMachine with a canonical digest. It must not know where files
// come from, any hypervisor, the time, or the present reality. It is tested by
// tables, by the corpus of real manifests, and by fuzzing the decoder.
package manifest
