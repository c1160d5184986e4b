package interop

import (
	"errors"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// TestContract runs the contract suite through our client against the second
// implementation. What is skipped is what the protocol has no word for, or what
// only somebody beside the server could do.
func TestContract(t *testing.T) {
	kept := &remotetest.Ledger{}
	target := providertest.Target{
		Fleet: "test",
		Connect: remotetest.Worded(providers.Settings{
			Fleet: "test", Type: "demo", Endpoint: "grpc://" + startSecond(t), Ledger: kept,
		}),
		VM: func(key manifest.Key) *manifest.VM {
			vm := wanted(key.Name)
			vm.Key, vm.Disks, vm.NICs[0].MAC = key, nil, ""
			return vm
		},
		Poll: time.Millisecond,
	}
	tried := 0
	for _, c := range providertest.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			err := providertest.Try(t.Context(), target, c)
			var skip *providertest.Skip
			if errors.As(err, &skip) {
				t.Skip(skip.Reason)
			}
			if err != nil {
				t.Errorf("%s\nbroken: %v", c.Promise, err)
			}
			tried++
		})
	}
	if left, _ := kept.Load(); len(left) > 0 {
		t.Errorf("the ledger still has %v", left)
	}
	if tried < mustTry {
		t.Errorf("%d promises are kept, want at least %d", tried, mustTry)
	}
}

// mustTry is how many promises need nothing beside the server: the others are
// about what the protocol does not carry, or about what befalls the endpoint.
const mustTry = 45
