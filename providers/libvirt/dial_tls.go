package libvirt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// tlsDialer reaches a daemon that listens for TLS.
type tlsDialer struct {
	address string
	config  *tls.Config
}

// newTLSDialer reads the credential: ca.crt, and tls.crt with tls.key.
func newTLSDialer(e endpoint, creds secret.Set, insecure bool) (dialer, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         e.host,
		InsecureSkipVerify: insecure,
	}
	if !insecure {
		ca := creds["ca.crt"]
		if ca.Empty() {
			return nil, errors.New(`the credential lacks "ca.crt", the authority that signed the server's certificate`)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(ca.Reveal())) {
			return nil, errors.New(`"ca.crt" in the credential holds no certificate`)
		}
	}
	crt, key := creds["tls.crt"], creds["tls.key"]
	if crt.Empty() != key.Empty() {
		return nil, errors.New(`the credential holds only one of "tls.crt" and "tls.key"; they go together`)
	}
	if !crt.Empty() {
		pair, err := tls.X509KeyPair([]byte(crt.Reveal()), []byte(key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf(`"tls.crt" and "tls.key" in the credential: %w`, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &tlsDialer{e.address(), config}, nil
}

// dial implements dialer.
func (d *tlsDialer) dial(ctx context.Context) (net.Conn, error) {
	raw, err := tcpDialer{d.address}.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c := tls.Client(raw, d.config)
	err = greet(ctx, c)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return &layered{Conn: c, below: []io.Closer{raw}}, nil
}

// greet does the handshake and waits for libvirtd's verdict on our
// certificate, a byte of 1 before its protocol begins.
func greet(ctx context.Context, c *tls.Conn) error {
	if err := c.HandshakeContext(ctx); err != nil {
		var server *tls.CertificateVerificationError
		switch {
		case errors.As(err, &server):
			return unauthorized{fmt.Errorf("the server's certificate is refused; check \"ca.crt\" and the host's name: %w", err)}
		case isAlert(err):
			return refusedCertificate(err)
		}
		return fmt.Errorf("TLS handshake: %w", err)
	}
	var verdict [1]byte
	_, err := io.ReadFull(c, verdict[:])
	switch {
	case isAlert(err) || errors.Is(err, io.EOF):
		return refusedCertificate(err)
	case err != nil:
		return fmt.Errorf("wait for the server to check our certificate: %w", err)
	case verdict[0] != 1:
		return refusedCertificate(fmt.Errorf("verdict %d", verdict[0]))
	}
	return nil
}

func refusedCertificate(err error) error {
	return unauthorized{fmt.Errorf("libvirtd refused our certificate; check \"tls.crt\" in the credential, and tls_allowed_dn_list and the authority in libvirtd.conf: %w", err)}
}

// isAlert tells whether err is the peer's TLS alert, for which crypto/tls has
// no type of its own.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
