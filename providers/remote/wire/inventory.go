package wire

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeProblem makes the message of what an inventory could not read.
func EncodeProblem(p *providers.Problem) *stewardv1.Problem {
	return &stewardv1.Problem{Id: text(p.ID), Name: text(p.Name), Failure: EncodeFailure(p.Err)}
}

// DecodeProblem reads what an inventory could not read. It always has an error.
func DecodeProblem(m *stewardv1.Problem) providers.Problem {
	p := providers.Problem{ID: m.GetId(), Name: m.GetName(), Err: DecodeFailure(m.GetFailure())}
	if p.Err == nil {
		p.Err = &providers.Error{Op: "list", Subject: p.Name, Kind: providers.Unrecognised, Err: fmt.Errorf("the peer does not say why")}
	}
	return p
}

// EncodeLeftover makes the message of a leftover.
func EncodeLeftover(l *providers.Leftover) *stewardv1.Leftover {
	return &stewardv1.Leftover{Id: text(l.ID), Owner: EncodeOwner(l.Owner)}
}

// DecodeLeftover reads a leftover. One without an id is an error.
func DecodeLeftover(m *stewardv1.Leftover) (providers.Leftover, error) {
	l := providers.Leftover{ID: m.GetId(), Owner: DecodeOwner(m.GetOwner())}
	if l.ID == "" {
		return providers.Leftover{}, fmt.Errorf("a leftover of %s has no id", l.Owner)
	}
	return l, nil
}
