package git

import (
	"github.com/vmsteward/vmsteward/internal/secret"
)

// newRemote chooses the transport. Nothing is registered anywhere: sources with
// different trust do not disturb each other.
func newRemote(a address, r Ref, auth secret.Set) (remote, error) {
	switch a.scheme {
	case "http", "https":
		return newHTTP(a, auth)
	case "ssh":
		return newSSH(a, auth)
	}
	l := &local{path: a.path}
	if r.Branch != "" {
		l.names = append(l.names, heads+r.Branch)
	}
	if r.Tag != "" {
		l.names = append(l.names, tags+r.Tag)
	}
	return l, nil
}
