package vcsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// open are the methods that need no session. The simulator lets more pass.
var open = map[string]bool{"Login": true, "LoginByToken": true, "RetrieveServiceContent": true}

// lawful are the methods that the law carries out in place of the simulator.
var lawful = map[string]bool{
	"CloneVM_Task": true, "CreateVM_Task": true, "ReconfigVM_Task": true, "Rename_Task": true,
	"PowerOnVM_Task": true, "PowerOffVM_Task": true, "Destroy_Task": true,
	"ShutdownGuest": true, "RebootGuest": true, "CreateSnapshot_Task": true, "CreateSnapshotEx_Task": true,
	"RevertToSnapshot_Task": true,
	"FindByUuid":            true, "FindAllByUuid": true,
	"RetrievePropertiesEx": true, "ContinueRetrievePropertiesEx": true,
}

// waiting are the methods of streams, which the law carries out for everybody.
var waiting = map[string]bool{"WaitForUpdatesEx": true, "CancelWaitForUpdates": true, "DestroyPropertyCollector": true}

// law does what the simulator does, and refuses before it what a vCenter
// refuses. It is an object of the registry to which calls are redirected; the
// object that a call is about is in the request.
type law struct {
	s     *Server
	index *index
	Self  types.ManagedObjectReference
}

// lawType is the type of the objects that a vCenter does not have.
const lawType = "Law"

func newLaw(s *Server) *law {
	return &law{s: s, index: newIndex(), Self: types.ManagedObjectReference{Type: lawType, Value: "law"}}
}

// Reference implements mo.Reference.
func (l *law) Reference() types.ManagedObjectReference { return l.Self }

// Lock implements sync.Locker: the simulator shall not serialise the calls.
func (l *law) Lock() {}

// Unlock implements sync.Locker.
func (l *law) Unlock() {}

// judge is called before each call of the simulator.
func (s *Server) judge(ctx *simulator.Context, m *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if ctx.Session == nil {
		if open[m.Name] {
			return nil, nil
		}
		return nil, &types.NotAuthenticated{
			NoPermission: types.NoPermission{Object: &m.This, PrivilegeId: "System.View"},
		}
	}
	inside := ctx.Session.UserName == "" // an administrator, see Server.Client
	if !inside {
		s.sessions.note(ctx.Session)
	}
	if waiting[m.Name] || lawful[m.Name] && !inside {
		m.This = s.law.Self
	}
	return nil, nil
}

// machine returns a VM of the simulator.
func machine(ctx *simulator.Context, ref types.ManagedObjectReference) (*simulator.VirtualMachine, types.BaseMethodFault) {
	vm, ok := ctx.Map.Get(ref).(*simulator.VirtualMachine)
	if !ok {
		return nil, &types.ManagedObjectNotFound{Obj: ref}
	}
	return vm, nil
}

// faultBody answers a call with a fault.
type faultBody struct{ Reason *soap.Fault }

// Fault implements soap.HasFault.
func (b *faultBody) Fault() *soap.Fault { return b.Reason }

func refuse(f types.BaseMethodFault) soap.HasFault {
	return &faultBody{Reason: simulator.Fault("", f)}
}

// anything allows what the simulator allows.
func anything(*simulator.VirtualMachine) types.BaseMethodFault { return nil }

// noTemplate refuses what cannot be done with a template.
func noTemplate(vm *simulator.VirtualMachine) types.BaseMethodFault {
	if vm.Config.Template {
		return &types.MethodDisabled{}
	}
	return nil
}

// hasSnapshot tells whether a tree has the snapshot.
func hasSnapshot(tree []types.VirtualMachineSnapshotTree, ref types.ManagedObjectReference) bool {
	return slices.ContainsFunc(tree, func(s types.VirtualMachineSnapshotTree) bool {
		return s.Snapshot == ref || hasSnapshot(s.ChildSnapshotList, ref)
	})
}
