package sdnotify

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manager is the receiving end of the protocol.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	name string
}

func listen(t *testing.T, name string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn, name}
}

func (m *manager) next() string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		m.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := m.conn.Read(buf)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(buf[:n])
}

func environment(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestMessages(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	addresses := map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@vmsteward-sdnotify-%s-%d", pid, time.Now().UnixNano()),
	}
	for kind, address := range addresses {
		t.Run(kind, func(t *testing.T) {
			m := listen(t, address)
			n := FromEnv(environment("NOTIFY_SOCKET", address, "WATCHDOG_USEC", "1000000", "WATCHDOG_PID", pid))
			steps := []struct {
				say  func() error
				want string
			}{
				{n.Ready, `^READY=1$`},
				{n.Reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`},
				{n.Stopping, `^STOPPING=1$`},
				{n.Watchdog, `^WATCHDOG=1$`},
				{func() error { return n.Status("3 VMs,\n1 held") }, `^STATUS=3 VMs, 1 held$`},
				{func() error { return n.Status(strings.Repeat("ä", 2000)) }, `^STATUS=ä{512}…$`},
				{func() error { return n.Notify("READY=1", "STATUS=x") }, `^READY=1\nSTATUS=x$`},
			}
			for _, s := range steps {
				if err := s.say(); err != nil {
					t.Fatal(err)
				}
				if got := m.next(); !regexp.MustCompile(s.want).MatchString(got) {
					t.Errorf("want %s, got %q", s.want, got)
				}
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	none := FromEnv(environment())
	if err := none.Ready(); err != nil || none.Enabled() {
		t.Errorf("without a socket: enabled %v, %v", none.Enabled(), err)
	}
	if err := (Notifier{socket: filepath.Join(t.TempDir(), "gone")}).Ready(); err == nil {
		t.Error("a socket that is gone is no error")
	}
	if err := (Notifier{socket: "vsock:2:1"}).Ready(); err == nil || !strings.Contains(err.Error(), "vsock:2:1") {
		t.Errorf("an address of another kind: %v", err)
	}
}

// TestFullQueue holds that a service manager that reads nothing does not hold
// up the service.
func TestFullQueue(t *testing.T) {
	m := listen(t, filepath.Join(t.TempDir(), "notify"))
	n := Notifier{socket: m.name}
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		begun := time.Now()
		err := n.Ready()
		if took := time.Since(begun); took > 10*patience {
			t.Fatalf("one message took %v", took)
		}
		if err != nil {
			return
		}
	}
	t.Error("the queue takes everything")
}

func TestWatchdogInterval(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	rows := []struct {
		reason             string
		socket, usec, pids string
		want               time.Duration
	}{
		{"ours", "/s", "60000000", pid, time.Minute},
		{"anybody's", "/s", "60000000", "", time.Minute},
		{"another process's", "/s", "60000000", "1", 0},
		{"not asked for", "/s", "", "", 0},
		{"no number", "/s", "soon", "", 0},
		{"never", "/s", "0", "", 0},
		{"beyond a duration", "/s", "9223372036854775807", "", 0},
		{"nobody to tell", "", "60000000", pid, 0},
	}
	for _, r := range rows {
		n := FromEnv(environment("NOTIFY_SOCKET", r.socket, "WATCHDOG_USEC", r.usec, "WATCHDOG_PID", r.pids))
		if got := n.WatchdogInterval(); got != r.want {
			t.Errorf("%s: want %v, got %v", r.reason, r.want, got)
		}
	}
}
