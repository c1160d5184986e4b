package manifest

import "fmt"

// claim is something on one provider that only one VM can have.
type claim struct {
	provider Key
	network  Key // of an address; zero otherwise
	what     string
}

// conflicts holds VMs that cannot live beside each other on one provider: of
// the same name, or with the same hardware address. A VM that is held for
// another reason claims as well, for it may exist. Equal guest addresses on one
// network are a Warning, for a guest may not use them at the same time.
func (r *resolver) conflicts(candidates []*candidate) {
	hard, soft := make(map[claim][]*candidate), make(map[claim][]*candidate)
	for _, c := range candidates {
		if c.provider == (Key{}) {
			continue
		}
		for cl := range c.claims() {
			hard[cl] = append(hard[cl], c)
		}
		for cl := range c.addresses() {
			soft[cl] = append(soft[cl], c)
		}
	}
	for cl, rivals := range hard {
		for i, c := range rivals {
			if len(rivals) > 1 {
				c.hold(cl.finding(Error, c, rivals[(i+1)%len(rivals)]))
			}
		}
	}
	for cl, rivals := range soft {
		for i, c := range rivals {
			if len(rivals) > 1 {
				r.findings = append(r.findings, cl.finding(Warning, c, rivals[(i+1)%len(rivals)]))
			}
		}
	}
}

// claims is what a candidate needs for itself.
func (c *candidate) claims() map[claim]bool {
	all := map[claim]bool{{provider: c.provider, what: "name " + c.key.Name}: true}
	for _, mac := range c.macs {
		all[claim{provider: c.provider, what: "hardware address " + mac}] = true
	}
	return all
}

// addresses is the guest addresses of a candidate that is resolved.
func (c *candidate) addresses() map[claim]bool {
	all := make(map[claim]bool)
	if c.vm == nil {
		return all
	}
	for _, nic := range c.vm.NICs {
		if nic.Network != nil && nic.Static != nil {
			all[claim{c.provider, nic.Network.Key, "address " + nic.Static.Address}] = true
		}
	}
	return all
}

func (cl claim) finding(severity Severity, c, other *candidate) Finding {
	return Finding{
		At: c.docs[0].At, Severity: severity, Kind: KindVirtualMachine, Object: c.key,
		Message: fmt.Sprintf("%s is wanted by %s at %s too, on the same provider %s",
			cl.what, other.key, other.docs[0].At, cl.provider),
		Hint: "change one of them",
	}
}
