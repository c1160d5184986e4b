package metrics

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// keyPair is a certificate that may be renewed under a running server.
type keyPair struct {
	cert, key string

	mu   sync.Mutex
	pair *tls.Certificate // guarded by mu; the last good one
	seen [2]stamp         // guarded by mu; of the files it is from
}

type stamp struct {
	mtime time.Time
	size  int64
}

// get returns the pair in the files, and the one from before while they cannot
// be used: renewing writes one file after the other.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := [2]stamp{stampOf(k.cert), stampOf(k.key)}
	if k.pair != nil && now == k.seen {
		return k.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	switch {
	case err == nil:
		k.pair, k.seen = &pair, now
	case k.pair == nil:
		return nil, err
	}
	return k.pair, nil
}

// stampOf is zero for a file that cannot be looked at.
func stampOf(name string) stamp {
	i, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{i.ModTime(), i.Size()}
}
