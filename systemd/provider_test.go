package systemd_test

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/systemd/bootedtest"
)

// TestProviderService is the life of a provider server as it is installed: its
// settings and credentials from its own folder, called with a certificate.
func TestProviderService(t *testing.T) {
	bootedtest.Need(t)
	const unit, home = "vmsteward-provider@lab", "/etc/vmsteward/serve/lab/"
	files := installed(build(t, "../cmd/vmsteward"))
	files[home+"provider.yaml"] = bootedtest.File{Text: strings.NewReplacer("libvirt", "memory", "qemu:///system", "memory:///var/lib/vmsteward-provider/lab/state.json").Replace(provider)}
	files[home+"options"] = bootedtest.File{Text: `OPTIONS="--fleet lab --listen 127.0.0.1:9443 --allow client.test --metrics 127.0.0.1:9717"` + "\n"}
	authority := remotetest.NewAuthority(t)
	for folder, name := range map[string]string{home + "tls/": "server.test", "/root/client/": "client.test", "/root/other/": "other.test"} {
		dir := t.TempDir()
		authority.Write(dir, name)
		for _, file := range []string{"tls.crt", "tls.key", "ca.crt"} {
			files[folder+file] = bootedtest.File{From: dir + "/" + file, Mode: 0o600}
		}
	}
	m := bootedtest.Boot(t, files)
	m.Run("systemctl", "start", unit)
	conform := func(who string) (string, error) {
		return m.Try("vmsteward", "provider", "conformance", "grpc://127.0.0.1:9443", "--fleet", "lab", "--tls-server-name", "server.test",
			"--only", "create-twice-is-once", "--tls-cert", who+"/tls.crt", "--tls-key", who+"/tls.key", "--tls-ca", who+"/ca.crt")
	}
	if out, err := conform("/root/client"); err != nil || !strings.Contains(out, "1 kept, 0 broken") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := conform("/root/other"); err == nil || !strings.Contains(out, "other.test may not call") {
		t.Errorf("a peer that is not on the list: %v\n%s", err, out)
	}
	status := m.Run("cat", "/proc/"+m.Show(unit, "MainPID")+"/status")
	uid := m.Run("id", "-u", "vmsteward-provider")
	for _, want := range []string{"Uid:\t" + uid + "\t", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("the process has not %q:\n%s", want, status)
		}
	}
	if got := m.Show(unit, "StatusText"); !strings.Contains(got, "the endpoint can be used") {
		t.Errorf("status: %q", got)
	}
	if out, err := m.Try("setpriv", "--reuid=vmsteward-provider", "--clear-groups", "cat", home+"tls/tls.key"); err == nil {
		t.Errorf("the server's user reads the key's own file:\n%s", out)
	}
	m.Run("systemctl", "stop", unit)
	if state, result := m.Show(unit, "ActiveState"), m.Show(unit, "Result"); state != "inactive" || result != "success" {
		t.Errorf("after the stop it is %s, result %s", state, result)
	}
}
