package memory_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// watched replaces what a Watch calls.
func (b *broken) watched(ready func(ready func(), changed func(...string)), changed func(ids []string, changed func(...string))) {
	b.watch = func(ctx context.Context, isReady func(), tell func(ids ...string)) error {
		return b.Provider.Watch(ctx,
			func() { ready(isReady, tell) },
			func(ids ...string) { changed(ids, tell) })
	}
}

// pulsed breaks what a Pulse finds.
func (b *broken) pulsed(spoil func(ctx context.Context, ids []string) []string) {
	b.pulse = func(ctx context.Context) ([]string, error) {
		ids, err := b.Provider.Pulse(ctx)
		return spoil(ctx, ids), err
	}
}

// silent leaves ids out of whatever is told.
func silent(drop func(b *broken, id string) bool) func(*broken) {
	return func(b *broken) {
		spoken := func(ids []string) []string {
			return slices.DeleteFunc(ids, func(id string) bool { return drop(b, id) })
		}
		b.watched(honest, func(ids []string, tell func(...string)) { tell(spoken(ids)...) })
		b.pulsed(func(_ context.Context, ids []string) []string { return spoken(ids) })
	}
}

func honest(ready func(), _ func(...string)) { ready() }

func frank(ids []string, tell func(...string)) { tell(ids...) }

func watchMutants() []mutant {
	gone := func(b *broken, id string) bool { return !b.exists(context.Background(), providers.Ref{ID: id}) }
	return slices.Concat(watchCallMutants(), watchEndMutants(), pulseMutants(), []mutant{
		{"outside-changes-are-told", "nothing is told", silent(func(*broken, string) bool { return true })},
		{"outside-changes-are-told", "a VM that is gone is not told", silent(gone)},
		{"outside-changes-are-told", "VMs without a mark are not told", silent(func(b *broken, id string) bool {
			vm, err := b.Provider.Describe(context.Background(), providers.Ref{ID: id})
			return err == nil && vm.Mark == nil
		})},
		{"own-changes-are-told", "our delete is not told", silent(gone)},
		{"own-changes-are-told", "a VM that runs is not told", silent(func(b *broken, id string) bool {
			vm, err := b.Provider.Describe(context.Background(), providers.Ref{ID: id})
			return err == nil && vm.Power == providers.On
		})},
		{"told-ids-are-those-of-list", "watch names VMs in capitals", func(b *broken) {
			b.watched(honest, func(ids []string, tell func(...string)) {
				for _, id := range ids {
					tell(strings.ToUpper(id) + "!")
				}
			})
		}},
		{"told-ids-are-those-of-list", "pulse names tasks too", func(b *broken) {
			b.pulsed(func(_ context.Context, ids []string) []string { return append(ids, "power/1") })
		}},
	})
}

func watchCallMutants() []mutant {
	const check = "watch-is-ready-once-and-first"
	return []mutant{
		{check, "watch is never ready", func(b *broken) { b.watched(func(func(), func(...string)) {}, frank) }},
		{check, "watch is ready twice", func(b *broken) {
			b.watched(func(ready func(), _ func(...string)) { ready(); ready() }, frank)
		}},
		{check, "watch tells before it is ready", func(b *broken) {
			b.watched(func(ready func(), tell func(...string)) { tell(""); ready() }, frank)
		}},
		{check, "watch tells from two goroutines", func(b *broken) {
			b.watched(honest, func(ids []string, tell func(...string)) {
				go tell(ids...)
				tell(ids...)
			})
		}},
		{check, "watch tells while it gets ready", func(b *broken) {
			b.watched(func(ready func(), tell func(...string)) {
				go tell("x")
				<-time.After(time.Second)
				ready()
			}, frank)
		}},
	}
}

func watchEndMutants() []mutant {
	const byContext, byLoss = "watch-ends-with-its-context", "watch-ends-with-the-connection"
	ending := func(b *broken, spoil func(ctx context.Context, err error) error) {
		b.watch = func(ctx context.Context, ready func(), changed func(...string)) error {
			return spoil(ctx, b.Provider.Watch(ctx, ready, changed))
		}
	}
	return []mutant{
		{byContext, "watch lingers after its context", func(b *broken) {
			ending(b, func(_ context.Context, err error) error {
				<-time.After(time.Minute)
				return err
			})
		}},
		{byContext, "watch returns nothing", func(b *broken) {
			ending(b, func(context.Context, error) error { return nil })
		}},
		{byContext, "there is one watch in a connection's life", func(b *broken) {
			begun := false
			b.watch = func(ctx context.Context, ready func(), changed func(...string)) error {
				if begun {
					return failure(providers.Conflict)
				}
				begun = true
				return b.Provider.Watch(ctx, ready, changed)
			}
		}},
		{byLoss, "watch sits on a lost connection", func(b *broken) {
			ending(b, func(ctx context.Context, err error) error {
				if ctx.Err() == nil {
					<-ctx.Done()
				}
				return err
			})
		}},
		{byLoss, "a lost connection has no kind", func(b *broken) {
			ending(b, func(_ context.Context, err error) error { return errors.New(err.Error()) })
		}},
		{byLoss, "the watch after a loss hears nothing", func(b *broken) {
			lost := false
			ending(b, func(_ context.Context, err error) error {
				lost = lost || providers.KindOf(err) == providers.Unavailable
				return err
			})
			whole := b.watch
			b.watch = func(ctx context.Context, ready func(), changed func(...string)) error {
				return whole(ctx, ready, func(ids ...string) {
					if !lost {
						changed(ids...)
					}
				})
			}
			b.pulsed(func(context.Context, []string) []string { return nil })
		}},
	}
}

func pulseMutants() []mutant {
	const check = "pulse-finds-what-differs"
	every := func(b *broken) []string {
		var ids []string
		inv, _ := b.Provider.List(context.Background())
		for _, vm := range inv.VMs {
			ids = append(ids, vm.ID)
		}
		return ids
	}
	return []mutant{
		{check, "the first pulse finds everything", func(b *broken) {
			first := true
			b.pulsed(func(_ context.Context, ids []string) []string {
				if first {
					first = false
					return every(b)
				}
				return ids
			})
		}},
		{check, "every pulse finds every VM", func(b *broken) {
			first := true
			b.pulsed(func(_ context.Context, ids []string) []string {
				if first {
					first = false
					return nil
				}
				return every(b)
			})
		}},
		{check, "a change is found again and again", func(b *broken) {
			var all []string
			b.pulsed(func(_ context.Context, ids []string) []string {
				all = append(all, ids...)
				return all
			})
		}},
		{check, "pulse finds nothing", func(b *broken) {
			b.pulsed(func(context.Context, []string) []string { return nil })
		}},
	}
}
