// Package logkey declares the keys of log attributes, once, so that every line
// about the same thing uses the same word. It knows nothing else; its use is
// checked wherever a test asserts a log line.
package logkey

// Keys of log attributes. Units are part of the name.
const (
	Component  = "component"
	Pass       = "pass"
	Source     = "source"
	Revision   = "revision"
	VM         = "vm"
	Provider   = "provider"
	Ref        = "ref"
	Action     = "action"
	Field      = "field"
	Wanted     = "wanted"
	Found      = "found"
	Disruption = "disruption"
	Reason     = "reason"
	Attempt    = "attempt"
	Kind       = "kind"
	Err        = "err"
	TookMS     = "took_ms"
	RetryInMS  = "retry_in_ms"
	DonePct    = "done_pct"
	Method     = "method" // of a call that a server answers
	Peer       = "peer"   // who makes it
	Code       = "code"   // of its status
)
