package vsphere

import (
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// loggedOut tells whether a request was not executed because its session has
// ended: by its fault, or because every property that it asked for is missing
// for that reason, which is how a vCenter answers the property collector.
func loggedOut(err error, res soap.HasFault) bool {
	if isFault[*types.NotAuthenticated](err) {
		return true
	}
	if err != nil {
		return false
	}
	switch b := res.(type) {
	case *methods.RetrievePropertiesExBody:
		return b.Res != nil && b.Res.Returnval != nil && unauthenticated(b.Res.Returnval.Objects)
	case *methods.RetrievePropertiesBody:
		return b.Res != nil && unauthenticated(b.Res.Returnval)
	}
	return false
}

// bound tells whether a request goes on with what an earlier one began in the
// same session, and would mean nothing, or wait for ever, in another.
func bound(req soap.HasFault) bool {
	switch req.(type) {
	case *methods.WaitForUpdatesExBody, *methods.WaitForUpdatesBody, *methods.CheckForUpdatesBody,
		*methods.ContinueRetrievePropertiesExBody:
		return true
	}
	return false
}

func unauthenticated(objects []types.ObjectContent) bool {
	for i := range objects {
		for _, m := range objects[i].MissingSet {
			if _, is := m.Fault.Fault.(*types.NotAuthenticated); is {
				return true
			}
		}
	}
	return false
}
