package interop

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// pythons are where Debian's Python is, and where another may be.
var pythons = []string{"/usr/bin/python3", "python3"}

// needPython returns a Python that has a module, empty: any. Without one the
// test is skipped, or fails where nothing may be skipped.
func needPython(t *testing.T, module string) string {
	t.Helper()
	for _, name := range pythons {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if module == "" || exec.Command(path, "-c", "import "+module).Run() == nil {
			return path
		}
	}
	why := "the second implementation needs python3 with " + module
	if os.Getenv("VMSTEWARD_MUST_NOT_SKIP") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// startSecond starts the second implementation, in plain text or with what is
// in a folder, and returns its address. It ends with the test.
func startSecond(t *testing.T, folder ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, needPython(t, "grpc"), append([]string{"-B", "testdata/server.py"}, folder...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		defer cancel()
		_ = in.Close() // its sign to end
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the server ended with %v\n%s", err, said.String())
		}
	})
	port, bad := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || bad != nil {
		t.Fatalf("the server did not say its port: %q", line)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}
