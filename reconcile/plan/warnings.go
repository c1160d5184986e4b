package plan

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// declared is what VMs set, for a provider. Those that set the same share one
// list.
type declared struct {
	first *string
	n     int
	caps  *providers.Capabilities
}

// unhonoured names what a VM sets and its provider does nothing about. Those
// that set the same share the answer, unless it hangs on the VM.
func (b *builder) unhonoured(w *manifest.VM, e *Endpoint) []string {
	if e.Caps.Honours == nil || len(w.Declared) == 0 {
		return nil
	}
	key := declared{&w.Declared[0], len(w.Declared), e.Caps}
	if known, ok := b.warned[key]; ok {
		return known
	}
	var out []string
	hangs := false
	for _, path := range w.Declared {
		if !e.Caps.Honours.Acts(path, w) {
			out = append(out, "not honoured by this provider: "+path)
		}
		if honour, ok := e.Caps.Honours.Of(path); ok && len(honour.Only) > 0 {
			hangs = true
		}
	}
	if !hangs {
		b.warned[key] = out
	}
	return out
}
