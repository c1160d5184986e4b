package git

import (
	"github.com/vmsteward/vmsteward/internal/secret"
)

// newRemote chooses the transport.
func newRemote(a address, auth secret.Set) (remote, error) {
	switch a.scheme {
	case "file":
		return &local{path: a.path}, nil
	}
	return nil, invalid("", "scheme %s", a.scheme)
}
