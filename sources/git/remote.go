package git

import (
	"github.com/vmsteward/vmsteward/internal/secret"
)

// newRemote chooses the transport. Nothing is registered anywhere: sources with
// different trust do not disturb each other.
func newRemote(a address, auth secret.Set) (remote, error) {
	switch a.scheme {
	case "http", "https":
		return newHTTP(a, auth)
	case "ssh":
		return newSSH(a, auth)
	}
	return &local{path: a.path}, nil
}
