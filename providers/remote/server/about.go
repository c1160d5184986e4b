package server

import (
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// about returns the VM and the id that a request is about, for the log; nothing
// else of it is ever told there.
func about(req any) (vm, ref string) {
	owner := func(o *stewardv1.Owner) string {
		if o == nil {
			return ""
		}
		return wire.DecodeOwner(o).VM.String()
	}
	switch r := req.(type) {
	case interface{ GetRef() *stewardv1.Ref }:
		return owner(r.GetRef().GetOwner()), r.GetRef().GetId()
	case interface{ GetOwner() *stewardv1.Owner }:
		return owner(r.GetOwner()), ""
	case interface{ GetId() string }:
		return "", r.GetId()
	case interface{ GetVmId() string }:
		return "", r.GetVmId()
	case interface{ GetName() string }:
		return r.GetName(), ""
	}
	return "", ""
}
