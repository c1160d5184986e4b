package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// site is a management host in a folder: a bare repository with manifests, the
// host's configuration, and a libvirt host to act on.
type site struct {
	t      *testing.T
	dir    string
	repo   *sourcetest.Repo
	host   *libvirttest.Host
	policy string // YAML appended to the configuration
	url    string // of the repository; empty: its file:// one
	log    *logBuffer
}

// logBuffer keeps log lines as JSON; many may write.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// lines returns the lines with the message, rendered as "key=value …" of the
// keys asked for, sorted.
func (b *logBuffer) lines(t *testing.T, msg string, keys ...string) []string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for line := range strings.Lines(b.buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if m["msg"] != msg || m["level"] == "DEBUG" {
			continue
		}
		var parts []string
		for _, k := range keys {
			parts = append(parts, fmt.Sprint(m[k]))
		}
		out = append(out, strings.Join(parts, " | "))
	}
	slices.Sort(out)
	return out
}

// tail returns the last lines.
func (b *logBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := strings.SplitAfter(b.buf.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

func (b *logBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Reset()
}

func newSite(t *testing.T, host *libvirttest.Host) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), repo: sourcetest.NewRepo(t), host: host, log: &logBuffer{}}
	s.provider(fmt.Sprintf("endpoint: %q", host.URI()))
	return s
}

// provider writes the host's Provider document with the given spec lines, and
// further documents.
func (s *site) provider(spec string, more ...string) {
	s.t.Helper()
	doc := "apiVersion: infra.virtrigaud.io/v1beta1\nkind: Provider\nmetadata: {name: kvm}\nspec:\n  type: libvirt\n  " +
		strings.ReplaceAll(spec, "\n", "\n  ") + "\n"
	for _, m := range more {
		doc += "---\n" + m + "\n"
	}
	s.write("providers.d/kvm.yaml", doc)
}

func (s *site) write(name, text string) {
	s.t.Helper()
	p := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// config writes the host's configuration and returns it as loaded.
func (s *site) config() *daemon.Config {
	s.t.Helper()
	s.write("vmsteward.yaml", fmt.Sprintf(`apiVersion: vmsteward.dev/v1
kind: Config
fleet: lab
source:
  git:
    url: %s
schedule: "0 3 * * *"
providersDir: %[2]s/providers.d
credentialsDir: %[2]s/credentials
stateDir: %[2]s/state
api: {socket: %[2]s/sock}
log: {format: json}
%[3]s
`, orElse(s.url, s.repo.URL()), s.dir, s.policy))
	cfg, err := daemon.LoadConfig(filepath.Join(s.dir, "vmsteward.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	return cfg
}

// with gives a Service without a daemon to fn.
func (s *site) with(fn func(daemon.Service)) {
	s.t.Helper()
	svc, err := daemon.NewLocal(s.config(), daemon.Options{Log: slog.New(slog.NewJSONHandler(s.log, nil))})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := svc.Close(); err != nil {
			s.t.Errorf("close: %v", err)
		}
	}()
	fn(svc)
}

// apply runs one pass and returns what was called, one line per VM.
func (s *site) apply() []string {
	s.t.Helper()
	s.log.reset()
	var out []string
	s.with(func(svc daemon.Service) {
		rep, err := svc.Apply(s.t.Context(), daemon.ApplyRequest{})
		if err != nil {
			s.t.Fatal(err)
		}
		out = calls(rep)
	})
	return out
}

func calls(rep *reconcile.Report) []string {
	var out []string
	for _, r := range rep.Results {
		line := fmt.Sprintf("%s %v %s", r.VM.Name, r.Ops, r.Outcome)
		if r.Error != "" {
			line += ": " + r.Error
		}
		if len(r.Remaining) > 0 {
			line += fmt.Sprint(" remaining ", r.Remaining)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// wantCalls runs a pass and compares what it called.
func (s *site) wantCalls(reason string, want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, s.apply()); diff != "" {
		s.t.Fatalf("%s (-want +got):\n%s\n%s", reason, diff, s.log.buf.String())
	}
}

// wantInSync makes a plan and wants it to be empty.
func (s *site) wantInSync(reason string) {
	s.t.Helper()
	if left := s.inSync(); left != "" {
		s.t.Errorf("%s: %s", reason, left)
	}
}

// inSync says what a plan finds that is not as wanted; empty: nothing.
func (s *site) inSync() (left string) {
	s.t.Helper()
	s.with(func(svc daemon.Service) {
		look, err := svc.Plan(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, it := range look.Plan.Items {
			if it.Action != plan.None || len(it.Diffs) > 0 {
				left += fmt.Sprintf("%s is not in sync: %s: %s %v\n", it.VM, it.Action, it.Reason, it.Diffs)
			}
		}
	})
	return left
}

const commonManifests = `
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 1, memory: 64Mi}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: base}
spec: {source: {libvirt: {path: POOL/base.qcow2, format: qcow2}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {libvirt: {networkName: default}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: back}
spec: {network: {libvirt: {networkName: isolated, model: e1000e}}}
`

// vmFile is one VirtualMachine with two interfaces, an extra disk and a seed.
type vmFile struct {
	Name     string
	Provider string // empty: kvm
	Power    string
	CPU      int
	Memory   int
	Data     int // GiB
	More     string
}

func (v vmFile) yaml() string {
	res := ""
	if v.CPU > 0 || v.Memory > 0 {
		res = fmt.Sprintf("  resources: {cpu: %d, memoryMiB: %d}\n", max(v.CPU, 1), max(v.Memory, 128))
	}
	return fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: %[1]s}
spec:
  providerRef: {name: %[6]s}
  classRef: {name: small}
  imageRef: {name: base}
  powerState: %[2]s
%[3]s  lifecycle: {gracefulShutdownTimeout: 2s}
  networks:
  - {name: lan, networkRef: {name: lan}}
  - {name: back, networkRef: {name: back}}
  disks:
  - {name: data, sizeGiB: %[4]d}
%[5]s  userData: {cloudInit: {inline: "#cloud-config\nhostname: %[1]s\n"}}
`, v.Name, orElse(v.Power, "On"), res, max(v.Data, 1), v.More, orElse(v.Provider, "kvm"))
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// commit puts VMs into the repository.
func (s *site) commit(vms []vmFile, deletes ...string) {
	s.t.Helper()
	files := map[string]string{"common.yaml": strings.ReplaceAll(commonManifests, "POOL", s.host.PoolDir)}
	for _, v := range vms {
		files["vms/"+v.Name+".yaml"] = v.yaml()
	}
	s.repo.Commit(files, deletes...)
}

// until asks again and again until the answer is yes, for two minutes.
func (s *site) until(what string, yes func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s: not within two minutes; the log:\n%s", what, s.log.tail(60))
		}
	}
}

// outside pulls the plug of a VM of a memory site.
func (s *site) outside(vm string) {
	s.t.Helper()
	hv, err := memory.OpenFile(filepath.Join(s.dir, "hypervisor.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := hv.Outside().Destroy(vm); err != nil {
		s.t.Fatal(err)
	}
}
