package plan

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
)

// Confirm says whether an operation that destroys may still be made, given how
// the VM is described right before it. found is nil when the VM is not there.
// Operations that destroy nothing are always confirmed.
func Confirm(fleet string, it *Item, op Op, found *providers.VM) error {
	if op.Kind != DeleteVM || found == nil {
		return nil
	}
	switch m := found.Mark; {
	case m == nil || m.Owner != (providers.Owner{Fleet: fleet, VM: it.VM}):
		return fmt.Errorf("it does not carry the mark of %s any more", it.VM)
	case found.ID != it.ID:
		return fmt.Errorf("another machine (%s) stands in the place of %s", found.ID, it.ID)
	case !m.Retired.Equal(op.Retired):
		return fmt.Errorf("its mark of retirement has changed")
	case found.Power != providers.Off:
		return fmt.Errorf("it is not powered off any more, but %s", found.Power)
	}
	return nil
}
