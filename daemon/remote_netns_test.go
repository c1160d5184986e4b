package daemon_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// island is a network namespace at the end of a cable.
type island struct {
	t    *testing.T
	name string
	end  string // its end of the cable
	addr net.IP
}

// islands makes two namespaces with a cable between them, which nothing else
// is on.
func islands(t *testing.T) (near, far *island) {
	t.Helper()
	near = &island{t, fmt.Sprintf("vmsteward-near-%d", os.Getpid()), "near0", net.IPv4(10, 0, 0, 1)}
	far = &island{t, fmt.Sprintf("vmsteward-far-%d", os.Getpid()), "far0", net.IPv4(10, 0, 0, 2)}
	for _, i := range []*island{near, far} {
		run(t, "ip", "netns", "add", i.name)
		t.Cleanup(func() { run(t, "ip", "netns", "delete", i.name) })
		i.ip("link", "set", "lo", "up")
	}
	near.ip("link", "add", near.end, "type", "veth", "peer", "name", far.end, "netns", far.name)
	for _, i := range []*island{near, far} {
		i.ip("address", "add", i.addr.String()+"/24", "dev", i.end)
		i.ip("link", "set", i.end, "up")
	}
	return near, far
}

// cut takes the cable out until restore puts it in again.
func (i *island) cut() (restore func()) {
	i.t.Helper()
	i.ip("link", "set", i.end, "down")
	return func() { i.ip("link", "set", i.end, "up") }
}

func (i *island) ip(args ...string) {
	i.t.Helper()
	run(i.t, "ip", append([]string{"-netns", i.name}, args...)...)
}

// command returns a program that runs there.
func (i *island) command(program string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", i.name, program}, args...)...)
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}
