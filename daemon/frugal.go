package daemon

import (
	"os"
	"runtime/debug"
)

// frugalPercent is by how much what a daemon holds may grow before the garbage
// is collected. Go's own 100 doubles what is resident of a fleet that is kept
// in memory and hardly changes, to spare time that a daemon has.
const frugalPercent = 30

// BeFrugal has this process hold less memory than Go does by itself. It is for
// a process that is a daemon for all of its life. GOGC in the environment goes
// before.
func BeFrugal() {
	if _, said := os.LookupEnv("GOGC"); !said {
		debug.SetGCPercent(frugalPercent)
	}
}
