package libvirttest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSH is a private SSH server through which a host is reached.
type SSH struct {
	URI        string // of the host, through the server
	Address    string
	User       string
	Key        string // the client's key that is let in, in OpenSSH's format
	KnownHosts string // lines that pin the server's keys
}

// ServeSSH starts an OpenSSH server on a loopback port, with keys of its own.
// The server has an Ed25519 and an ECDSA key; known_hosts pins the first only,
// as a person would. conf is put before the rest of its sshd_config.
func ServeSSH(t testing.TB, h *Host, conf ...string) *SSH {
	t.Helper()
	const sshd = "/usr/sbin/sshd" // it must be called by its full path
	if _, err := os.Stat(sshd); err != nil {
		unable(t, "the SSH tests need sshd, which is not installed")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // privilege separation, compiled in
		t.Fatal(err)
	}
	dir := t.TempDir()
	clientKey, clientPub := NewSSHKey(t)
	hostKey, hostPub := NewSSHKey(t)
	for name, content := range map[string]string{"host_ed25519": hostKey, "authorized_keys": string(ssh.MarshalAuthorizedKey(clientPub))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ecdsa := filepath.Join(dir, "host_ecdsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", ecdsa).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	address := freeAddress(t)
	runSSHD(t, sshd, dir, address, conf)
	s := &SSH{Address: address, User: "root", Key: clientKey}
	s.URI = fmt.Sprintf("qemu+ssh://%s@%s/system?socket=%s", s.User, address, url.QueryEscape(h.Socket))
	s.KnownHosts = KnownHosts(address, hostPub)
	return s
}

// KnownHosts returns the line that pins a key for an address with a port.
func KnownHosts(address string, key ssh.PublicKey) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(key))
}

// NewSSHKey returns an Ed25519 key in OpenSSH's format, and its public half.
func NewSSHKey(t testing.TB) (string, ssh.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), pub
}

// runSSHD starts the server and waits until it listens.
func runSSHD(t testing.TB, sshd, dir, address string, conf []string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	config := ""
	for _, line := range conf {
		config += line + "\n"
	}
	config += fmt.Sprintf(`ListenAddress %s
Port %s
HostKey %s/host_ed25519
HostKey %s/host_ecdsa
AuthorizedKeysFile %s/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
AllowStreamLocalForwarding yes
MaxStartups 200:30:400
`, host, port, dir, dir, dir)
	path := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", path)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
	awaitListener(t, address)
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func awaitListener(t testing.TB, address string) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var c net.Conn
		if c, err = net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
	}
	t.Fatalf("nobody listens on %s: %v", address, err)
}
