package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// The keys of the credential: who we are, who signs the server's certificate,
// and the name in it if that is not the endpoint's host.
const (
	keyCertificate = "tls.crt"
	keyPrivate     = "tls.key"
	keyCA          = "ca.crt"
	keyServerName  = "server-name"
)

// newTrust says how both sides know each other: by certificates, TLS 1.3 both
// ways. nil: what is sent is plain text, which stays on this machine or was
// asked for with insecure.
func newTrust(e endpoint, creds secret.Set, insecure bool) (*tls.Config, error) {
	given := slices.DeleteFunc([]string{keyCertificate, keyPrivate, keyCA}, func(k string) bool { return creds[k].Empty() })
	if len(given) == 0 {
		if e.nearby() || insecure {
			return nil, nil
		}
		return nil, fmt.Errorf("the credential holds none of %q, %q and %q, and without them everything would be sent in plain text; "+
			"add them, or set insecureSkipVerify", keyCertificate, keyPrivate, keyCA)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, InsecureSkipVerify: insecure}
	if err := setPair(config, creds); err != nil {
		return nil, err
	}
	return config, setAuthority(config, e, creds)
}

func setPair(config *tls.Config, creds secret.Set) error {
	crt, key := creds[keyCertificate], creds[keyPrivate]
	if crt.Empty() || key.Empty() {
		return fmt.Errorf("the credential lacks %q or %q, by which a provider server knows us", keyCertificate, keyPrivate)
	}
	pair, err := tls.X509KeyPair([]byte(crt.Reveal()), []byte(key.Reveal()))
	if err != nil {
		return fmt.Errorf("%q and %q in the credential: %w", keyCertificate, keyPrivate, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return nil
}

func setAuthority(config *tls.Config, e endpoint, creds secret.Set) error {
	config.ServerName = e.host
	if name := creds[keyServerName]; !name.Empty() {
		config.ServerName = strings.TrimSpace(name.Reveal())
	}
	if config.InsecureSkipVerify {
		return nil
	}
	ca := creds[keyCA]
	switch {
	case ca.Empty():
		return fmt.Errorf("the credential lacks %q, the authority that signed the server's certificate", keyCA)
	case config.ServerName == "":
		return fmt.Errorf("a socket has no name that a certificate could be made out to; set %q in the credential", keyServerName)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM([]byte(ca.Reveal())) {
		return fmt.Errorf("%q in the credential holds no certificate", keyCA)
	}
	return nil
}

// isAlert tells whether err is the peer's TLS alert, for which crypto/tls has
// no type of its own.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// distrust explains an error of a handshake that is about certificates: theirs
// or ours. It returns nil for any other error.
func distrust(e endpoint, err error) error {
	var theirs *tls.CertificateVerificationError
	switch {
	case err == nil:
		return nil
	case isAlert(err):
		return fmt.Errorf("%s refused our handshake; check %q and %q in the credential, the authority that the server trusts, and that it speaks TLS 1.3: %w",
			e, keyCertificate, keyPrivate, err)
	case errors.As(err, &theirs):
		var name x509.HostnameError
		if errors.As(err, &name) && len(theirs.UnverifiedCertificates) > 0 {
			return fmt.Errorf("the certificate of %s is made out to %s; use such a name in the endpoint, or set %q in the credential: %w",
				e, madeOutTo(theirs.UnverifiedCertificates[0]), keyServerName, err)
		}
		return fmt.Errorf("the certificate of %s is not trusted; check %q in the credential: %w", e, keyCA, err)
	}
	return nil
}

// madeOutTo returns whose a certificate is.
func madeOutTo(c *x509.Certificate) string {
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}
