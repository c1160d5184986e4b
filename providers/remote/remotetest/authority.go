package remotetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers/remote/server"
)

// Authority signs certificates that are good for an hour.
type Authority struct {
	t    TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// NewAuthority makes an authority that nobody else trusts.
func NewAuthority(t TB) *Authority {
	t.Helper()
	a := &Authority{t: t, key: newKey(t)}
	template := a.template("authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der := a.sign(template, template, a.key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("%v", err)
	}
	a.cert, a.pem = cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// Issue returns the certificate of a name, which is also that of these
// addresses and of 127.0.0.1, and its key, both as PEM.
func (a *Authority) Issue(name string, at ...net.IP) (crt, key []byte) {
	a.t.Helper()
	own := newKey(a.t)
	template := a.template(name)
	template.DNSNames, template.IPAddresses = []string{name}, append(at, net.IPv4(127, 0, 0, 1))
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	der := a.sign(template, a.cert, own)
	plain, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		a.t.Fatalf("%v", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: plain})
}

// Write puts what a peer of that name is given into a folder, under the names
// that credentials have: tls.crt, tls.key and ca.crt.
func (a *Authority) Write(dir, name string, at ...net.IP) {
	a.t.Helper()
	crt, key := a.Issue(name, at...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		a.t.Fatalf("%v", err)
	}
	for file, text := range map[string][]byte{"tls.crt": crt, "tls.key": key, "ca.crt": a.pem} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			a.t.Fatalf("%v", err)
		}
	}
}

// Files is what a server of that name is given.
func (a *Authority) Files(name string) *server.TLS {
	a.t.Helper()
	dir := a.t.TempDir()
	a.Write(dir, name)
	return &server.TLS{
		CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), CAFile: filepath.Join(dir, "ca.crt"),
	}
}

// Credential is what a client of that name is given.
func (a *Authority) Credential(name string) secret.Set {
	a.t.Helper()
	crt, key := a.Issue(name)
	return secret.Set{"ca.crt": secret.New(string(a.pem)), "tls.crt": secret.New(string(crt)), "tls.key": secret.New(string(key))}
}

func (a *Authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func (a *Authority) sign(template, parent *x509.Certificate, of *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of.Public(), a.key)
	if err != nil {
		a.t.Fatalf("%v", err)
	}
	return der
}

func newKey(t TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return key
}
