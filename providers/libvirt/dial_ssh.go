package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// sshDialer reaches the socket of a daemon through an SSH server, without a
// shell or a program at the other end.
type sshDialer struct {
	address string
	user    string
	paths   []string
	auth    []ssh.AuthMethod
	pinned  *knownhosts.HostKeyDB
}

// newSSHDialer reads the credential: ssh-privatekey (or identity) with
// ssh-passphrase if the key is encrypted, or password; known_hosts; and
// username, if the URI names no user.
func newSSHDialer(e endpoint, creds secret.Set) (dialer, error) {
	d := &sshDialer{address: e.address(), user: e.user}
	if d.user == "" {
		d.user = creds["username"].Reveal()
	}
	if d.user == "" {
		return nil, errors.New("neither the URI nor the credential names an SSH user; write qemu+ssh://USER@HOST/system")
	}
	var err error
	if d.paths, err = e.sockets(""); err != nil {
		return nil, err
	}
	if d.auth, err = sshAuth(creds); err != nil {
		return nil, err
	}
	if d.pinned, err = pinnedKeys(creds["known_hosts"]); err != nil {
		return nil, err
	}
	return d, nil
}

// sshAuth returns the ways to log in that the credential allows.
func sshAuth(creds secret.Set) ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if key := creds.First("ssh-privatekey", "identity"); !key.Empty() {
		signer, err := sshSigner(key, creds["ssh-passphrase"])
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if password := creds["password"]; !password.Empty() {
		methods = append(methods,
			ssh.PasswordCallback(func() (string, error) { return password.Reveal(), nil }),
			ssh.KeyboardInteractive(answerWith(password)))
	}
	if methods == nil {
		return nil, errors.New(`the credential lacks "ssh-privatekey" and "password"; one of them is needed for SSH`)
	}
	return methods, nil
}

func sshSigner(key, passphrase secret.Text) (ssh.Signer, error) {
	var signer ssh.Signer
	var err error
	if passphrase.Empty() {
		signer, err = ssh.ParsePrivateKey([]byte(key.Reveal()))
	} else {
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(key.Reveal()), []byte(passphrase.Reveal()))
	}
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, errors.New(`the SSH key is encrypted; add "ssh-passphrase" to the credential`)
	}
	if err != nil {
		return nil, fmt.Errorf("the credential's SSH key cannot be read: %w", err)
	}
	return signer, nil
}

// answerWith answers the one hidden question of a server that asks for the
// password in its own words, and no other.
func answerWith(password secret.Text) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echo []bool) ([]string, error) {
		switch {
		case len(questions) == 0:
			return nil, nil
		case len(questions) == 1 && !echo[0]:
			return []string{password.Reveal()}, nil
		}
		return nil, errors.New("the SSH server asks for more than a password")
	}
}

// pinnedKeys reads the host keys to trust, in the format of OpenSSH's
// known_hosts. The library reads files only.
func pinnedKeys(known secret.Text) (*knownhosts.HostKeyDB, error) {
	if known.Empty() {
		return nil, errors.New(`the credential lacks "known_hosts"; put the host's keys there, as ssh-keyscan prints them, after checking them`)
	}
	f, err := os.CreateTemp("", "known_hosts-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = io.WriteString(f, known.Reveal())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	db, err := knownhosts.NewDB(f.Name())
	if err != nil {
		return nil, errors.New(strings.ReplaceAll("the credential's known_hosts cannot be read: "+err.Error(), f.Name(), "known_hosts"))
	}
	return db, nil
}

// dial implements dialer. The library does not look at a context during the
// handshake, so its end closes the connection below.
func (d *sshDialer) dial(ctx context.Context) (net.Conn, error) {
	raw, err := tcpDialer{d.address}.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c, err := d.over(raw)
	if !stop() && err == nil {
		err = ctx.Err()
		c.Close()
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// over speaks SSH over raw and opens the daemon's socket.
func (d *sshDialer) over(raw net.Conn) (net.Conn, error) {
	trusted := false // as far as the host's key goes
	config := &ssh.ClientConfig{
		User: d.user,
		Auth: d.auth,
		HostKeyCallback: func(address string, remote net.Addr, key ssh.PublicKey) error {
			err := d.checkHostKey(address, remote, key)
			trusted = err == nil
			return err
		},
		HostKeyAlgorithms: d.pinned.HostKeyAlgorithms(d.address),
	}
	sc, chans, reqs, err := ssh.NewClientConn(raw, d.address, config)
	if err != nil {
		return nil, d.explain(err, trusted)
	}
	client := ssh.NewClient(sc, chans, reqs)
	var first error
	for _, path := range d.paths {
		channel, err := client.Dial("unix", path)
		if err == nil {
			return &layered{Conn: channel, below: []io.Closer{raw, client}}, nil
		}
		if first == nil {
			first = d.explainSocket(path, err)
		}
	}
	raw.Close()
	client.Close()
	return nil, first
}

// checkHostKey refuses a host whose key is not pinned, naming both keys so
// that a person can compare them.
func (d *sshDialer) checkHostKey(address string, remote net.Addr, key ssh.PublicKey) error {
	err := d.pinned.HostKeyCallback()(address, remote, key)
	if err == nil {
		return nil
	}
	offered := key.Type() + " " + ssh.FingerprintSHA256(key)
	var unknown *xknownhosts.KeyError
	switch {
	case !errors.As(err, &unknown):
		err = fmt.Errorf("the SSH host key %s of %s is refused: %w", offered, address, err)
	case len(unknown.Want) == 0:
		err = fmt.Errorf("the SSH host %s is unknown: it shows key %s, and known_hosts pins no key for it; check the key at the host, then add it to the credential", address, offered)
	default:
		var pinned []string
		for _, k := range unknown.Want {
			pinned = append(pinned, k.Key.Type()+" "+ssh.FingerprintSHA256(k.Key))
		}
		err = fmt.Errorf("the SSH host key of %s has changed: it shows %s, and known_hosts pins %s; somebody may be listening in, or the host was installed anew",
			address, offered, strings.Join(pinned, ", "))
	}
	return unauthorized{err}
}

// explain gives a failed handshake its kind. The library has no type for a
// refused login, but once the host is trusted little else can go wrong that is
// not the network's fault.
func (d *sshDialer) explain(err error, trusted bool) error {
	var network net.Error
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return err
	case trusted:
		return unauthorized{fmt.Errorf("the SSH server refused the login of %s; check the key or password in the credential and the user's authorized_keys: %w", d.user, err)}
	case errors.As(err, &negotiation) && len(d.pinned.HostKeys(d.address)) > 0:
		return unauthorized{fmt.Errorf("the SSH server may have no host key of the types that known_hosts pins (%s): %w",
			strings.Join(d.pinned.HostKeyAlgorithms(d.address), ", "), err)}
	}
	return err
}

// explainSocket gives a refused socket its kind. OpenSSH says the same,
// "connect failed", for a socket that is not there, for one that the user may
// not open, and for one that it will not forward to.
func (d *sshDialer) explainSocket(path string, err error) error {
	var open *ssh.OpenChannelError
	switch {
	case !errors.As(err, &open):
		return fmt.Errorf("open %s by SSH: %w", path, err)
	case open.Reason == ssh.Prohibited:
		return unauthorized{fmt.Errorf("the SSH server forbids %s to open %s: %w", d.user, path, err)}
	}
	return fmt.Errorf("the SSH server could not open %s; either libvirtd does not run there, or user %s may not open its socket (group libvirt), or sshd_config forbids it (AllowStreamLocalForwarding): %w",
		path, d.user, err)
}
