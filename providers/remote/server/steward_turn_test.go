package server

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/server/turns"
)

// TestActsOnOneVMTakeTurns has the extension wait for whoever else acts on the
// VM, and for nobody who acts on another one.
func TestActsOnOneVMTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := new(turns.Turns)
		s := &steward{opts: &Options{Turn: all.Take}}
		web, db := ownerOf("web"), ownerOf("db")
		end, err := all.Take(t.Context(), web) // by another service
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		took := map[string]time.Duration{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, o := range []providers.Owner{web, db} {
			wg.Go(func() {
				_, err := s.act(t.Context(), providers.Ref{Owner: o}, func() (providers.TaskRef, error) { return "", nil })
				mu.Lock()
				defer mu.Unlock()
				if took[o.VM.Name] = time.Since(began); err != nil {
					t.Error(err)
				}
			})
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.act(hurried, providers.Ref{Owner: web}, func() (providers.TaskRef, error) {
			t.Error("it acts out of its turn")
			return "", nil
		}); err == nil {
			t.Error("who cannot wait is not told")
		}
		end()
		wg.Wait()
		if took["db"] != 0 || took["web"] != time.Second {
			t.Errorf("acts took %v, want the one on web to wait for its turn, and the other not", took)
		}
	})
}
