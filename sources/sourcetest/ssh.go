package sourcetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// SSHServer is a private OpenSSH server on loopback with keys of its own.
type SSHServer struct {
	URL      string // of the repository
	Addr     string // host:port
	Auth     secret.Set
	HostKeys map[string]ssh.PublicKey // by type: ed25519, ecdsa, rsa

	t      testing.TB
	user   string
	dir    string
	listen net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	procs  map[*exec.Cmd]net.Conn // guarded by mu
	closed bool                   // guarded by mu
}

// ServeSSH serves r until the test ends, to the one key in Auth. sshd runs once
// per connection, so that no port has to be guessed.
func ServeSSH(t testing.TB, r *Repo) *SSHServer {
	t.Helper()
	Need(t, "git")
	sshd := Need(t, "sshd")
	s := &SSHServer{t: t, dir: t.TempDir(), HostKeys: map[string]ssh.PublicKey{}, procs: map[*exec.Cmd]net.Conn{}}
	me, err := user.Current()
	s.must(err)
	if os.Getuid() == 0 { // sshd insists on this folder when it is root, and on nothing when it is not
		s.must(os.MkdirAll("/run/sshd", 0o755))
	}
	public, private := NewIdentity(t)
	s.write("authorized_keys", public)
	s.writeConfig()
	s.listen, err = net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.Addr = s.listen.Addr().String()
	s.user = me.Username
	s.URL = s.URLOf(r)
	s.Auth = secret.Set{"identity": secret.New(private), "known_hosts": secret.New(s.KnownHosts("ed25519", "ecdsa", "rsa"))}
	s.wg.Go(func() { s.accept(sshd) })
	t.Cleanup(s.stop)
	return s
}

// URLOf returns the URL of another repository that the server serves as well.
func (s *SSHServer) URLOf(r *Repo) string { return "ssh://" + s.user + "@" + s.Addr + r.Dir }

// KnownHosts returns the lines that pin the server's keys of these types.
func (s *SSHServer) KnownHosts(types ...string) string {
	var b strings.Builder
	for _, k := range types {
		b.WriteString(knownhosts.Line([]string{s.Addr}, s.HostKeys[k]) + "\n")
	}
	return b.String()
}

// NewIdentity makes a key pair as ssh-keygen would.
func NewIdentity(t testing.TB) (public, private string) {
	t.Helper()
	return newPair(t, "ed25519")
}

func newPair(t testing.TB, kind string) (public, private string) {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "test")
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(pub)), string(pem.EncodeToMemory(block))
}

func (s *SSHServer) writeConfig() {
	conf := fmt.Sprintf(`AuthorizedKeysFile %s/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
LogLevel ERROR
SetEnv GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
`, s.dir)
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		public, private := newPair(s.t, kind)
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
		s.must(err)
		s.HostKeys[kind] = key
		s.write("host_"+kind, private)
		conf += "HostKey " + filepath.Join(s.dir, "host_"+kind) + "\n"
	}
	s.write("sshd_config", conf)
}

func (s *SSHServer) accept(sshd string) {
	for {
		conn, err := s.listen.Accept()
		if err != nil {
			return // closed by stop
		}
		s.wg.Go(func() { s.serve(sshd, conn) })
	}
}

func (s *SSHServer) serve(sshd string, conn net.Conn) {
	defer conn.Close()
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return
	}
	defer f.Close()
	var said bytes.Buffer
	cmd := exec.Command(sshd, "-i", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, &said
	s.mu.Lock()
	if s.closed || cmd.Start() != nil {
		s.mu.Unlock()
		return
	}
	s.procs[cmd] = conn
	s.mu.Unlock()
	_ = conn.Close() // the process has its own descriptor
	err = cmd.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.procs, cmd)
	if err != nil && !s.closed {
		s.t.Logf("sshd: %v: %s", err, said.String())
	}
}

// stop ends the processes that were started here, and waits for them.
func (s *SSHServer) stop() {
	_ = s.listen.Close()
	s.mu.Lock()
	s.closed = true
	for cmd := range s.procs {
		_ = cmd.Process.Kill()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *SSHServer) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

func (s *SSHServer) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
