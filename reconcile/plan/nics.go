package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// nics compares the interfaces, by the name that each was given.
func (c *comparison) nics() {
	if !c.f.Config.NICsKnown {
		return
	}
	for i := range c.w.NICs {
		first := len(c.found)
		c.nic(&c.w.NICs[i])
		asOne(c.found[first:])
	}
	for i := range c.f.Config.NICs {
		c.extraNIC(&c.f.Config.NICs[i])
	}
	if c.f.Running == nil || !c.f.Running.NICsKnown {
		return
	}
	for i := range c.f.Running.NICs {
		if n := &c.f.Running.NICs[i]; !hasNIC(&c.f.Config, n) {
			c.extraNIC(n)
		}
	}
}

// asOne lets the differences of one interface cost the same, because it is
// replaced as a whole.
func asOne(found []difference) {
	for i := range found {
		if found[i].Where != found[0].Where {
			for j := range found {
				found[j].Where = Both
			}
		}
	}
	if !slices.ContainsFunc(found, func(d difference) bool { return d.Disruption == Restart }) {
		return
	}
	for i := range found {
		if d := &found[i]; d.Disruption == Live {
			d.Disruption, d.Reason = Restart, "an interface is replaced as a whole, and the rest needs a restart"
		}
	}
}

// extraNIC takes away an interface that the manifest does not have.
func (c *comparison) extraNIC(n *providers.NIC) {
	if n.Name != "" && slices.ContainsFunc(c.w.NICs, func(w manifest.NIC) bool { return w.Name == n.Name }) {
		return
	}
	ref := providers.NICRef{Name: n.Name}
	if n.Name == "" {
		ref.MAC = n.MAC
	}
	id := cmp.Or(n.Name, n.MAC)
	c.differ(providers.FieldNIC, difference{
		Diff: Diff{
			Field: named("nics", id, ""), Where: c.nicSide(n), Wanted: absent, Found: fmt.Sprintf("%s on %s", n.Model, n.Network),
		},
		nic:   id,
		apply: func(ch *providers.Change) { ch.RemoveNICs = append(ch.RemoveNICs, ref) },
	})
}

// nicSide tells on which side of the machine an interface is.
func (c *comparison) nicSide(n *providers.NIC) Where {
	if c.f.Running == nil || !c.f.Running.NICsKnown {
		return Both
	}
	switch def, run := hasNIC(&c.f.Config, n), hasNIC(c.f.Running, n); {
	case def && !run:
		return Definition
	case run && !def:
		return Running
	}
	return Both
}

// hasNIC tells whether a side has the interface: by its name, or by its
// address when it has none.
func hasNIC(h *providers.Hardware, n *providers.NIC) bool {
	return slices.ContainsFunc(h.NICs, func(o providers.NIC) bool {
		return o.Name == n.Name && (n.Name != "" || o.MAC == n.MAC)
	})
}

func (c *comparison) nic(w *manifest.NIC) {
	where, _, missing := sides(c.f, false, func(h *providers.Hardware) providers.Opt[bool] {
		return providers.Opt[bool]{Value: findNIC(h, w.Name) == nil, Known: h.NICsKnown}
	})
	if missing {
		c.differ(providers.FieldNIC, difference{
			Diff:  Diff{Field: named("nics", w.Name, ""), Where: where, Wanted: describeNIC(c.caps, *w), Found: absent},
			nic:   w.Name,
			apply: putNIC(w, c.wantedMAC(w)),
		})
		return
	}
	network, model := c.caps.NIC.Of(*w)
	c.nicField(providers.FieldNICNetwork, w, "network", network, func(f *providers.NIC) string { return f.Network })
	c.nicField(providers.FieldNICModel, w, "model", model, func(f *providers.NIC) string { return f.Model })
	c.nicField(providers.FieldNICMAC, w, "mac", c.wantedMAC(w), func(f *providers.NIC) string { return f.MAC })
}

// putNIC adds the interface to a change once, whatever differs about it.
func putNIC(w *manifest.NIC, mac string) func(*providers.Change) {
	return func(ch *providers.Change) {
		if slices.ContainsFunc(ch.AddNICs, func(have manifest.NIC) bool { return have.Name == w.Name }) {
			return
		}
		n := *w
		n.MAC = mac
		ch.AddNICs = append(ch.AddNICs, n)
	}
}

// wantedMAC is the manifest's address, or else the one that the interface was
// given.
func (c *comparison) wantedMAC(w *manifest.NIC) string {
	return cmp.Or(w.MAC, c.f.Mark.MACs[w.Name])
}

func describeNIC(caps *providers.Capabilities, n manifest.NIC) string {
	network, model := caps.NIC.Of(n)
	switch {
	case network == "":
		return "present"
	case model == "":
		return network
	}
	return model + " on " + network
}

func (c *comparison) nicField(field providers.Field, w *manifest.NIC, label, want string, get func(*providers.NIC) string) {
	if want == "" {
		return
	}
	where, found, differs := sides(c.f, want, func(h *providers.Hardware) providers.Opt[string] {
		if n := findNIC(h, w.Name); n != nil && get(n) != "" {
			return providers.Known(get(n))
		}
		return providers.Opt[string]{}
	})
	if !differs {
		return
	}
	c.differ(field, difference{
		Diff:  Diff{Field: named("nics", w.Name, label), Where: where, Wanted: want, Found: found},
		nic:   w.Name,
		given: field == providers.FieldNICMAC && w.MAC == "",
		apply: putNIC(w, c.wantedMAC(w)),
	})
}

func findNIC(h *providers.Hardware, name string) *providers.NIC {
	for i := range h.NICs {
		if h.NICs[i].Name == name {
			return &h.NICs[i]
		}
	}
	return nil
}
