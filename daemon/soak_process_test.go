package daemon_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vmsteward/vmsteward/daemon"
)

// process is the real daemon as a process of its own.
type process struct {
	t       *testing.T
	pid     int
	figures string // address of its metrics

	mu        sync.Mutex
	passes    int             // guarded by mu: those that are complete
	revisions map[string]bool // guarded by mu: that a pass had
	revision  string          // guarded by mu: of the last pass
}

// startProcess runs the program until the test ends. Its log is the site's.
func (s *site) startProcess(program string) *process {
	s.t.Helper()
	s.config()
	cmd := exec.Command(program, "run", "--config", filepath.Join(s.dir, "vmsteward.yaml"))
	log, err := cmd.StderrPipe()
	must(s.t, err)
	must(s.t, cmd.Start())
	p := &process{t: s.t, pid: cmd.Process.Pid, revisions: map[string]bool{}}
	if *soakKeep != "" {
		must(s.t, os.MkdirAll(*soakKeep, 0o755))
		all, err := os.Create(filepath.Join(*soakKeep, "log"))
		must(s.t, err)
		s.t.Cleanup(func() { all.Close() })
		log = io.NopCloser(io.TeeReader(log, all))
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.follow(log, s.log)
	}()
	s.t.Cleanup(func() {
		if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
			s.t.Errorf("the daemon is gone: %v", err)
		}
		<-read
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("the daemon ended with %v; its log:\n%s", err, s.log.tail(20))
		}
	})
	s.until("the socket is there", func() bool { return exists(filepath.Join(s.dir, "sock")) })
	p.figures = "http://" + s.listening("metrics listen") + "/metrics"
	return p
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// follow reads the log and counts the passes.
func (p *process) follow(log io.Reader, keep *logBuffer) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Msg, Revision string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "pass complete" {
			p.mu.Lock()
			p.passes++
			p.revisions[line.Revision], p.revision = true, line.Revision
			p.mu.Unlock()
			continue
		}
		_, _ = fmt.Fprintf(keep, "%s\n", lines.Bytes())
	}
}

// explain returns what says, should the test fail before, what the daemon was
// doing at the time.
func (p *process) explain(socket, tip string) func() {
	before := p.t.Failed()
	return func() {
		if before || !p.t.Failed() {
			return
		}
		p.t.Logf("want revision %s, the last pass had %s; the daemon's goroutines:\n%s", tip, p.last(), profileOf(p.t, socket, daemon.Profiles[2], true))
	}
}

// last is the revision of the last pass.
func (p *process) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.revision
}

// usage is what the daemon holds at one moment.
type usage struct {
	at                      time.Duration // since the first push
	behind                  time.Duration // until the last push was in force
	pushes                  int           // so far
	passes, revisions       int           // so far
	goroutines, descriptors int

	// KB of memory: the heap at which it collects, which is in proportion to what
	// is alive; the part of the heap that is free and not given back; what Go
	// takes beside the heap; resident of its own, and of files; the most of both.
	goal, idle, overhead, anon, file, peak int
}

func (p *process) measure(socket string) usage {
	p.t.Helper()
	p.mu.Lock()
	u := usage{passes: p.passes, revisions: len(p.revisions)}
	p.mu.Unlock()
	if *soakKeep != "" {
		must(p.t, os.WriteFile(filepath.Join(*soakKeep, time.Now().Format("150405")+".heap"), profileOf(p.t, socket, daemon.Profiles[0], false), 0o644))
	}
	kb := func(name string) int { return int(p.figure("go_memstats_"+name+"_bytes") / 1024) }
	u.goal, u.idle, u.overhead = kb("next_gc"), kb("heap_idle")-kb("heap_released"), kb("sys")-kb("heap_sys")
	u.goroutines = int(p.figure("go_goroutines"))
	proc := filepath.Join("/proc", strconv.Itoa(p.pid))
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	must(p.t, err)
	u.descriptors = len(fds)
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	must(p.t, err)
	for line := range strings.Lines(string(status)) {
		switch f := strings.Fields(line); f[0] {
		case "RssAnon:":
			u.anon, err = strconv.Atoi(f[1])
		case "RssFile:":
			u.file, err = strconv.Atoi(f[1])
		case "VmHWM:":
			u.peak, err = strconv.Atoi(f[1])
		}
		must(p.t, err)
	}
	return u
}

// figure reads one of the daemon's metrics.
func (p *process) figure(name string) float64 {
	p.t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(get(p.t, p.figures, http.StatusOK))
	if m == nil {
		p.t.Fatalf("no metric %s", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	must(p.t, err)
	return v
}

// table prints samples, one a line.
func table(samples []usage) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "time\tpushes\tpasses\trevisions\tin force after\tgoroutines\tdescriptors\theap goal KB\tfree KB\tbeside KB\tanon KB\tfile KB\tpeak KB\t")
	for _, u := range samples {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", u.at.Round(time.Second), u.pushes, u.passes, u.revisions,
			u.behind.Round(time.Millisecond), u.goroutines, u.descriptors, u.goal, u.idle, u.overhead, u.anon, u.file, u.peak)
	}
	w.Flush()
	return b.String()
}

// settling is the time that a daemon has until its memory must be flat: libvirtd
// was restarted and packs were packed more than once, and Go has given back what
// the beginning took.
const settling = 3 * time.Minute

// packs is how many descriptors come and go with the packs of the local clone:
// one is held for each that was read, until they are written into one.
const packs = 60

// judge wants the end of a run to hold no more than its beginning did, once
// settled. Of a short run it cannot tell what is memory's own ups and downs.
func judge(t *testing.T, samples []usage) {
	t.Helper()
	settled := slices.DeleteFunc(slices.Clone(samples), func(u usage) bool { return u.at < settling })
	long := len(settled) >= 8
	if !long {
		settled = samples
	}
	part := max(1, len(settled)/4)
	first, last := settled[:part], settled[len(settled)-part:]
	flat := func(what string, was, is, more int) {
		t.Helper()
		t.Logf("%s: %d, then %d", what, was, is)
		if is > was+more {
			t.Errorf("%s grew from %d to %d, more than by %d", what, was, is, more)
		}
	}
	goroutines := func(u usage) int { return u.goroutines }
	flat("goroutines", median(first, goroutines), median(last, goroutines), 5)
	descriptors := func(u usage) int { return u.descriptors }
	if !long {
		flat("descriptors", median(first, descriptors), median(last, descriptors), packs)
		return
	}
	flat("descriptors at least", least(first, descriptors), least(last, descriptors), 10)
	resident := func(u usage) int { return u.anon + u.file }
	was := median(first, resident)
	flat("resident KB", was, median(last, resident), was/20)
	// It goes up and down by a tenth with the number of packs that are at hand.
	goal := func(u usage) int { return u.goal }
	was = median(first, goal)
	flat("KB of heap at which it collects", was, median(last, goal), was/10)
}

func least(samples []usage, of func(usage) int) int {
	n := of(samples[0])
	for _, u := range samples {
		n = min(n, of(u))
	}
	return n
}

func median(samples []usage, of func(usage) int) int {
	var all []int
	for _, u := range samples {
		all = append(all, of(u))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
