package libvirttest

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Console reads the serial console of a running domain, which must be a pty,
// until a line begins with prefix ("PROOF ", "STATE ") and holds all of the
// words, and returns that line. QEMU drops what a guest says while nobody
// reads, so that the tiny guest's PROOF is seen only by a reader that is there
// early; its STATE says the same.
func (h *Host) Console(t testing.TB, domain, prefix string, limit time.Duration, words ...string) string {
	t.Helper()
	pty := strings.TrimSpace(h.Virsh("ttyconsole", domain))
	path := fmt.Sprintf("/proc/%d/root%s", h.pid, pty)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("console of %s: %v", domain, err)
	}
	defer f.Close()
	if err := f.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatalf("console of %s: %v", domain, err)
	}
	var said strings.Builder
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		// Before the first line of ours the loader may have left control
		// characters.
		if i := strings.Index(line, prefix); i >= 0 && containsAll(line, words) && strings.HasSuffix(line, "\n") {
			return strings.TrimSpace(line[i:])
		}
		if err != nil {
			t.Fatalf("console of %s: no line %q with %q within %v: %v; it said:\n%s", domain, prefix, words, limit, err, said.String())
		}
	}
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}
