package libvirttest

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed namespace.sh
var namespaceScript string

// Options shapes a test host. The zero value is what most tests want.
type Options struct {
	// Guest makes base.qcow2 the bootable tiny guest, not an empty disk.
	Guest bool
	// Listen has libvirtd listen for TLS and TCP; see ServeTLS and ServeTCP.
	Listen bool
	// Bare leaves out pools, networks and the base image.
	Bare bool
	// DaemonConf is put before the rest of libvirtd.conf: of a key that is
	// there twice, libvirtd takes the first.
	DaemonConf string
}

// readyLimit bounds the wait for a daemon that starts; probing QEMU without a
// cache takes about two seconds on an idle machine.
const readyLimit = 90 * time.Second

// Host is one private libvirt host. Its methods fail the test they were
// started for.
type Host struct {
	// Socket is libvirtd's read-write UNIX socket.
	Socket string
	// PoolDir is the folder of the pool "default", Pool2Dir that of the pool
	// "second"; the same paths inside and outside the host.
	PoolDir, Pool2Dir string
	// Authority signed the server's certificate; nil without Options.Listen.
	Authority *Authority

	dir  string
	opts Options
	t    testing.TB

	mu    sync.Mutex // one command to the first process at a time
	stdin io.WriteCloser
	acks  *bufio.Reader
	pid   int // of the namespaces' first process, as seen from outside
}

// Start starts a host and waits until it answers. It has a NAT network
// "default" (192.168.122.0/24, DHCP), an isolated network "isolated", a host
// bridge "br-test", directory pools "default" and "second", and a volume
// base.qcow2 in the first. It ends with the test.
func Start(t testing.TB, opts Options) *Host {
	t.Helper()
	Need(t)
	// Not t.TempDir: the path of a UNIX socket must be short.
	dir, err := os.MkdirTemp("/tmp", "vmst-")
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{
		Socket:   filepath.Join(dir, "sock", "libvirt-sock"),
		PoolDir:  filepath.Join(dir, "pool"),
		Pool2Dir: filepath.Join(dir, "pool2"),
		dir:      dir,
		opts:     opts,
		t:        t,
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h.writeConfig()
	loadCapabilities(dir)
	h.startNamespaces()
	h.command("start")
	h.awaitReady()
	saveCapabilities(dir)
	if !opts.Bare {
		h.furnish()
	}
	return h
}

// URI returns the host's local connection URI.
func (h *Host) URI() string {
	return "qemu+unix:///system?socket=" + url.QueryEscape(h.Socket)
}

// writeConfig makes the host's folders and configuration files.
func (h *Host) writeConfig() {
	h.t.Helper()
	for _, d := range []string{"etc/libvirt", "etc", "varlib", "log", "cache", "run", "sock", "dev", "pool", "pool2"} {
		if err := os.MkdirAll(filepath.Join(h.dir, d), 0o755); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := os.Chmod(h.dir, 0o755); err != nil {
		h.t.Fatal(err)
	}
	daemon := fmt.Sprintf("unix_sock_dir = %q\nauth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0700\"\n",
		filepath.Join(h.dir, "sock"))
	if h.opts.Listen {
		daemon += h.listenConf()
	}
	h.write("libvirtd.conf", h.opts.DaemonConf+"\n"+daemon)
	h.write("etc/qemu.conf", `user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
`)
}

func (h *Host) write(name, content string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(content), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// startNamespaces starts the first process of the host's namespaces, which
// runs libvirtd and reaps: under a first process that does not, each QEMU
// probe costs libvirtd tens of seconds.
func (h *Host) startNamespaces() {
	h.t.Helper()
	flags := ""
	if h.opts.Listen {
		flags = "--listen"
	}
	cmd := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
		"--propagation", "private", "--mount-proc", "bash", "-c", namespaceScript, "namespace", h.dir, flags)
	log, err := os.Create(filepath.Join(h.dir, "namespace.err"))
	if err != nil {
		h.t.Fatal(err)
	}
	cmd.Stderr = log
	if h.stdin, err = cmd.StdinPipe(); err != nil {
		h.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	h.acks = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.pid = cmd.Process.Pid
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("libvirtd's log:\n%s", h.daemonLog())
		}
		h.stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
}

// command has the first process do something and waits until it has.
func (h *Host) command(c string) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := io.WriteString(h.stdin, c+"\n"); err != nil {
		h.t.Fatalf("test host: %v\n%s", err, h.daemonLog())
	}
	if ack, err := h.acks.ReadString('\n'); err != nil || strings.TrimSpace(ack) != c {
		h.t.Fatalf("test host: %s: answer %q, %v\n%s", c, ack, err, h.daemonLog())
	}
}

// awaitReady returns when libvirtd answers.
func (h *Host) awaitReady() {
	h.t.Helper()
	var out string
	var err error
	for end := time.Now().Add(readyLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err = os.Stat(h.Socket); err != nil {
			continue
		}
		if out, err = h.VirshErr("version"); err == nil {
			return
		}
	}
	h.t.Fatalf("test host: libvirtd does not answer after %v: %v\n%s\n%s", readyLimit, err, out, h.daemonLog())
}

// daemonLog returns what libvirtd and its namespace have to say.
func (h *Host) daemonLog() string {
	var b strings.Builder
	for _, name := range []string{"namespace.err", "libvirtd.out"} {
		content, _ := os.ReadFile(filepath.Join(h.dir, name))
		if len(content) > 4000 {
			content = content[len(content)-4000:]
		}
		b.Write(content)
	}
	return b.String()
}
