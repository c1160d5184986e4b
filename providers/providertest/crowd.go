package providertest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

func crowdChecks() []Check {
	return []Check{{
		"calls-for-different-vms-at-once", "Calls for different VMs may come at once, reads beside them, and each VM becomes what was asked of it.",
		callsAtOnce,
	}}
}

func callsAtOnce(ctx context.Context, e *Env) error {
	var refs []providers.Ref
	for i := range crowd {
		refs = append(refs, providers.Ref{Owner: e.owner(ctx, fmt.Sprint(i))})
	}
	tag := func(i int) providers.Change { return providers.Change{Tags: &[]string{fmt.Sprint("tag-", i)}} }
	if !e.changeable(providers.FieldTags) {
		tag = func(int) providers.Change { return providers.Change{CPU: new(e.VM(refs[0].Owner.VM).CPU + 1)} }
	}
	for _, step := range []struct {
		name string
		do   func(i int) error
		want func(i int) map[string]string
	}{
		{"create", func(i int) error { return e.tryCreate(ctx, refs[i].Owner) },
			func(i int) map[string]string { return map[string]string{"mark.owner": refs[i].Owner.String()} }},
		{"reconfigure", func(i int) error { return e.tryReconfigure(ctx, refs[i], tag(i)) },
			func(i int) map[string]string {
				if ch := tag(i); ch.CPU != nil {
					return map[string]string{"config.cpu": fmt.Sprint(*ch.CPU)}
				}
				return map[string]string{"tags": fmt.Sprint(*tag(i).Tags)}
			}},
		{"start", func(i int) error { return e.tryPower(ctx, refs[i], providers.PowerStart) },
			func(int) map[string]string { return map[string]string{"power": string(providers.On)} }},
		{"stop", func(i int) error { return e.tryPower(ctx, refs[i], providers.PowerStop) },
			func(int) map[string]string { return map[string]string{"power": string(providers.Off)} }},
	} {
		e.together(ctx, step.name, step.do)
		for i := range refs {
			e.holds(step.name+" of many at once", factsOf(e.describe(ctx, refs[i])), step.want(i))
		}
	}
	e.together(ctx, "delete", func(i int) error { return e.tryDelete(ctx, refs[i]) })
	for _, ref := range refs {
		e.gone(ctx, ref)
	}
	return e.Err()
}

// together runs a call for each of the crowd at the same time, with a list
// beside them.
func (e *Env) together(ctx context.Context, doing string, do func(i int) error) {
	if e.failed() {
		return
	}
	errs := make([]error, crowd+1)
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() { errs[i] = do(i) })
	}
	if l, lists := providers.As[providers.Lister](e.P); lists {
		all.Go(func() {
			errs[crowd] = e.call(ctx, func(ctx context.Context) error {
				_, err := l.List(ctx)
				return err
			})
		})
	}
	all.Wait()
	e.ok(doing+" of many at once", errors.Join(errs...))
}
