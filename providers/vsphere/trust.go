package vsphere

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
)

// The keys of the credential that say how the server is known.
const (
	keyCA         = "ca.crt"
	keyThumbprint = "thumbprint"
)

// newTrust says how the server's certificate is checked: by the thumbprint if
// one is pinned, and otherwise by the authorities of the bundle, or of this
// machine. blind tells that it is not checked at all.
func newTrust(creds secret.Set, insecure bool) (config *tls.Config, blind bool, err error) {
	config = &tls.Config{MinVersion: tls.VersionTLS12}
	if bundle := creds[keyCA]; !bundle.Empty() {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(bundle.Reveal())) {
			return nil, false, fmt.Errorf("%q in the credential holds no certificate", keyCA)
		}
	}
	pin := creds[keyThumbprint]
	if !pin.Empty() {
		want, err := parseThumbprint(pin.Reveal())
		if err != nil {
			return nil, false, err
		}
		config.InsecureSkipVerify = true // the pin is what counts
		config.VerifyConnection = func(s tls.ConnectionState) error { return checkPin(s, want) }
		return config, false, nil
	}
	config.InsecureSkipVerify = insecure
	return config, insecure, nil
}

// parseThumbprint reads the SHA-256 of a certificate, with colons or without.
func parseThumbprint(text string) ([sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(b) != len(sum) {
		return sum, fmt.Errorf(`%q in the credential is not a SHA-256 thumbprint, which has 64 hexadecimal digits: "AB:CD:…"; print it with `+
			"openssl x509 -noout -fingerprint -sha256", keyThumbprint)
	}
	copy(sum[:], b)
	return sum, nil
}

// pinError says that the server shows another certificate than the pinned one.
type pinError struct{ shown *x509.Certificate }

func (e *pinError) Error() string { return "its thumbprint is not the one that is pinned" }

func checkPin(s tls.ConnectionState, want [sha256.Size]byte) error {
	leaf := s.PeerCertificates[0]
	if sha256.Sum256(leaf.Raw) != want {
		return &pinError{leaf}
	}
	return nil
}

// thumbprint returns a certificate's SHA-256 in the notation of vSphere.
func thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// distrust explains an error that is about the server's certificate: which
// host, what is wrong, what it has shown, and how to go on. It returns nil for
// any other error.
func distrust(host string, err error) error {
	var pin *pinError
	var bad *tls.CertificateVerificationError
	var shown *x509.Certificate
	var wrong, fix string
	switch {
	case errors.As(err, &pin):
		shown, wrong = pin.shown, pin.Error()
		fix = fmt.Sprintf("if the server was given a new certificate, set %q in the credential anew", keyThumbprint)
	case errors.As(err, &bad) && len(bad.UnverifiedCertificates) > 0:
		shown = bad.UnverifiedCertificates[0]
		wrong, fix = diagnose(bad.Err, shown)
	default:
		return nil
	}
	return &providers.Error{
		Op: "connect", Subject: host, Kind: providers.Unauthorized,
		Err: fmt.Errorf("the certificate of %s is not trusted: %s; %s (it has shown the SHA-256 thumbprint %s): %w",
			host, wrong, fix, thumbprint(shown), plain(err)),
	}
}

// diagnose says what is wrong with a certificate, and what can be done.
func diagnose(err error, shown *x509.Certificate) (wrong, fix string) {
	pin := fmt.Sprintf("pin the certificate with %q in the credential", keyThumbprint)
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "it is made out to " + madeOutTo(shown), "use that name as the endpoint, or " + pin
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("it is valid from %s to %s only", shown.NotBefore.UTC().Format(time.DateOnly), shown.NotAfter.UTC().Format(time.DateOnly)),
			"renew it on the server, or check this machine's clock"
	}
	return "no authority that is known here has signed it",
		fmt.Sprintf("put the authority's certificate into %q of the credential, or %s", keyCA, pin)
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
