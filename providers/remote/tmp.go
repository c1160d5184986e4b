package remote

import (
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

func decodeCapabilities(m *stewardv1.Capabilities) (*providers.Capabilities, error) {
	c := &providers.Capabilities{Change: map[providers.Field]providers.Ability{}, Concurrency: 16, MemoryShrinksLive: m.GetMemoryShrinksLive()}
	for k, v := range m.GetChange() {
		c.Change[providers.Field(k)] = providers.Ability(v)
	}
	return c, nil
}
