package libvirttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// The ports of libvirtd inside the host's own network.
const (
	insideTCP = 16509
	insideTLS = 16514
)

// Authority is a certificate authority of a test.
type Authority struct {
	PEM string
	crt *x509.Certificate
	key *ecdsa.PrivateKey
}

// Pair is a certificate and its key, in PEM.
type Pair struct{ Cert, Key string }

// NewAuthority makes an authority that nobody trusts yet.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{key: newKey(t)}
	a.crt = certificate("test authority")
	a.crt.IsCA, a.crt.BasicConstraintsValid = true, true
	a.crt.KeyUsage = x509.KeyUsageCertSign
	a.PEM = a.sign(t, a.crt, a.key).Cert
	return a
}

// Issue makes a certificate for a server at 127.0.0.1 and its clients. Without
// the usage keyEncipherment, libvirt 9 refuses even one with an EC key.
func (a *Authority) Issue(t testing.TB, name string) Pair {
	t.Helper()
	c := certificate(name)
	c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.DNSNames = []string{"localhost"}
	return a.sign(t, c, newKey(t))
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *Authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) Pair {
	t.Helper()
	crt, err := x509.CreateCertificate(rand.Reader, c, a.crt, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt})),
		Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}

// listenConf is what libvirtd.conf needs to listen, with certificates of the
// host's own authority.
func (h *Host) listenConf() string {
	h.t.Helper()
	h.Authority = NewAuthority(h.t)
	server := h.Authority.Issue(h.t, "server")
	h.write("cacert.pem", h.Authority.PEM)
	h.write("servercert.pem", server.Cert)
	h.write("serverkey.pem", server.Key)
	path := func(name string) string { return filepath.Join(h.dir, name) }
	return fmt.Sprintf(`listen_tcp = 1
listen_tls = 1
listen_addr = "127.0.0.1"
tcp_port = "%d"
tls_port = "%d"
auth_tcp = "none"
auth_tls = "none"
ca_file = %q
cert_file = %q
key_file = %q
`, insideTCP, insideTLS, path("cacert.pem"), path("servercert.pem"), path("serverkey.pem"))
}

// ServeTCP returns the URI of a host that was started with Listen.
func (h *Host) ServeTCP(t testing.TB) string {
	t.Helper()
	return "qemu+tcp://" + h.forward(t, insideTCP) + "/system"
}

// ServeTLS returns the URI of a host that was started with Listen. Its
// certificate is signed by h.Authority, and clients need one of that, too.
func (h *Host) ServeTLS(t testing.TB) string {
	t.Helper()
	return "qemu+tls://" + h.forward(t, insideTLS) + "/system"
}
