package libvirt

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
)

// rename gives the domain its name, which libvirt does to one that is off
// only.
func (e *edit) rename() error {
	want := e.change.Name
	if want == nil || e.dom.Name == *want {
		return nil
	}
	if e.active() {
		return &providers.Error{Kind: providers.Conflict, Err: fmt.Errorf("%s runs, and libvirt renames only what is off", e.dom.Name)}
	}
	if _, err := e.c.DomainRename(e.dom, []string{*want}, 0); err != nil {
		return fmt.Errorf("rename %s to %s: %w", e.dom.Name, *want, err)
	}
	e.dom.Name = *want
	if name := e.sheet.root.SelectElement("name"); name != nil {
		name.SetText(*want)
	}
	return nil
}
