package plan

import (
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

// poorer takes fields out of what the provider of an endpoint can change.
func (d *dice) poorer(e *Endpoint) {
	for _, f := range []providers.Field{
		providers.FieldAutostart, providers.FieldRetired, providers.FieldTags, providers.FieldCPU,
		providers.FieldMemory, providers.FieldDiskSize, providers.FieldNIC, providers.FieldSecureBoot,
	} {
		switch d.below(12) {
		case 11:
			delete(e.Caps.Change, f)
		case 10:
			e.Caps.Change[f] = pick(d, providers.Never, providers.Replace)
		}
	}
}

// claimed tells whether a change asks for nothing that the provider does not
// say it can change.
func claimed(ch *providers.Change, caps *providers.Capabilities) error {
	asked := map[providers.Field]bool{
		providers.FieldName: ch.Name != nil, providers.FieldCPU: ch.CPU != nil, providers.FieldMemory: ch.MemoryMiB != nil,
		providers.FieldDisk: len(ch.AddDisks) > 0, providers.FieldDiskSize: len(ch.GrowDisks) > 0,
		providers.FieldTags: ch.Tags != nil, providers.FieldAutostart: ch.Autostart != nil, providers.FieldRetired: ch.Retired != nil,
	}
	for f := range ch.Traits {
		asked[f] = true
	}
	can := []providers.Ability{providers.Live, providers.LiveInHeadroom, providers.Restart}
	for f, is := range asked {
		if a, ok := caps.Ability(f); is && (!ok || !slices.Contains(can, a)) {
			return fmt.Errorf("a change of %s, which its provider does not claim (%q)", f, a)
		}
	}
	return nil
}
