// Command create measures a pass that creates a hundred domains with a volume
// each. The floor is bare go-libvirt: the same calls, as many at once, on as
// many connections. Beside it, and without a target, stands the least that
// makes the same: one call for the volume and one for the domain.
package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers/libvirt"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/sources"
)

const rounds = 7

func main() {
	n := flag.Int("domains", 100, "how many domains are created")
	side.Main(func(r *side.Run) error { return measure(r, *n) })
}

// bench is a host that is emptied after every round.
type bench struct {
	*side.Run
	n        int
	host     *libvirttest.Host
	source   sources.Source
	provider *libvirt.Provider
	bare     *golibvirt.Libvirt
}

func measure(r *side.Run, n int) error {
	b, err := prepare(r, n)
	if err != nil {
		return err
	}
	if _, err := b.pass(); err != nil {
		return err
	}
	f, err := b.floor()
	if err != nil {
		return err
	}
	if err := b.empty(); err != nil {
		return err
	}
	times, err := side.Alternate(rounds, b.emptied(b.pass),
		b.emptied(side.Timed(func() error { return f.all(n, f.asWeDo) })),
		b.emptied(side.Timed(func() error { return f.all(n, f.atLeast) })))
	if err != nil {
		return err
	}
	r.Judge(fmt.Sprintf("create %d domains, a qcow2 volume each, %d calls at once", n, len(f.conns)*f.each), times[0], times[1], side.Target{Factor: 1.3})
	r.Say("the least calls that make the same: %v, ratio %.3f (no target)", times[2].Median().Round(time.Millisecond),
		float64(times[0].Median())/float64(times[2].Median()))
	return nil
}

func prepare(r *side.Run, n int) (*bench, error) {
	b := &bench{Run: r, n: n, host: libvirttest.Start(r, libvirttest.Options{})}
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, filepath.Join(b.host.PoolDir, "base.qcow2")))
	if err != nil {
		return nil, err
	}
	if b.source, err = side.Source(r.Stage, repo); err != nil {
		return nil, err
	}
	if b.provider, err = side.Provider(r.Stage, b.host); err != nil {
		return nil, err
	}
	b.bare, err = side.Bare(r.Stage, b.host)
	return b, err
}

// pass is one pass of an engine that remembers nothing.
func (b *bench) pass() (time.Duration, error) {
	store, err := side.Journal(b.Stage)
	if err != nil {
		return 0, err
	}
	e, err := side.Engine(b.source, b.provider, store)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	rep, err := e.Pass(b.Context(), reconcile.PassOptions{})
	took := time.Since(begun)
	if err == nil && rep.Applied() != b.n {
		err = fmt.Errorf("%d of %d VMs were made", rep.Applied(), b.n)
	}
	return took, err
}

// emptied has the host emptied after the way.
func (b *bench) emptied(way side.Way) side.Way {
	return func() (time.Duration, error) {
		took, err := way()
		if err == nil {
			err = b.empty()
		}
		return took, err
	}
}

// empty removes every domain, and every volume but the image.
func (b *bench) empty() error {
	doms, _, err := b.bare.ConnectListAllDomains(1, 0)
	if err != nil {
		return err
	}
	if len(doms) != b.n {
		return fmt.Errorf("%d domains are there, and not %d", len(doms), b.n)
	}
	for _, d := range doms {
		if err := b.bare.DomainUndefineFlags(d, 0); err != nil {
			return err
		}
	}
	pool, err := b.bare.StoragePoolLookupByName("default")
	if err != nil {
		return err
	}
	vols, _, err := b.bare.StoragePoolListAllVolumes(pool, 1, 0)
	if err != nil {
		return err
	}
	for _, v := range vols {
		if strings.HasPrefix(v.Name, "base.") {
			continue
		}
		if err := b.bare.StorageVolDelete(v, 0); err != nil {
			return err
		}
	}
	return nil
}
