package remote_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// serverConfig is that of a server that asks its clients for certificates.
func serverConfig(t *testing.T, a *remotetest.Authority, name string) *tls.Config {
	t.Helper()
	files := a.Files(name)
	pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(files.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"},
	}
}
