package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
)

// frugalPercent is by how much what a daemon holds may grow before the garbage
// is collected. Go's own 100 doubles what is resident of a fleet that is kept
// in memory and hardly changes, to spare time that a daemon has.
const frugalPercent = 30

// profileEvery is of how many bytes that are allocated one place is noted for
// the profile of the heap. Each new one is noted for good: with Go's own 512 KiB
// these notes become a good part of what a daemon with a small fleet holds. One
// that holds much is profiled as well by fewer.
const profileEvery = 4 << 20

// BeFrugal has this process hold less memory than Go does by itself. It is for
// a process that is a daemon for all of its life. GOGC in the environment goes
// before.
func BeFrugal() {
	runtime.MemProfileRate = profileEvery
	if _, said := os.LookupEnv("GOGC"); !said {
		debug.SetGCPercent(frugalPercent)
	}
}
