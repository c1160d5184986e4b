package remote_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

// ledger is one that lives as long as the test.
type ledger struct {
	mu      sync.Mutex
	entries map[providers.Owner]providers.LedgerEntry
}

func newLedger() *ledger { return &ledger{entries: map[providers.Owner]providers.LedgerEntry{}} }

func (l *ledger) Load() ([]providers.LedgerEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.entries)), nil
}

func (l *ledger) Put(e providers.LedgerEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[e.Mark.Owner] = e
	return nil
}

func (l *ledger) Drop(o providers.Owner) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, o)
	return nil
}

// offered is what provider.v1 has words for; the rest is NotSupported.
type offered struct {
	providers.Provider
	providers.Lister
	providers.Capable
	providers.Closer
}

const (
	noWord  = "provider.v1 has no word for it"
	notSeen = "provider.v1 does not tell of it, so that it is neither compared nor changed"
)

// bareSkips are the checks that cannot be tried through provider.v1, and why.
var bareSkips = map[string]string{
	"a-removed-mark-is-respected":     "the mark is in our ledger, where nobody else removes it",
	"marks-of-other-fleets-are-shown": "the mark is in our ledger, which has none of other fleets",

	"volumes-of-an-unreadable-vm-are-no-leftovers": noWord,
	"leftovers-are-listed-and-swept":               noWord,
	"volumes-in-use-are-not-swept":                 noWord,
	"other-fleets-leftovers-are-not-ours":          noWord,
	"snapshots-are-listed":                         noWord,
	"take-snapshot-twice-is-once":                  noWord,
	"revert-brings-the-vm-back":                    noWord,
	"revert-brings-a-running-vm-back":              noWord,
	"drop-snapshot-keeps-the-vm":                   noWord,
	"snapshots-that-cannot-be-are-refused":         noWord,
	"snapshots-of-strangers-are-left-alone":        noWord,
	"delete-takes-snapshots-along":                 noWord,
	"watch-is-ready-once-and-first":                noWord,
	"outside-changes-are-told":                     noWord,
	"own-changes-are-told":                         noWord,
	"told-ids-are-those-of-list":                   noWord,
	"watch-ends-with-its-context":                  noWord,
	"watch-ends-with-the-connection":               noWord,
	"pulse-finds-what-differs":                     noWord,

	"reconfigure-names-a-missing-network":         notSeen,
	"interrupted-reconfigure-converges":           notSeen,
	"live-changes-beyond-head-room-are-refused":   notSeen,
	"create-sets-traits":                          notSeen,
	"reconfigure-traits-at-once":                  notSeen,
	"delete-removes-added-disks":                  notSeen,
	"reconfigure-keeps-addresses":                 notSeen,
	"a-name-that-is-taken-is-a-conflict":          notSeen,
	"reconfigure-root-disk-size":                  notSeen,
	"reconfigure-disk-size":                       notSeen,
	"reconfigure-added-disk":                      notSeen,
	"reconfigure-added-nic":                       notSeen,
	"reconfigure-removed-nic-by-name":             notSeen,
	"reconfigure-removed-nic-by-mac":              notSeen,
	"reconfigure-moved-nic":                       notSeen,
	"reconfigure-replaced-nic":                    notSeen,
	"reconfigure-name":                            notSeen,
	"reconfigure-tags":                            notSeen,
	"reconfigure-no-tags":                         notSeen,
	"reconfigure-autostart":                       notSeen,
	"reconfigure-cpu-hot-add":                     notSeen,
	"reconfigure-memory-hot-add":                  notSeen,
	"reconfigure-secure-boot":                     notSeen,
	"reconfigure-tpm":                             notSeen,
	"reconfigure-vtd":                             notSeen,
	"reconfigure-nested-virtualization":           notSeen,
	"reconfigure-vbs":                             notSeen,
	"reconfigure-cpu-limit":                       notSeen,
	"reconfigure-cpu-reservation":                 notSeen,
	"reconfigure-cpu-shares":                      notSeen,
	"reconfigure-memory-limit":                    notSeen,
	"reconfigure-memory-reservation":              notSeen,
	"reconfigure-root-disk-type":                  notSeen,
	"reconfigure-disk-type":                       notSeen,
	"reconfigure-disk-bus":                        notSeen,
	"reconfigure-disk-controller":                 notSeen,
	"reconfigure-disk-sharing":                    notSeen,
	"reconfigure-nic-slot":                        notSeen,
	"reconfigure-extra-config":                    notSeen,
	"reconfigure-extra-config-that-is-new":        notSeen,
	"reconfigure-extra-config-that-is-taken-away": notSeen,
}

// bareBroken are the checks that do not hold through provider.v1, and why.
var bareBroken = map[string]string{
	"interrupted-delete-converges":         "a VM is named by its id alone, and what is left of one that is gone by nothing",
	"list-shows-strangers-unmarked":        "our server lists what it made alone",
	"delete-leaves-imported-disks":         "disks are not described; the disk is left all the same",
	"disks-do-not-shrink":                  notSeen,
	"growing-an-unknown-disk-is-refused":   "it is refused as what cannot be done to any disk",
	"refused-credentials-are-unauthorized": "our server asks its endpoint for Validate once in a while only",
}

// TestContractOfTheFallback runs the contract suite against a server that has
// provider.v1 alone.
func TestContractOfTheFallback(t *testing.T) {
	hv := memory.NewHypervisor()
	hv.SetNature(memory.Nature{ShutdownTakes: 5 * time.Millisecond})
	a := newAuthority(t)
	service := seedserver.New(seedserver.Options{Provider: hv.Connect(providers.Settings{Fleet: fleet}), Type: "memory", Fleet: fleet})
	s := serve(t, func(s *grpc.Server) { providerv1.RegisterProviderServer(s, service) }, secured(a))
	target := contractTarget(hv, newRelay(t, s.network, s.address))
	target.Outside.SetMark = nil // the mark that counts is in the ledger
	creds, kept := a.credential("client.test"), newLedger()
	target.Connect = func(context.Context) (providers.Provider, error) {
		p, err := remote.New(providers.Settings{
			Fleet: fleet, Type: "memory", Endpoint: target.endpoint(), Credentials: creds, Ledger: kept,
		}, slog.New(slog.DiscardHandler))
		return offered{p, p, p, p}, err
	}
	try(t, target.Target, bareSkips, bareBroken)
	for _, left := range hv.Outside().Volumes() {
		if !strings.Contains(left, "pt-interrupted-delete-converges-") {
			t.Errorf("the suite left the volume %s", left)
		}
	}
}
