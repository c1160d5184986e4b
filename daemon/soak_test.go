package daemon_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

var (
	soakPushes  = flag.Int("soak.pushes", 200, "pushes in a row of TestSoak")
	soakFor     = flag.Duration("soak.for", 20*time.Second, "how long TestSoak takes for them")
	soakRestart = flag.Duration("soak.restart", 6*time.Second, "time between two restarts of libvirtd")
	soakKeep    = flag.String("soak.keep", "", "folder for the daemon's log, and a profile of its heap at each sample")
)

// TestSoak pushes again and again, changes VMs outside in between, and restarts
// libvirtd. What was pushed last always comes into force, and the daemon's
// goroutines, descriptors and memory stay as they are.
func TestSoak(t *testing.T) {
	t.Parallel()
	k := newSoak(t)
	tick := time.NewTimer(0)
	defer tick.Stop()
	begun := time.Now()
	restart, sample := *soakRestart, samplesEvery()
	for n := 1; n <= *soakPushes; n++ {
		tick.Reset(time.Until(begun.Add(time.Duration(n) * (*soakFor / time.Duration(*soakPushes)))))
		<-tick.C
		k.push(n)
		if n%10 == 0 {
			k.disturb(n / 10)
		}
		switch at := time.Since(begun); {
		case at >= restart:
			// A guest that libvirtd was starting when it was killed can stay
			// behind a lock that libvirtd itself never gives back.
			k.until("no guest is being started", func() bool { return strings.TrimSpace(k.host.Virsh("domstate", "awake")) == "running" })
			k.host.StopDaemon()
			k.push(n) // while nobody is there
			k.host.StartDaemon()
			restart = at + *soakRestart
		case at >= sample || n == *soakPushes:
			k.inForce(n, begun)
			sample = at + samplesEvery()
		}
	}
	t.Logf("%d pushes:\n%s", *soakPushes, table(k.samples))
	judge(t, k.samples)
}

func samplesEvery() time.Duration { return max(2*time.Second, *soakFor/40) }

// soak is a site whose daemon is a process of its own.
type soak struct {
	*site
	process *process
	vms     []vmFile // those that are pushed; "awake" is beside them
	tip     string   // what was pushed last
	hook    string   // where a forge tells of pushes
	samples []usage
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := newSite(t, libvirttest.Start(t, libvirttest.Options{}))
	s.write("credentials/forge/secret", webhookSecret)
	s.policy = "webhook: {listen: \"127.0.0.1:0\", secret: forge}\nmetrics: {listen: \"127.0.0.1:0\"}"
	k := &soak{site: s}
	for i := range 5 {
		k.vms = append(k.vms, vmFile{Name: fmt.Sprintf("s-%d", i), Power: `"Off"`, CPU: 1})
	}
	s.commit(append(k.vms, vmFile{Name: "awake"}))
	k.process = s.startProcess(buildProgram(t))
	k.hook = "http://" + s.listening("webhook listens") + "/webhook"
	s.until("the VMs are created", s.settled)
	return k
}

// push commits another number of CPUs of one VM.
func (k *soak) push(n int) {
	k.t.Helper()
	vm := &k.vms[n%len(k.vms)]
	vm.CPU = vm.CPU%7 + 1
	k.tip = k.repo.Commit(map[string]string{"vms/" + vm.Name + ".yaml": vm.yaml()})
}

// disturb changes something outside, or has a forge tell of a push. What is
// done outside may be refused while libvirtd or the daemon is at it.
func (k *soak) disturb(n int) {
	k.t.Helper()
	vm := k.vms[n/3%len(k.vms)].Name
	switch n % 3 {
	case 0:
		_, _ = k.host.VirshErr("setmem", vm, "70000", "--config")
	case 1:
		deliver(k.t, k.hook, webhookSecret, 202)
	default:
		_, _ = k.host.VirshErr("setvcpus", vm, "9", "--config", "--maximum")
	}
}

// inForce waits until what was pushed last is, and measures the daemon.
func (k *soak) inForce(n int, begun time.Time) {
	k.t.Helper()
	pushed := time.Now()
	defer k.process.explain(filepath.Join(k.dir, "sock"), k.tip)()
	k.until("what was pushed last is in force", func() bool { return k.process.last() == k.tip && k.settled() })
	u := k.process.measure(filepath.Join(k.dir, "sock"))
	u.pushes, u.at, u.behind = n, time.Since(begun), time.Since(pushed)
	for _, v := range k.vms {
		if got := strings.TrimSpace(k.host.Virsh("vcpucount", v.Name, "--config", "--current")); got != strconv.Itoa(v.CPU) {
			k.t.Errorf("%s has %s CPUs, want %d", v.Name, got, v.CPU)
		}
	}
	k.samples = append(k.samples, u)
	// Only now: one that is undone before the daemon has seen it as wanted
	// would be left alone, and said.
	k.host.Virsh("destroy", "awake")
}
