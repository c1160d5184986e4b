package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// github is a delivery with an id and a body of its own.
func github(n int, key string) *http.Request {
	body := fmt.Appendf(nil, `{"ref":"refs/heads/main","after":"%040d","repository":{"clone_url":"https://github.com/acme/machines.git"}}`, n+1)
	h := githubHeaders("push")
	h["X-GitHub-Delivery"] = fmt.Sprint("delivery-", n)
	h[hubSignature2] = "sha256=" + sign(key, body)
	return post(bytes.NewReader(body), h)
}

func TestAThousandWrongASecondStarveNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var wg sync.WaitGroup
		const seconds, perSecond = 3, 1000
		pushes := 0
		for n := range seconds * perSecond {
			wg.Go(func() {
				if a := r.send(t, github(n, wrongProof)); a.Status != http.StatusUnauthorized {
					t.Errorf("wrong %d: answer %+v, want 401", n, a)
				}
			})
			if n%50 == 0 { // from the same address, as behind a proxy
				pushes++
				wg.Go(func() {
					if a := r.send(t, github(n, theSecret)); a.Status != http.StatusAccepted {
						t.Errorf("push %d: answer %+v, want accepted", n, a)
					}
				})
			}
			time.Sleep(time.Second / perSecond) // of the bubble
		}
		wg.Wait()
		got, parsed := r.counts()
		if got != pushes || parsed != pushes {
			t.Errorf("%d notified and %d parsed, want %d of each", got, parsed, pushes)
		}
		if s := r.Stats(); s.Refused != seconds*perSecond || s.Accepted != uint64(pushes) {
			t.Errorf("%+v", s)
		}
		lines := strings.Count(r.log.String(), "verdict=refused")
		if lines > 15 {
			t.Errorf("%d log lines for %d wrong ones, want few", lines, seconds*perSecond)
		}
		t.Logf("%d wrong, %d pushes accepted, %d parsed, %d lines about the wrong", seconds*perSecond, got, parsed, lines)
	})
}

// slow is a body that arrives when it is let go.
type slow struct {
	reading *atomic.Int64
	most    *atomic.Int64
	gate    chan struct{}
}

func (s slow) Read([]byte) (int, error) {
	n := s.reading.Add(1)
	defer s.reading.Add(-1)
	for m := s.most.Load(); n > m && !s.most.CompareAndSwap(m, n); m = s.most.Load() {
	}
	<-s.gate
	return 0, errors.New("cut")
}

func TestBodiesAtOnceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := slow{new(atomic.Int64), new(atomic.Int64), make(chan struct{})}
		var wg sync.WaitGroup
		var turnedAway atomic.Int64
		send := func(from string) {
			wg.Go(func() {
				req := post(s, map[string]string{"X-Gitea-Event": "push", "X-Gitea-Signature": strings.Repeat("ab", 32)})
				req.RemoteAddr = from
				if r.send(t, req).Status == http.StatusServiceUnavailable {
					turnedAway.Add(1)
				}
			})
		}
		for range 100 {
			send("192.0.2.1:1")
		}
		synctest.Wait()
		if n := s.reading.Load(); n != 4 {
			t.Errorf("%d bodies of one source are read at once, want half of 8", n)
		}
		other := github(1, theSecret)
		other.RemoteAddr = "203.0.113.1:1"
		if a := r.send(t, other); a.Status != http.StatusAccepted {
			t.Errorf("another source meanwhile: %+v, want accepted", a)
		}
		for i := range 8 {
			send(fmt.Sprintf("198.51.100.%d:1", i))
		}
		synctest.Wait()
		if n := s.reading.Load(); n != 8 {
			t.Errorf("%d bodies are read at once, want 8", n)
		}
		time.Sleep(6 * time.Second) // of the bubble: those waiting give up
		synctest.Wait()
		if n := turnedAway.Load(); n != 100 {
			t.Errorf("%d turned away, want the 96 and the 4", n)
		}
		close(s.gate)
		wg.Wait()
		if n := s.most.Load(); n != 8 {
			t.Errorf("up to %d bodies at once, want 8", n)
		}
		if len(r.gate.waiting) != 0 || r.gate.held != 0 {
			t.Errorf("%d waiting and %d held after all", len(r.gate.waiting), r.gate.held)
		}
	})
}

func TestASuspectSourceTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t).gate
		for range 50 {
			g.fail("bad", 1)
		}
		if !g.suspect("bad") || g.suspect("good") {
			t.Fatal("the wrong one is suspect")
		}
		if !g.enter(t.Context(), "bad") {
			t.Fatal("a suspect source is shut out")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan bool)
		go func() { done <- g.enter(ctx, "bad") }()
		synctest.Wait()
		if !g.enter(t.Context(), "good") {
			t.Fatal("a good source waits for a suspect one")
		}
		cancel()
		if <-done {
			t.Error("a second turn was had at once")
		}
		g.leave("bad")
		g.leave("good")
		time.Sleep(time.Minute) // of the bubble
		if g.suspect("bad") {
			t.Error("it is never forgiven")
		}
	})
}

func TestSourcesAreBounded(t *testing.T) {
	g := newRig(t).gate
	g.enter(t.Context(), "holds")
	for n := range 3 * maxSources {
		g.fail(fmt.Sprint("source ", n), 1)
	}
	if len(g.sources) > maxSources || g.sources["holds"] == nil {
		t.Errorf("%d sources are remembered, want at most %d, and the one in use", len(g.sources), maxSources)
	}
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64", "[::ffff:192.0.2.1]:80": "192.0.2.1", "@": "unknown",
	} {
		if got := sourceOf(remote); got != want {
			t.Errorf("sourceOf(%q) = %q, want %q", remote, got, want)
		}
	}
}

func TestASlowNotifyDelaysOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, calls := make(chan struct{}), new(atomic.Int64)
		r := newRig(t, func(c *Config) {
			c.Notify = func(p Push) {
				if calls.Add(1) <= 20 {
					<-release
				}
			}
		})
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() { r.send(t, github(n, theSecret)) })
		}
		synctest.Wait()
		if a := r.send(t, github(20, theSecret)); a.Status != http.StatusAccepted {
			t.Errorf("answer %+v, want accepted", a)
		}
		close(release)
		wg.Wait()
		if n := calls.Load(); n != 21 {
			t.Errorf("%d calls for 21 deliveries", n)
		}
	})
}

func TestOneDeliveryAtOnceManyTimesNotifiesOnce(t *testing.T) {
	r := newRig(t)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { r.send(t, github(1, theSecret)) })
	}
	wg.Wait()
	if pushes, _ := r.counts(); pushes != 1 || r.Stats().Seen != 39 {
		t.Errorf("%d notified, %+v, want one and 39 seen", pushes, r.Stats())
	}
}
