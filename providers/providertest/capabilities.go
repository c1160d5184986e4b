package providertest

import (
	"context"
	"encoding/json"

	"github.com/vmsteward/vmsteward/providers"
)

func capabilityChecks() []Check {
	return []Check{{
		"capabilities-are-stated", "Of an endpoint that was reached, Capabilities names known abilities, how interfaces are named, what is honoured, and one call at once or more; it is plain data.",
		capabilitiesStated,
	}, {
		"capabilities-are-kept", "Capabilities returns the same pointer for as long as it states the same, and what was returned never changes.",
		capabilitiesKept,
	}}
}

func capabilitiesStated(ctx context.Context, e *Env) error {
	_, stated := e.P.(providers.Capable)
	if !e.need(stated, "Capable") || !e.ok("validate", e.call(ctx, e.P.Validate)) {
		return e.Err()
	}
	caps := e.stated()
	for field, ability := range caps.Change {
		switch ability {
		case providers.Live, providers.LiveInHeadroom, providers.Restart, providers.Replace, providers.Never, providers.Uncompared:
		default:
			e.failf("the ability to change %s is %q", field, ability)
		}
	}
	if caps.Concurrency < 1 || len(caps.Change) == 0 || len(caps.NIC.Network) == 0 || len(caps.Honours) == 0 {
		e.failf("capabilities are incomplete: concurrency %d, %d fields that change, %d names of networks, %d fields that are honoured",
			caps.Concurrency, len(caps.Change), len(caps.NIC.Network), len(caps.Honours))
	}
	text := e.spelled(caps)
	var read providers.Capabilities
	e.ok("read the capabilities from their JSON", json.Unmarshal([]byte(text), &read))
	if again := e.spelled(&read); again != text {
		e.failf("the capabilities are not what their JSON says: %s, then %s", text, again)
	}
	return e.Err()
}

func capabilitiesKept(ctx context.Context, e *Env) error {
	c, stated := e.P.(providers.Capable)
	if !e.need(stated, "Capable") || !e.ok("validate", e.call(ctx, e.P.Validate)) {
		return e.Err()
	}
	first := c.Capabilities()
	if first != c.Capabilities() {
		e.failf("two calls in a row return two pointers")
	}
	before := e.spelled(first)
	e.made(ctx, "a")
	if l, ok := providers.As[providers.Lister](e.P); ok && !e.failed() {
		_, err := l.List(ctx)
		e.ok("list", err)
	}
	if after := e.spelled(first); after != before {
		e.failf("what was stated has changed from %s to %s", before, after)
	}
	if now := c.Capabilities(); now != first && e.spelled(now) == before {
		e.failf("the same is stated by another pointer")
	}
	return e.Err()
}

// spelled returns the capabilities as JSON, which has a fixed order.
func (e *Env) spelled(caps *providers.Capabilities) string {
	text, err := json.Marshal(caps)
	e.ok("write the capabilities as JSON", err)
	return string(text)
}
