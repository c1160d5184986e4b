package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers/vsphere"
)

// limit is what the process may hold, and passes is after how many.
const (
	limit  = 400 // MB
	passes = 3
)

// job is what the process that is measured is told.
type job struct {
	Center *center `json:"center"`
	Repo   string  `json:"repo"`
	N      int     `json:"n"`
}

// holding runs the daemon in a process of its own, which holds nothing else.
func holding(r *side.Run, n int, c *center, repo *side.Repo) error {
	dir := r.TempDir()
	text, err := json.Marshal(job{c, repo.URL(), n})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "job.json"), text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(r.Context(), os.Args[0], "-hold", dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// resident is that process.
func resident(r *side.Run, dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "job.json"))
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	if err := inventoryShare(r, j.Center, j.N); err != nil {
		return err
	}
	s := j.Center.settings()
	site := side.Site{URL: j.Repo, Credential: j.Center.credential(), Provider: fmt.Sprintf(
		"type: vsphere, endpoint: %q, credentialSecretRef: {name: lab}, defaults: {cluster: %q, datastore: %q, folder: %q}",
		s.Endpoint, s.Defaults.Cluster, s.Defaults.Datastore, s.Defaults.Folder)}
	d, err := side.StartDaemon(r, site, daemon.Options{})
	if err != nil {
		return err
	}
	if err := side.Made(r, d, j.N); err != nil {
		return err
	}
	for range passes {
		if _, err := d.Apply(r.Context(), daemon.ApplyRequest{}); err != nil {
			return err
		}
	}
	for _, row := range []struct{ what, line string }{
		{"resident, with what it follows", "VmRSS"},
		{"the most that was resident", "VmHWM"},
	} {
		mb, err := status(row.line)
		if err != nil {
			return err
		}
		r.Bound(fmt.Sprintf("a daemon with %d machines of vSphere in two datacenters, after %d full passes: %s", j.N, passes, row.what), mb, limit, "MB")
	}
	return nil
}

// inventoryShare says what one inventory holds, and what the provider remembers
// beside it.
func inventoryShare(r *side.Run, c *center, n int) error {
	p, err := vsphere.New(c.settings(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Validate(r.Context()); err != nil {
		return err
	}
	before := inUse()
	inv, err := p.List(r.Context())
	if err != nil {
		return err
	}
	mb := inUse() - before
	r.Say("of that, the inventory: %.1f MB, %.0f bytes a machine", mb, mb*1e6/float64(len(inv.VMs)))
	if len(inv.VMs) < n {
		return fmt.Errorf("%d machines are in the inventory", len(inv.VMs))
	}
	return nil
}

// inUse is what is alive on the heap, in MB.
func inUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

// status reads one line of the process's status, in MB.
func status(line string) (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kb, err := strconv.ParseFloat(number, 64)
	return kb / 1000, err
}
