package memory_test

import (
	"context"
	"maps"

	"github.com/vmsteward/vmsteward/providers"
)

func capabilityMutants() []mutant {
	stating := func(change func(*providers.Capabilities)) func(*broken) {
		return func(b *broken) {
			own := another(b)
			change(own)
			b.capabilities = func() *providers.Capabilities { return own }
		}
	}
	// reading calls fn at each Describe.
	reading := func(b *broken, fn func()) {
		b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
			fn()
			return b.Provider.Describe(ctx, ref)
		}
	}
	return []mutant{
		{"capabilities-are-stated", "nothing is stated of an endpoint that was reached", func(b *broken) {
			b.capabilities = func() *providers.Capabilities { return nil }
		}},
		{"capabilities-are-stated", "an ability is not in the contract's words", stating(func(c *providers.Capabilities) {
			c.Change[providers.FieldCPU] = "hot"
		})},
		{"capabilities-are-stated", "no call is possible", stating(func(c *providers.Capabilities) { c.Concurrency = 0 })},
		{"capabilities-are-stated", "networks have no names", stating(func(c *providers.Capabilities) { c.NIC = providers.NICNames{} })},
		{"capabilities-are-stated", "nothing is honoured", stating(func(c *providers.Capabilities) { c.Honours = nil })},
		{"capabilities-are-stated", "a text cannot be written", stating(func(c *providers.Capabilities) { c.NIC.DefaultModel = "\xff" })},
		{"capabilities-are-kept", "capabilities follow the moment", func(b *broken) {
			asked := 0
			b.capabilities = func() *providers.Capabilities {
				asked++
				c := another(b)
				c.Concurrency = asked
				return c
			}
		}},
		{"capabilities-are-kept", "each call has its own answer", func(b *broken) {
			b.capabilities = func() *providers.Capabilities { return another(b) }
		}},
		{"capabilities-are-kept", "each read makes another answer of the same", func(b *broken) {
			own := another(b)
			b.capabilities = func() *providers.Capabilities { return own }
			reading(b, func() { own = another(b) })
		}},
		{"capabilities-are-kept", "a read changes what was stated", func(b *broken) {
			own := another(b)
			b.capabilities = func() *providers.Capabilities { return own }
			reading(b, func() { own.Concurrency++ })
		}},
	}
}

// another returns a copy of what the provider states.
func another(b *broken) *providers.Capabilities {
	c := *b.Provider.Capabilities()
	c.Change = maps.Clone(c.Change)
	return &c
}
