package seed

import (
	"github.com/vmsteward/vmsteward/manifest"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// nothingToDo is user data that does nothing. It keeps a server from inventing
// some for a VM that has none.
const nothingToDo = "#cloud-config\n{}\n"

// firstBoot puts the first-boot data, which is secret, into a request.
func firstBoot(p *Peer, vm *manifest.VM, req *pb.CreateRequest) {
	if ci := vm.CloudInit; !ci.Empty() {
		req.UserData, req.MetaData = []byte(ci.UserData.Reveal()), []byte(ci.MetaData.Reveal())
	}
	if p.Defaults && len(req.UserData) == 0 {
		req.UserData = []byte(nothingToDo)
	}
}
