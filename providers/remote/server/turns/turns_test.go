package turns

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// TestTurns: calls for one VM come one after another, those for others do not
// wait, who gives up leaves the others alone, and nothing is kept of anybody.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all Turns
		web := providers.Owner{Fleet: "prod", VM: manifest.Key{Namespace: "default", Name: "web"}}
		db := providers.Owner{Fleet: "prod", VM: manifest.Key{Namespace: "default", Name: "db"}}
		acting := 0 // on web; guarded by its turn
		var crowd sync.WaitGroup
		for range 20 {
			crowd.Go(func() {
				end, err := all.Take(t.Context(), web)
				if err != nil {
					t.Error(err)
					return
				}
				defer end()
				if acting++; acting != 1 {
					t.Errorf("%d act at once", acting)
				}
				time.Sleep(time.Second)
				acting--
			})
		}
		crowd.Go(func() {
			hurried, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			time.Sleep(time.Millisecond) // after the crowd
			if _, err := all.Take(hurried, web); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who cannot wait gets %v", err)
			}
		})
		crowd.Go(func() {
			began := time.Now()
			end, err := all.Take(t.Context(), db)
			if err != nil || time.Since(began) > 0 {
				t.Errorf("another VM waited %v: %v", time.Since(began), err)
				return
			}
			end()
		})
		crowd.Wait()
		if len(all.busy) > 0 {
			t.Errorf("%d VMs are still busy", len(all.busy))
		}
	})
}
