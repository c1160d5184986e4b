package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

var discard = slog.New(slog.DiscardHandler)

// TestAWatchTellsEverything until the provider's stream breaks, and then why.
func TestAWatchTellsEverything(t *testing.T) {
	broke := &providers.Error{Op: "watch", Kind: providers.Unavailable, Err: errors.New("the endpoint went away")}
	p := &stub{watch: func(_ context.Context, ready func(), changed func(...string)) error {
		changed("early")
		ready()
		for i := range 5000 {
			changed(fmt.Sprint("vm-", i), "vm-0")
		}
		return broke
	}}
	c := serve(t, p, Options{}).dial(t, nil)
	w, err := c.Watch(t.Context(), &stewardv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	told, ready := map[string]bool{}, 0
	for {
		m, err := w.Recv()
		if err != nil {
			if got := wire.Err(t.Context(), "", "", err); got.Error() != broke.Error() || providers.KindOf(got) != providers.Unavailable {
				t.Errorf("it ended with %v", got)
			}
			break
		}
		if m.Ready {
			ready++
		}
		if m.Anything {
			t.Error("anything may have changed")
		}
		for _, id := range m.Ids {
			told[id] = true
		}
	}
	if len(told) != 5001 || ready != 1 {
		t.Errorf("%d ids were told, ready %d times", len(told), ready)
	}
}

// TestASlowWatcher does not read while a hundred thousand VMs change: nobody
// waits for it, little is kept for it, and it learns that it missed something.
func TestASlowWatcher(t *testing.T) {
	flooded := make(chan struct{})
	p := &stub{watch: func(ctx context.Context, ready func(), changed func(...string)) error {
		ready()
		for i := range 100_000 {
			changed(fmt.Sprintf("a-vm-with-a-name-that-is-long-enough-to-fill-the-window-%06d", i))
		}
		close(flooded)
		<-ctx.Done()
		return ctx.Err()
	}}
	c := serve(t, p, Options{}).dial(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w, err := c.Watch(ctx, &stewardv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-flooded:
	case <-time.After(20 * time.Second):
		t.Fatal("the provider waits for a watcher that does not read")
	}
	messages, ids := 0, map[string]bool{}
	for anything := false; !anything && len(ids) < 100_000; messages++ {
		m, err := w.Recv()
		if err != nil {
			t.Fatalf("after %d messages: %v", messages, err)
		}
		anything = m.Anything
		if len(m.Ids) > mostIDs {
			t.Errorf("a message has %d ids", len(m.Ids))
		}
		for _, id := range m.Ids {
			ids[id] = true
		}
	}
	t.Logf("%d messages, %d ids", messages, len(ids))
}

func TestNewsAreFewWhateverHappens(t *testing.T) {
	n := newNews()
	for i := range 10 * mostIDs {
		n.add(fmt.Sprint(i))
	}
	if len(n.ids) > mostIDs {
		t.Errorf("%d ids are kept", len(n.ids))
	}
	m, _ := n.take()
	if !m.Anything || len(m.Ids) != 0 {
		t.Errorf("the watcher is told %d ids and anything=%v", len(m.Ids), m.Anything)
	}
	if m, _ := n.take(); m != nil {
		t.Errorf("there is more: %v", m)
	}
	n.add("a", "b", "a")
	n.add("")
	n.add("c")
	if m, _ := n.take(); !m.Anything || len(m.Ids) != 0 {
		t.Errorf("an empty id is told as %v", m)
	}
	n.ready()
	if m, _ := n.take(); !m.GetReady() {
		t.Errorf("that it is ready is told as %v", m)
	}
	n.add("d")
	if m, _ := n.take(); m.GetReady() || len(m.GetIds()) != 1 {
		t.Errorf("what comes after it is told as %v", m)
	}
}

// TestTheClientEndsAWatch, and the provider's stream ends with it.
func TestTheClientEndsAWatch(t *testing.T) {
	ended := make(chan struct{})
	p := &stub{watch: func(ctx context.Context, ready func(), _ func(...string)) error {
		defer close(ended)
		ready()
		<-ctx.Done()
		return ctx.Err()
	}}
	c := serve(t, p, Options{}).dial(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	w, err := c.Watch(ctx, &stewardv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := w.Recv(); err != nil || !m.Ready {
		t.Fatalf("first it says %v, %v", m, err)
	}
	cancel()
	if _, err := w.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("it ended with %v", err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the provider's stream goes on")
	}
}

// TestThePulseIsFeltForAll asks once a second while somebody watches, tells
// all who do, and survives what the provider does in it.
func TestThePulseIsFeltForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		p := pulses{guard: bare(t, &stub{}).guard, p: &stub{pulse: func(context.Context) ([]string, error) {
			switch n := asked.Add(1); n {
			case 1:
				return nil, nil
			case 3:
				return nil, errors.New("the endpoint went away")
			case 4:
				panic("a hole in the floor")
			default:
				return []string{fmt.Sprint("vm-", n)}, nil
			}
		}}}
		if time.Sleep(time.Minute); asked.Load() != 0 {
			t.Error("it is asked though nobody watches")
		}
		one, two := newNews(), newNews()
		leaveOne := p.join(t.Context(), one)
		if asked.Load() != 1 {
			t.Errorf("after the first has joined it was felt %d times", asked.Load())
		}
		leaveTwo := p.join(t.Context(), two)
		time.Sleep(pulseEvery + pulseEvery/2)
		told(t, "both", one, "vm-2")
		told(t, "both", two, "vm-2")
		leaveOne()
		time.Sleep(3 * pulseEvery)
		told(t, "who has left", one)
		told(t, "who is there after an error and a panic", two, "vm-5")
		leaveTwo()
		if n := asked.Load(); true {
			time.Sleep(time.Minute)
			if asked.Load() != n {
				t.Error("it is asked though all have left")
			}
		}
		defer p.join(t.Context(), one)()
		synctest.Wait()
		told(t, "who comes again, of what was before", one)
		time.Sleep(pulseEvery + pulseEvery/2)
		told(t, "who comes again, of what came then", one, "vm-7")
	})
}

func told(t *testing.T, who string, n *news, want ...string) {
	t.Helper()
	m, _ := n.take()
	if got := m.GetIds(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: told %v, want %v", who, got, want)
	}
}

// TestAPulseThatHangs does not keep a watcher from its stream for good.
func TestAPulseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pulses{guard: bare(t, &stub{}).guard, p: &stub{pulse: func(ctx context.Context) ([]string, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}}
		begun := time.Now()
		leave := p.join(t.Context(), newNews())
		if took := time.Since(begun); took != pulseTimeout {
			t.Errorf("it joined after %s, want %s", took, pulseTimeout)
		}
		leave()
	})
}
