// Package reconcile is sequence: one pass reads the desired state, observes
// every endpoint, has the plan built, executes it call by call with an intent
// in the journal before each effect and its outcome after, verifies by
// describing again, and records. It owns pacing, retries and the only table
// from kinds of errors to verdicts. It must not know hypervisor words, Git
// words or flags, and it decides nothing about a VM. It is tested on the
// memory provider in a synctest bubble, with a crash between every two steps.
package reconcile
