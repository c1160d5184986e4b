package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/sources"
)

// overSSH is a remote behind ssh. The connection is made here, not by go-git,
// whose handshake does not end with the context and whose settings come from the
// user's home.
type overSSH struct {
	addr     address
	hostport string
	keys     *hostKeys
	signer   ssh.Signer
	multiAck bool // the server insists on it
}

func newSSH(a address, auth secret.Set) (*overSSH, error) {
	o := &overSSH{addr: a, hostport: a.host, multiAck: needsMultiAck(a)}
	if _, _, err := net.SplitHostPort(a.host); err != nil {
		o.hostport = net.JoinHostPort(strings.Trim(a.host, "[]"), "22")
	}
	if o.addr.user == "" {
		o.addr.user = "git"
	}
	var err error
	if o.signer, err = newSigner(auth); err != nil {
		return nil, err
	}
	pinned := auth["known_hosts"]
	if pinned.Empty() {
		return nil, invalid("run ssh-keyscan for the host, compare the fingerprints with those of the operator, and put the lines there",
			"credential key known_hosts is empty; host keys are never trusted at first sight")
	}
	o.keys, err = newHostKeys(pinned.Reveal(), o.hostport)
	return o, err
}

func newSigner(auth secret.Set) (ssh.Signer, error) {
	key, phrase := auth.First("identity", "ssh-privatekey"), auth["ssh-passphrase"]
	if key.Empty() {
		return nil, invalid("put the private key there", "credential key identity (or ssh-privatekey) is empty")
	}
	if !phrase.Empty() {
		s, err := ssh.ParsePrivateKeyWithPassphrase([]byte(key.Reveal()), []byte(phrase.Reveal()))
		if err != nil {
			return nil, invalid("check the key and ssh-passphrase", "credential key identity: %v", err)
		}
		return s, nil
	}
	s, err := ssh.ParsePrivateKey([]byte(key.Reveal()))
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, invalid("set ssh-passphrase, or use a key without one", "credential key identity has a passphrase")
	}
	if err != nil {
		return nil, invalid("put a private key there as ssh-keygen makes it", "credential key identity: %v", err)
	}
	return s, nil
}

func (o *overSSH) close() {}

// open connects, shows who we are, and starts the server's end.
func (o *overSSH) open(ctx context.Context) (conversation, error) {
	client, stop, err := o.connect(ctx)
	if err != nil {
		return nil, o.explain(err)
	}
	s := &sshSession{client: client, stop: stop, errors: &complaint{}}
	if err := s.start("git-upload-pack '" + strings.ReplaceAll(o.addr.path, "'", `'\''`) + "'"); err != nil {
		return nil, errors.Join(o.explain(err), s.Close())
	}
	return &wire{s: s, explain: o.explain, multiAck: o.multiAck}, nil
}

// connect returns a client all of whose reading and writing ends with the
// context, the handshake included.
func (o *overSSH) connect(ctx context.Context) (client *ssh.Client, stop func() bool, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", o.hostport)
	if err != nil {
		return nil, nil, err
	}
	stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // frees whoever is reading
	var refused error
	sc, chans, reqs, err := ssh.NewClientConn(conn, o.hostport, &ssh.ClientConfig{
		User:              o.addr.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(o.signer)},
		HostKeyAlgorithms: o.keys.algorithms(),
		HostKeyCallback: func(host string, at net.Addr, key ssh.PublicKey) error {
			refused = o.keys.check(host, at, key)
			return refused
		},
	})
	if err == nil {
		return ssh.NewClient(sc, chans, reqs), stop, nil
	}
	stop()
	_ = conn.Close() // the handshake's error says more
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if refused != nil {
		err = refused
	}
	return nil, nil, err
}

func (o *overSSH) explain(err error) error {
	var none *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &none) && strings.Contains(err.Error(), "host key"):
		return o.keys.noneInCommon(err)
	case strings.Contains(err.Error(), "unable to authenticate"): // x/crypto/ssh v0.56 has no type for it
		return fail(sources.Denied, "give the public key of the credential's identity read access there",
			"%s: the server does not accept the key %s: %w", o.addr, ssh.FingerprintSHA256(o.signer.PublicKey()), err)
	}
	return explainGit(o.addr, err)
}

// sshSession is one run of git-upload-pack at the server.
type sshSession struct {
	client *ssh.Client
	stop   func() bool
	run    *ssh.Session
	in     io.WriteCloser
	out    io.Reader
	errors *complaint
}

func (s *sshSession) start(command string) (err error) {
	if s.run, err = s.client.NewSession(); err != nil {
		return err
	}
	s.run.Stderr = s.errors
	if s.in, err = s.run.StdinPipe(); err != nil {
		return err
	}
	if s.out, err = s.run.StdoutPipe(); err != nil {
		return err
	}
	return s.run.Start(command)
}

// Close drops the connection, which ends the server's process.
func (s *sshSession) Close() error {
	s.stop()
	_ = s.client.Close() // it may be closed already, by the context
	return nil
}

// AdvertisedReferencesContext implements session.
func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	ar := packp.NewAdvRefs()
	err := ar.Decode(s.out)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && ar.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case err != nil:
		return nil, s.complain(err)
	}
	transport.FilterUnsupportedCapabilities(ar.Capabilities)
	return ar, nil
}

// complain adds what the server said. It has ended by itself, or the context
// will see to it.
func (s *sshSession) complain(err error) error {
	_ = s.in.Close()
	_ = s.run.Wait() // its status says less than its words
	if said := s.errors.String(); said != "" {
		return fmt.Errorf("the server said %q: %w", said, err)
	}
	return err
}

// UploadPack implements session.
func (s *sshSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	send := func() error {
		if err := req.UploadRequest.Encode(s.in); err != nil {
			return err
		}
		if err := req.UploadHaves.Encode(s.in, true); err != nil {
			return err
		}
		if err := pktline.NewEncoder(s.in).EncodeString("done\n"); err != nil {
			return err
		}
		// A quick server has answered and gone by now, which Close reports as EOF.
		if err := s.in.Close(); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	res := packp.NewUploadPackResponse(req)
	err := send()
	if err == nil {
		err = res.Decode(io.NopCloser(s.out))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, s.complain(err)
	}
	return res, nil
}

// complaint keeps the beginning of what a server complains about.
type complaint struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

// Write implements io.Writer; it never fails.
func (t *complaint) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p[:min(len(p), maxComplaint-len(t.buf))]...)
	return len(p), nil
}

func (t *complaint) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.buf), ""))
}
