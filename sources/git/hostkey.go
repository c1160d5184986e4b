package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/vmsteward/vmsteward/sources"
)

// hostKeys is what is pinned. No file of a user and no agent has a say.
type hostKeys struct {
	db   *knownhosts.HostKeyDB
	addr string // host:port
}

// newHostKeys reads known_hosts lines. The library reads files only, so the text
// passes through one that is gone when this returns.
func newHostKeys(text, addr string) (*hostKeys, error) {
	f, err := os.CreateTemp("", "vmsteward-known-hosts-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	db, err := knownhosts.NewDB(f.Name())
	if err != nil {
		// The library names the temporary file, which helps nobody.
		return nil, invalid("give lines as ssh-keyscan prints them", "credential key known_hosts: %s",
			strings.ReplaceAll(err.Error(), f.Name(), "line "))
	}
	return &hostKeys{db: db, addr: addr}, nil
}

// algorithms restricts the handshake to the types of keys that are pinned;
// otherwise a server would show a key of another type, which would look changed.
func (h *hostKeys) algorithms() []string { return h.db.HostKeyAlgorithms(h.addr) }

// check is the callback of the handshake. It shows fingerprints so that a person
// can compare them with what the server's operator says.
func (h *hostKeys) check(host string, at net.Addr, key ssh.PublicKey) error {
	err := h.db.HostKeyCallback()(host, at, key)
	var mismatch *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &revoked):
		return fail(sources.Denied, "the server must get a new key", "the host key of %s is marked as revoked in known_hosts", h.addr)
	case !errors.As(err, &mismatch):
		return fail(sources.Denied, h.hint(), "host key of %s: %w", h.addr, err)
	case len(mismatch.Want) == 0:
		return fail(sources.Denied, h.hint(), "the host key of %s is not known: offered %s, pinned none", h.addr, print1(key))
	}
	var pinned []string
	for _, w := range mismatch.Want {
		pinned = append(pinned, print1(w.Key))
	}
	return fail(sources.Denied, "somebody may be in between; if the server's operator confirms the new key: "+h.hint(),
		"the host key of %s has changed: offered %s, pinned %s", h.addr, print1(key), strings.Join(pinned, ", "))
}

// noneInCommon explains a server that has no key of a pinned type.
func (h *hostKeys) noneInCommon(err error) error {
	var pinned []string
	for _, k := range h.db.HostKeys(h.addr) {
		pinned = append(pinned, print1(k))
	}
	return fail(sources.Denied, h.hint(), "%s has no host key of a pinned type: pinned %s: %w", h.addr, strings.Join(pinned, ", "), err)
}

func (h *hostKeys) hint() string {
	host, port, err := net.SplitHostPort(h.addr)
	if err != nil {
		host, port = h.addr, "22"
	}
	return fmt.Sprintf("run ssh-keyscan -p %s %s, compare the fingerprints with those of the operator, and put the lines into the credential's key known_hosts", port, host)
}

// print1 is a key as ssh-keygen -l shows it.
func print1(k ssh.PublicKey) string { return k.Type() + " " + ssh.FingerprintSHA256(k) }
