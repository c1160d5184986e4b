package server

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// target reads which VM a call acts on. It has an owner of our fleet.
func (s *steward) target(op string, m *stewardv1.Ref) (providers.Ref, error) {
	ref, err := wire.DecodeRef(m)
	if err != nil {
		return ref, malformed(op, ref.Owner, err)
	}
	return ref, s.ours(op, ref.Owner)
}

// look reads which VM a call looks at. That may be one without an owner.
func (s *steward) look(op string, m *stewardv1.Ref) (providers.Ref, error) {
	ref, err := wire.DecodeRef(m)
	if err != nil {
		return ref, malformed(op, ref.Owner, err)
	}
	if ref.Owner == (providers.Owner{}) {
		return ref, nil
	}
	return ref, s.ours(op, ref.Owner)
}

// ours refuses what belongs to another fleet, or to nobody.
func (s *steward) ours(op string, o providers.Owner) error {
	if o.Fleet == s.opts.Fleet && o.VM.Name != "" {
		return nil
	}
	return wire.Status(&providers.Error{
		Op: op, Subject: o.VM.String(), Kind: providers.Conflict,
		Err: fmt.Errorf("this server touches VMs of the fleet %q, not of %q", s.opts.Fleet, o.Fleet),
	})
}

// malformed is the answer to a request that says what cannot be.
func malformed(op string, o providers.Owner, err error) error {
	return wire.Status(&providers.Error{Op: op, Subject: o.VM.String(), Kind: providers.InvalidSpec, Err: err})
}

// without is the answer of a provider that does not have a part.
func without(op string) error {
	return wire.Status(&providers.Error{Op: op, Kind: providers.NotSupported, Err: fmt.Errorf("the provider of this server cannot do that")})
}
