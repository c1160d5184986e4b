package remotetest

import (
	"errors"
	"maps"
	"testing"

	"github.com/vmsteward/vmsteward/providers/providertest"
)

// Run tries every check. One that cannot be tried, and no other, has to be in
// untried with the reason, and one that does not hold in unkept.
func Run(t *testing.T, target providertest.Target, untried, unkept map[string]string) {
	t.Helper()
	for _, c := range providertest.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			err := providertest.Try(t.Context(), target, c)
			why, is := untried[c.Name]
			reason, broken := unkept[c.Name]
			var skip *providertest.Skip
			switch {
			case errors.As(err, &skip) && is:
				t.Skipf("%s: %s", skip.Reason, why)
			case err != nil && broken:
				t.Skipf("%v: %s", err, reason)
			case err == nil && (is || broken):
				t.Errorf("the check is listed, and the promise is kept: %s", why+reason)
			case err != nil:
				t.Errorf("%s\nbroken: %v", c.Promise, err)
			}
		})
	}
}

const (
	noWord  = "provider.v1 has no word for it"
	notSeen = "provider.v1 does not tell of it, so that it is neither compared nor changed"
)

// BareUntried returns the checks that cannot be tried through provider.v1, and
// why, with those that cannot be tried on what is behind the server.
func BareUntried(more map[string]string) map[string]string {
	all := map[string]string{
		"a-removed-mark-is-respected":     "the mark is in a ledger, where nobody else removes it",
		"marks-of-other-fleets-are-shown": "the mark is in a ledger, which has none of other fleets",
	}
	for _, name := range []string{
		"volumes-of-an-unreadable-vm-are-no-leftovers", "leftovers-are-listed-and-swept", "volumes-in-use-are-not-swept",
		"other-fleets-leftovers-are-not-ours", "snapshots-are-listed", "take-snapshot-twice-is-once", "revert-brings-the-vm-back",
		"revert-brings-a-running-vm-back", "drop-snapshot-keeps-the-vm", "snapshots-that-cannot-be-are-refused",
		"snapshots-of-strangers-are-left-alone", "delete-takes-snapshots-along", "watch-is-ready-once-and-first",
		"outside-changes-are-told", "own-changes-are-told", "told-ids-are-those-of-list", "watch-ends-with-its-context",
		"watch-ends-with-the-connection", "pulse-finds-what-differs",
	} {
		all[name] = noWord
	}
	for _, name := range []string{
		"reconfigure-names-a-missing-network", "interrupted-reconfigure-converges", "live-changes-beyond-head-room-are-refused",
		"create-sets-traits", "reconfigure-traits-at-once", "delete-removes-added-disks", "reconfigure-keeps-addresses",
		"a-name-that-is-taken-is-a-conflict", "reconfigure-root-disk-size", "reconfigure-disk-size", "reconfigure-added-disk",
		"reconfigure-added-nic", "reconfigure-removed-nic-by-name", "reconfigure-removed-nic-by-mac", "reconfigure-moved-nic",
		"reconfigure-replaced-nic", "reconfigure-name", "reconfigure-tags", "reconfigure-no-tags", "reconfigure-autostart",
		"reconfigure-cpu-hot-add", "reconfigure-memory-hot-add", "reconfigure-secure-boot", "reconfigure-tpm", "reconfigure-vtd",
		"reconfigure-nested-virtualization", "reconfigure-vbs", "reconfigure-cpu-limit", "reconfigure-cpu-reservation",
		"reconfigure-cpu-shares", "reconfigure-memory-limit", "reconfigure-memory-reservation", "reconfigure-root-disk-type",
		"reconfigure-disk-type", "reconfigure-disk-bus", "reconfigure-disk-controller", "reconfigure-disk-sharing",
		"reconfigure-nic-slot", "reconfigure-extra-config", "reconfigure-extra-config-that-is-new",
		"reconfigure-extra-config-that-is-taken-away", "disks-do-not-shrink", "growing-an-unknown-disk-is-refused",
	} {
		all[name] = notSeen
	}
	maps.Copy(all, more)
	return all
}

// BareUnkept returns the checks that do not hold through provider.v1, and why,
// with those that depend on what is behind the server.
func BareUnkept(more map[string]string) map[string]string {
	all := map[string]string{
		"list-shows-strangers-unmarked": "our server lists what it made alone",
		"delete-leaves-imported-disks":  "disks are not described; the disk is left all the same",
	}
	maps.Copy(all, more)
	return all
}
