package memory_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// heard is what a Watch told.
type heard struct {
	mu  sync.Mutex
	ids []string
	end chan error
	ctx context.CancelFunc
}

// listen starts a Watch and returns when it is ready.
func listen(t *testing.T, p providers.Watcher) *heard {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h := &heard{end: make(chan error, 1), ctx: cancel}
	ready := make(chan struct{})
	go func() {
		h.end <- p.Watch(ctx, func() { close(ready) }, func(ids ...string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ids = append(h.ids, ids...)
		})
	}()
	select {
	case <-ready:
	case err := <-h.end:
		t.Fatalf("watch: %v", err)
	}
	return h
}

// take returns what was told since the last take, each id once.
func (h *heard) take() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := slices.Compact(slices.Sorted(slices.Values(h.ids)))
	h.ids = nil
	return ids
}

func (h *heard) stop(t *testing.T) {
	t.Helper()
	h.ctx()
	if err := <-h.end; err != context.Canceled {
		t.Errorf("watch ended with %v, want the context's error", err)
	}
}

func TestWatchAndPulseTellEveryAct(t *testing.T) {
	vm := ref("web-1").Owner.VM.String()
	for _, row := range []struct {
		name string
		act  func(p *memory.Provider, o memory.Outside) error
	}{
		{"cpu", func(_ *memory.Provider, o memory.Outside) error { return o.SetCPU(vm, 7, false) }},
		{"start", func(_ *memory.Provider, o memory.Outside) error { return o.Start(vm) }},
		{"rename", func(_ *memory.Provider, o memory.Outside) error { return o.Rename(vm, "other") }},
		{"mark", func(_ *memory.Provider, o memory.Outside) error { return o.SetMark(vm, nil) }},
		{"tags", func(_ *memory.Provider, o memory.Outside) error { return o.SetTags(vm, "x") }},
		{"disk", func(_ *memory.Provider, o memory.Outside) error { return o.GrowDisk(vm, "root", 99) }},
		{"blur", func(_ *memory.Provider, o memory.Outside) error { return o.Blur(vm, true) }},
		{"undefine", func(_ *memory.Provider, o memory.Outside) error { return o.Undefine(vm) }},
		{"our power", func(p *memory.Provider, _ memory.Outside) error {
			_, err := p.Power(t.Context(), ref("web-1"), providers.PowerStart)
			return err
		}},
		{"our change", func(p *memory.Provider, _ memory.Outside) error {
			_, err := p.Reconfigure(t.Context(), ref("web-1"), providers.Change{Tags: &[]string{"y"}})
			return err
		}},
		{"our delete", func(p *memory.Provider, _ memory.Outside) error {
			_, err := p.Delete(t.Context(), ref("web-1"))
			return err
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := connect(memory.Nature{})
			id := create(t, p, "web-1").ID
			create(t, p, "web-2")
			w := listen(t, p)
			defer w.stop(t)
			pulse(t, p)
			if got := w.take(); len(got) != 0 {
				t.Errorf("%s: told before it happened: %v", row.name, got)
			}
			if err := row.act(p, p.Hypervisor().Outside()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{id}, w.take()); diff != "" {
				t.Errorf("%s: watch (-want +got):\n%s", row.name, diff)
			}
			if diff := cmp.Diff([]string{id}, pulse(t, p)); diff != "" {
				t.Errorf("%s: pulse (-want +got):\n%s", row.name, diff)
			}
			if got := pulse(t, p); len(got) != 0 {
				t.Errorf("%s: a second pulse: %v", row.name, got)
			}
		})
	}
}

func pulse(t *testing.T, p providers.Pulse) []string {
	t.Helper()
	ids, err := p.Pulse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestALateEffectIsToldWhenItComesIntoForce(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			hv := memory.NewHypervisor()
			if file {
				hv, _ = memory.OpenFile(filepath.Join(dir, "state.json"))
			}
			hv.SetNature(memory.Nature{Late: time.Minute})
			p := hv.Connect(settings())
			w := listen(t, p)
			defer w.stop(t)
			begin := time.Now()
			res, err := p.Create(t.Context(), providers.CreateRequest{Owner: owner("web-1"), VM: wanted("web-1")})
			if err != nil {
				t.Fatal(err)
			}
			if got := w.take(); len(got) != 0 {
				t.Errorf("told at once: %v", got)
			}
			<-time.After(time.Minute - time.Since(begin))
			if diff := cmp.Diff([]string{res.ID}, w.take()); diff != "" {
				t.Errorf("after a minute (-want +got):\n%s", diff)
			}
			if _, err := p.List(t.Context()); err != nil {
				t.Error(err)
			}
			if got := w.take(); len(got) != 0 {
				t.Errorf("a read is told as a change: %v", got)
			}
		})
	}
}

func TestAStreamEnds(t *testing.T) {
	for name, end := range map[string]func(*memory.Provider){
		"cut":   func(p *memory.Provider) { p.Hypervisor().Cut() },
		"lost":  func(p *memory.Provider) { p.Hypervisor().LoseStreams() },
		"close": func(p *memory.Provider) { p.Close() },
	} {
		p := connect(memory.Nature{})
		w := listen(t, p)
		end(p)
		if err := <-w.end; providers.KindOf(err) != providers.Unavailable {
			t.Errorf("%s: watch ended with %v, want Unavailable", name, err)
		}
	}
	p := connect(memory.Nature{})
	p.Hypervisor().Cut()
	if err := p.Watch(t.Context(), nil, nil); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("watch of an endpoint that is cut = %v", err)
	}
	p.Hypervisor().Heal()
	listen(t, p).stop(t)
	p.Hypervisor().Inject(memory.Fault{Op: "watch", Kind: providers.Unauthorized})
	if err := p.Watch(t.Context(), nil, nil); providers.KindOf(err) != providers.Unauthorized {
		t.Errorf("watch with a fault = %v", err)
	}
}

func TestASlowWatcherHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connect(memory.Nature{})
		o := p.Hypervisor().Outside()
		ctx, cancel := context.WithCancel(t.Context())
		release, done, most, seen := make(chan struct{}), make(chan error), 0, map[string]bool{}
		go func() {
			done <- p.Watch(ctx, func() {}, func(ids ...string) {
				<-release
				most = max(most, len(ids))
				for _, id := range ids {
					seen[id] = true
				}
			})
		}()
		synctest.Wait()
		want := map[string]bool{}
		for i := range 1000 {
			id, err := o.AddForeign(memory.Foreign{Name: fmt.Sprint("vm-", i)})
			if err != nil {
				t.Fatal(err)
			}
			want[id] = true
			for n := range 10 {
				if err := o.SetCPU(id, n+2, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		close(release)
		synctest.Wait()
		cancel()
		<-done
		if len(seen) != len(want) || most > len(want) {
			t.Errorf("told of %d VMs, at most %d at once, want %d", len(seen), most, len(want))
		}
	})
}

func TestAHushedActIsFoundByPulseAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connect(memory.Nature{})
		id := create(t, p, "web-1").ID
		w := listen(t, p)
		defer w.stop(t)
		pulse(t, p)
		p.Hypervisor().Hush(true)
		if err := p.Hypervisor().Outside().SetTags(id, "x"); err != nil {
			t.Fatal(err)
		}
		p.Hypervisor().Hush(false)
		if got := w.take(); len(got) != 0 {
			t.Errorf("told of %v", got)
		}
		if diff := cmp.Diff([]string{id}, pulse(t, p)); diff != "" {
			t.Errorf("pulse (-want +got):\n%s", diff)
		}
	})
}

func TestPulseFindsWhatAnotherProcessDid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	ours, err := memory.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := memory.OpenFile(path)
	p := ours.Connect(settings())
	pulse(t, p)
	id, _ := theirs.Outside().AddForeign(memory.Foreign{Name: "x"})
	if diff := cmp.Diff([]string{id}, pulse(t, p)); diff != "" {
		t.Errorf("pulse (-want +got):\n%s", diff)
	}
	if got := pulse(t, p); len(got) != 0 {
		t.Errorf("a second pulse: %v", got)
	}
	ours.Inject(memory.Fault{Op: "pulse", Kind: providers.Timeout, Lost: true})
	_ = theirs.Outside().SetTags(id, "x")
	if _, err := p.Pulse(t.Context()); providers.KindOf(err) != providers.Timeout {
		t.Errorf("pulse with a lost answer = %v", err)
	}
	if diff := cmp.Diff([]string{id}, pulse(t, p)); diff != "" {
		t.Errorf("after a lost answer (-want +got):\n%s", diff)
	}
}
