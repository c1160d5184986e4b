package webhook

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	rememberFor = 24 * time.Hour
	rememberMax = 10_000
)

// digest names a delivery in as many bytes as any other.
type digest [sha256.Size]byte

// memory knows the deliveries of the last day, the latest used of them when
// they are many. It does not outlive the process: a delivery that is replayed
// after a restart wakes a pass, which is all it can do.
type memory struct {
	mu    sync.Mutex
	order *list.List // of remembered; the latest used at the back; guarded by mu
	known map[digest]*list.Element
}

type remembered struct {
	key digest
	at  time.Time
}

func newMemory() *memory {
	return &memory{order: list.New(), known: map[digest]*list.Element{}}
}

// first remembers a delivery, and tells whether it was unknown until now.
func (m *memory) first(key digest) bool {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.known[key]; ok {
		m.order.MoveToBack(e)
		r := e.Value.(*remembered)
		if now.Sub(r.at) < rememberFor {
			return false
		}
		r.at = now
		return true
	}
	m.known[key] = m.order.PushBack(&remembered{key, now})
	if m.order.Len() > rememberMax {
		m.drop(m.order.Front())
	}
	return true
}

// forget makes a delivery unknown again.
func (m *memory) forget(key digest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.known[key]; ok {
		m.drop(e)
	}
}

func (m *memory) drop(e *list.Element) {
	delete(m.known, e.Value.(*remembered).key)
	m.order.Remove(e)
}

// keyOf names a delivery by its id, or by its body when it has none. The ids of
// older GitLabs are shared by all that one push causes, so there it is both.
// Where a signed time tells deliveries apart, the id, which is not signed, does
// not count.
func keyOf(c claim, body []byte) digest {
	sum := sha256.New()
	sum.Write([]byte(string(c.forge) + "\x00"))
	if c.stamp == "" {
		sum.Write([]byte(c.delivery + "\x00"))
	}
	if c.delivery == "" || !c.unique || c.stamp != "" {
		sum.Write(c.mac) // of the body
		if c.mac == nil {
			sum.Write(body)
		}
	}
	return digest(sum.Sum(nil))
}
