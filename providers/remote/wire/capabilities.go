package wire

import (
	"maps"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeCapabilities makes the message of what a provider states about itself.
func EncodeCapabilities(c *providers.Capabilities) *stewardv1.Capabilities {
	m := &stewardv1.Capabilities{
		MemoryShrinksLive: c.MemoryShrinksLive, Concurrency: int64(c.Concurrency),
		Nic: &stewardv1.NICNames{
			Network: c.NIC.Network, LastElement: c.NIC.LastElement, Model: c.NIC.Model, DefaultModel: c.NIC.DefaultModel,
		},
	}
	for f, a := range c.Change {
		if m.Change == nil {
			m.Change = make(map[string]string, len(c.Change))
		}
		m.Change[string(f)] = string(a)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Honours)) {
		h := c.Honours[path]
		m.Honours = append(m.Honours, &stewardv1.Honour{
			Path: path, Act: string(h.Act), Field: string(h.Field), Only: h.Only, Note: text(h.Note),
		})
	}
	return m
}

// DecodeCapabilities reads what a provider states about itself. What a newer
// one states that we do not know is taken for the least: a field that is not
// changed, or that has no effect.
func DecodeCapabilities(m *stewardv1.Capabilities) (*providers.Capabilities, error) {
	var s scan
	c := &providers.Capabilities{
		MemoryShrinksLive: m.GetMemoryShrinksLive(), Concurrency: s.count("concurrency", m.GetConcurrency()),
		NIC: providers.NICNames{
			Network: m.GetNic().GetNetwork(), LastElement: m.GetNic().GetLastElement(),
			Model: m.GetNic().GetModel(), DefaultModel: m.GetNic().GetDefaultModel(),
		},
		Change: make(map[providers.Field]providers.Ability, len(m.GetChange())), Honours: make(providers.Honours, len(m.GetHonours())),
	}
	for f, a := range m.GetChange() {
		c.Change[s.field(f)] = abilityOf(a)
	}
	for _, h := range m.GetHonours() {
		if h.GetPath() == "" {
			s.fail("a field that is honoured has no path")
			continue
		}
		c.Honours[h.Path] = providers.Honour{Act: actOf(h.Act), Field: providers.Field(h.Field), Only: h.Only, Note: h.Note}
	}
	return c, s.err
}

func abilityOf(name string) providers.Ability {
	switch a := providers.Ability(name); a {
	case providers.Live, providers.LiveInHeadroom, providers.Restart, providers.Replace, providers.Never, providers.Uncompared:
		return a
	}
	return providers.Never
}

func actOf(name string) providers.Act {
	switch a := providers.Act(name); a {
	case providers.Apply, providers.AtCreation, providers.Follow, providers.Elsewhere, providers.Describe, providers.Refuse, providers.Ignore:
		return a
	}
	return providers.Ignore
}
