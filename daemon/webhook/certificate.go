package webhook

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
)

// certificate is read from two files, and read again when they change. While
// the new ones do not fit, as between the writing of one and the other, the old
// one goes on being shown.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate // guarded by mu, as is what follows
	from    [2]stamp         // of the files it was read from
	tried   [2]stamp         // of the files that did not fit
}

// stamp tells one state of a file from another.
type stamp struct {
	changed time.Time
	size    int64
}

// load reads the files for the first time.
func (c *certificate) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := c.stamps()
	if err != nil {
		return fmt.Errorf("webhook certificate: %w", err)
	}
	return c.read(now)
}

// get is for tls.Config.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := c.fresh()
	if err != nil {
		c.log.Warn("webhook certificate not reloaded, the old one goes on", logkey.Component, "webhook", logkey.Err, err)
	}
	return cert, nil
}

// fresh returns the certificate to show. The error, given once for each state
// of the files, says why it is still the old one.
func (c *certificate) fresh() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := c.stamps()
	if err == nil && now == c.from || now == c.tried {
		return c.current, nil
	}
	if err == nil {
		err = c.read(now)
	}
	if err != nil {
		c.tried = now
	}
	return c.current, err
}

// read takes the files over, if they fit. The caller holds mu.
func (c *certificate) read(now [2]stamp) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("webhook certificate: %w", err)
	}
	c.current, c.from, c.tried = &pair, now, now
	return nil
}

func (c *certificate) stamps() (s [2]stamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return [2]stamp{}, err
		}
		s[i] = stamp{info.ModTime().Round(0), info.Size()}
	}
	return s, nil
}
