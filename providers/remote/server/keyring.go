package server

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/vmsteward/vmsteward/internal/logkey"
)

// TLS says how the server and its peers prove who they are.
type TLS struct {
	CertFile, KeyFile string // of the server, PEM
	CAFile            string // PEM; certificates of peers are signed by one of these
	// Allow lists the peers that may call: a DNS name, a URI or the common
	// name of their certificate, each as written there. Empty: all that the
	// CA signed for.
	Allow []string
}

// keyring reads the files anew for every handshake: a renewed certificate, or
// another CA, is used from the next connection on.
type keyring struct {
	files TLS
	log   *slog.Logger

	mu     sync.Mutex
	seen   [sha256.Size]byte // guarded by mu; of the texts that config is from
	config *tls.Config       // guarded by mu; the last good one
	said   string            // guarded by mu; why the files cannot be used
}

func newKeyring(files TLS, log *slog.Logger) (*keyring, error) {
	k := &keyring{files: files, log: log}
	if err := k.read(); err != nil {
		return nil, err
	}
	return k, nil
}

// current returns what the files say, and what they said before while they
// cannot be used: renewing writes one file after the other.
func (k *keyring) current() *tls.Config {
	k.mu.Lock()
	err := k.read()
	news := err != nil && k.said != err.Error()
	k.said = ""
	if err != nil {
		k.said = err.Error()
	}
	config := k.config
	k.mu.Unlock()
	if news {
		k.log.Warn("certificate files cannot be used, those from before are", logkey.Err, err)
	}
	return config
}

// read takes over what the files say. The caller holds mu.
func (k *keyring) read() error {
	var parts [3][]byte
	sum := sha256.New()
	for i, name := range []string{k.files.CertFile, k.files.KeyFile, k.files.CAFile} {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		parts[i] = b
		fmt.Fprintf(sum, "%d:", len(b))
		sum.Write(b)
	}
	seen := [sha256.Size]byte(sum.Sum(nil))
	if k.config != nil && seen == k.seen {
		return nil
	}
	pair, err := tls.X509KeyPair(parts[0], parts[1])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", k.files.CertFile, k.files.KeyFile, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(parts[2]) {
		return fmt.Errorf("%s holds no certificate", k.files.CAFile)
	}
	k.seen, k.config = seen, &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		SessionTicketsDisabled: true, // every connection shows its certificate
	}
	return nil
}
