package remote

import (
	"slices"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

var _ providers.Partial = (*Provider)(nil)

// Has implements providers.Partial: what the server that was reached last said
// that it offers.
func (p *Provider) Has(power providers.Power) bool {
	has := p.powers.Load()
	return has == nil || slices.Contains(*has, power)
}

// offered notes the powers of the server that was reached.
func (p *Provider) offered(powers ...providers.Power) { p.powers.Store(&powers) }

// powersOf names the powers that are parts of the extension.
func powersOf(parts []stewardv1.Part) (powers []providers.Power) {
	for _, part := range parts {
		switch part {
		case stewardv1.Part_PART_LIST:
			powers = append(powers, providers.Listing)
		case stewardv1.Part_PART_WATCH:
			powers = append(powers, providers.Watching)
		case stewardv1.Part_PART_SWEEP:
			powers = append(powers, providers.Sweeping)
		case stewardv1.Part_PART_SNAPSHOTS:
			powers = append(powers, providers.Snapshotting)
		}
	}
	return powers
}
