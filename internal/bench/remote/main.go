// Command remote measures a pass with nothing to do over 5,000 VMs behind a
// provider server, on loopback and by TLS both ways. The floor is the same pass
// with the provider built in, in the same run.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/server"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/sources"
)

const (
	fleetSize = 5_000
	turns     = 31
	overFloor = 1.3
)

func main() {
	side.Main(func(r *side.Run) error {
		builtIn := memory.NewHypervisor().Connect(settings())
		far, stop, err := behindServer(memory.NewHypervisor().Connect(settings()))
		if err != nil {
			return err
		}
		defer stop()
		near, err := passOver(r.Context(), builtIn)
		if err != nil {
			return fmt.Errorf("built in: %w", err)
		}
		begun := time.Now()
		over, err := passOver(r.Context(), far)
		if err != nil {
			return fmt.Errorf("behind a server: %w", err)
		}
		r.Say("made %d VMs behind a server in %v", fleetSize, time.Since(begun).Round(time.Millisecond))
		times, err := side.Alternate(turns, side.Timed(near), side.Timed(over))
		if err != nil {
			return err
		}
		floor, took := times[0].Median(), times[1].Median()
		r.Say("a pass over %d VMs with nothing to do: %v built in, %v behind a server", fleetSize, floor, took)
		r.Bound("a pass with nothing to do behind a server, against built in", float64(took)/float64(floor), overFloor, "x")
		return nil
	})
}

func settings() providers.Settings {
	return providers.Settings{Fleet: side.FleetName, Key: side.Lab(), Type: "memory"}
}

// passOver makes the fleet and returns a pass that finds nothing to do.
func passOver(ctx context.Context, p providers.Provider) (func() error, error) {
	files := fstest.MapFS{}
	for name, text := range side.Fleet(fleetSize, "/images/base.qcow2") {
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	e, err := side.Engine(fleet{files}, p, journal.NewMemory())
	if err != nil {
		return nil, err
	}
	pass := func() error {
		rep, err := e.Pass(ctx, reconcile.PassOptions{})
		if err == nil && rep.Plan.Summary.InSync != fleetSize {
			err = fmt.Errorf("only %d are in sync", rep.Plan.Summary.InSync)
		}
		return err
	}
	if _, err := e.Pass(ctx, reconcile.PassOptions{}); err != nil {
		return nil, err
	}
	return pass, pass()
}

// fleet is a source in memory.
type fleet struct{ files fstest.MapFS }

// Fetch implements sources.Source.
func (f fleet) Fetch(context.Context) (*sources.Snapshot, error) {
	return &sources.Snapshot{Revision: "1", Files: f.files}, nil
}

// Describe implements sources.Source.
func (f fleet) Describe() string { return "a fleet in memory" }

// Close implements sources.Source.
func (f fleet) Close() error { return nil }

// behindServer puts a provider behind a server, and returns the way to it.
func behindServer(p providers.Provider) (_ *remote.Provider, stop func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, err
	}
	keys, creds, err := keys(dir)
	if err != nil {
		return nil, nil, err
	}
	s, err := server.New(p, server.Options{
		Fleet: side.FleetName, Type: "memory", Version: "bench", Log: slog.New(slog.DiscardHandler), TLS: keys,
	})
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	set := settings()
	set.Endpoint, set.Credentials = "grpc://"+l.Addr().String(), creds
	far, err := remote.New(set, slog.New(slog.DiscardHandler))
	return far, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = errors.Join(far.Close(), s.Stop(ctx), <-served, os.RemoveAll(dir))
	}, err
}

// keys makes one certificate that is its own authority, for both sides.
func keys(dir string) (*server.TLS, secret.Set, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	crt := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secretKey := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})
	files := &server.TLS{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key"), CAFile: filepath.Join(dir, "crt")}
	err = errors.Join(os.WriteFile(files.CertFile, crt, 0o600), os.WriteFile(files.KeyFile, secretKey, 0o600))
	creds := secret.Set{"tls.crt": secret.New(string(crt)), "tls.key": secret.New(string(secretKey)), "ca.crt": secret.New(string(crt))}
	return files, creds, err
}
