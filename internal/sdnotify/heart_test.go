package sdnotify

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pulse counts what a heart says in a bubble's time.
type pulse struct {
	mu     sync.Mutex
	alive  int       // guarded by mu
	hung   time.Time // guarded by mu
	silent time.Duration
}

func (p *pulse) send(state ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch state[len(state)-1] {
	case stateAlive:
		p.alive++
	case stateHangs:
		p.hung = time.Now()
	}
	return nil
}

func (p *pulse) heart(patience time.Duration) *Heart {
	h := &Heart{send: p.send, interval: time.Minute, patience: patience,
		hangs: func(d time.Duration) { p.silent = d }}
	h.Beat()
	return h
}

// beating runs a heart beside a loop, and returns how long the loop took
// until the process was ended; zero: it was not.
func beating(t *testing.T, patience time.Duration, loop func(*Heart)) (p *pulse, ended time.Duration) {
	t.Helper()
	p = &pulse{}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		h := p.heart(patience)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.Run(ctx)
		}()
		loop(h)
		cancel()
		<-done
		if !p.hung.IsZero() {
			ended = p.hung.Sub(begun)
		}
	})
	return p, ended
}

func TestHeart(t *testing.T) {
	const patience = 5 * time.Minute
	rows := []struct {
		reason string
		loop   func(*Heart)
		ended  time.Duration
	}{
		{"a loop that hangs is noticed", func(*Heart) { time.Sleep(time.Hour) }, patience + 30*time.Second},
		{"a long pass with progress goes on", func(h *Heart) {
			for range 60 {
				time.Sleep(4 * time.Minute)
				h.Beat()
			}
		}, 0},
		{"a loop that waits for its time goes on", func(h *Heart) {
			h.Rest(24 * time.Hour)
			time.Sleep(24 * time.Hour)
			h.Beat()
			time.Sleep(time.Minute)
		}, 0},
		{"a loop that does not wake is noticed", func(h *Heart) {
			h.Rest(time.Hour)
			time.Sleep(24 * time.Hour)
		}, time.Hour + patience + 30*time.Second},
		{"a wait that was cut short lends nothing to the work", func(h *Heart) {
			h.Rest(24 * time.Hour)
			time.Sleep(time.Minute)
			h.Beat()
			time.Sleep(time.Hour)
		}, time.Minute + patience + 30*time.Second},
		{"a time in the past is no wait", func(h *Heart) {
			h.Rest(-time.Hour)
			time.Sleep(patience)
		}, 0},
	}
	for _, r := range rows {
		if _, ended := beating(t, patience, r.loop); ended != r.ended {
			t.Errorf("%s: want an end after %v, got %v", r.reason, r.ended, ended)
		}
	}
}

// TestHeartIsHeard counts the messages: two per interval, and none after the
// loop is given up.
func TestHeartIsHeard(t *testing.T) {
	p, ended := beating(t, 10*time.Minute, func(*Heart) { time.Sleep(9*time.Minute + time.Second) })
	if p.alive != 19 || ended != 0 {
		t.Errorf("want 19 messages in nine minutes, got %d, end after %v", p.alive, ended)
	}
	p, ended = beating(t, time.Minute, func(*Heart) { time.Sleep(time.Hour) })
	if p.alive != 3 || p.silent != 90*time.Second || ended != 90*time.Second {
		t.Errorf("want 3 messages and an end after 1m30s, got %d and %v, silent for %v", p.alive, ended, p.silent)
	}
}

func TestHeartOfNobody(t *testing.T) {
	var none *Heart
	none.Beat()
	none.Run(t.Context())
	h := NewHeart(Notifier{}, time.Minute, nil)
	h.Rest(time.Second)
	h.Run(t.Context()) // returns: nobody asks
}
