// Command resident measures what a daemon holds of memory and takes of the
// processor while it has 10,000 VMs and nothing to do. The VMs live on a
// hypervisor in the same process, so its own share is in the figures.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/internal/bench/side"
)

const (
	wanted     = 10_000
	passes     = 5
	watchedFor = 20 * time.Second
)

func main() {
	daemon.BeFrugal()
	side.Main(func(r *side.Run) error {
		repo, err := side.NewRepo(r.Stage, side.Fleet(wanted, "/images/base.qcow2"))
		if err != nil {
			return err
		}
		debug.FreeOSMemory() // what making the repository has left is not the daemon's
		before, err := resident("VmRSS")
		if err != nil {
			return err
		}
		r.Say("before the daemon: %.1f MB", before)
		d, _, err := side.Daemon(r, repo, wanted)
		if err != nil {
			return err
		}
		if err := work(r, d); err != nil {
			return err
		}
		return idle(r, d)
	})
}

// work runs passes with nothing to do and says what they leave resident.
func work(r *side.Run, d *daemon.Daemon) error {
	for range passes {
		if _, err := d.Apply(r.Context(), daemon.ApplyRequest{}); err != nil {
			return err
		}
	}
	now, err := resident("VmRSS")
	if err != nil {
		return err
	}
	peak, err := resident("VmHWM")
	if err != nil {
		return err
	}
	r.Bound(fmt.Sprintf("resident with %d VMs, after %d passes", wanted, passes), now, 150, "MB")
	r.Bound("the most that was resident, while they were created too", peak, 150, "MB")
	return nil
}

// idle watches the process while nothing happens.
func idle(r *side.Run, d *daemon.Daemon) error {
	if err := side.Rest(r.Context(), d); err != nil {
		return err
	}
	was, err := consumed()
	if err != nil {
		return err
	}
	begun := time.Now()
	select {
	case <-time.After(watchedFor):
	case <-r.Context().Done():
	}
	now, err := consumed()
	if err != nil {
		return err
	}
	r.Bound(fmt.Sprintf("an idle daemon with %d VMs, of a core", wanted), 100*float64(now-was)/float64(time.Since(begun)), 0.5, "%")
	mb, err := resident("VmRSS")
	if err != nil {
		return err
	}
	r.Bound("resident after that", mb, 150, "MB")
	return nil
}

// consumed is the processor time of this process so far.
func consumed() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// resident reads one line of the process's status, in MB.
func resident(line string) (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kb, err := strconv.ParseFloat(number, 64)
	return kb / 1000, err
}
