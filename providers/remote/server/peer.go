package server

import (
	"context"
	"crypto/x509"
	"slices"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// caller is who makes a call.
type caller struct {
	addr  string
	names []string // that its certificate proves; none: it has no certificate
}

func callerOf(ctx context.Context) caller {
	var c caller
	p, ok := peer.FromContext(ctx)
	if !ok {
		return c
	}
	c.addr = p.Addr.String()
	if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
		c.names = namesOf(info.State.PeerCertificates[0])
	}
	return c
}

// namesOf returns the names that a certificate proves, the most telling first.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	if c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

// name is what the log calls it.
func (c caller) name() string {
	if len(c.names) == 0 {
		return c.addr
	}
	return c.names[0]
}

// on tells whether one of its names is on a list.
func (c caller) on(list []string) bool {
	return slices.ContainsFunc(c.names, func(n string) bool { return slices.Contains(list, n) })
}
