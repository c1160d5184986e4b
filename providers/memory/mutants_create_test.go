package memory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

func createMutants() []mutant {
	return append(createdMutants(), []mutant{
		{"validate-succeeds", "validate fails", func(b *broken) {
			b.validate = func(context.Context) error { return failure(providers.Unauthorized) }
		}},
		{"validate-changes-nothing", "validate leaves a probe volume", func(b *broken) {
			b.validate = func(context.Context) error { return b.o.AddVolume(fmt.Sprint("probe-", len(b.o.Volumes())), 1) }
		}},
		{"create-twice-is-once", "the second create makes another VM", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				if !b.exists(ctx, providers.Ref{Owner: req.Owner}) {
					return b.Provider.Create(ctx, req)
				}
				id, err := b.o.AddForeign(memory.Foreign{Name: req.VM.Key.Name + "-2"})
				return providers.CreateResult{ID: id}, err
			}
		}},
		{"create-twice-is-once", "the second create makes another volume", func(b *broken) {
			b.created(func(_ string, req providers.CreateRequest) {
				_, _ = b.o.LeaveVolume(req.Owner, fmt.Sprint("root-", len(b.o.Volumes())), 1)
			})
		}},
		{"create-keeps-changes", "create brings an existing VM to the manifest", func(b *broken) {
			b.created(func(id string, req providers.CreateRequest) { _ = b.o.SetCPU(id, req.VM.CPU, false) })
		}},
		{"create-reads-only", "create completes the request in place", func(b *broken) {
			b.created(func(_ string, req providers.CreateRequest) { req.VM.NICs[0].MAC = "52:54:00:00:00:01" })
		}},
		{"create-respects-strangers", "create adopts a VM of the name", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				_ = b.o.SetMark(req.VM.Key.Name, &providers.Mark{Owner: req.Owner})
				return b.Provider.Create(ctx, req)
			}
		}},
		{"create-respects-strangers", "a refused create leaves a volume", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				if err != nil {
					_, _ = b.o.LeaveVolume(req.Owner, "root", 1)
				}
				return res, err
			}
		}},
		{"create-names-what-is-missing", "a missing image looks like an absent VM", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				if providers.KindOf(err) == providers.NotFound {
					err = failure(providers.NotFound)
				}
				return res, err
			}
		}},
		{"create-names-what-is-missing", "the image is looked for after the volumes were made", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				_, _ = b.o.LeaveVolume(req.Owner, "root", 1)
				return b.Provider.Create(ctx, req)
			}
		}},
		{"secrets-do-not-print", "a conflict quotes the first-boot data", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				if err != nil {
					err = &providers.Error{Kind: providers.KindOf(err), Err: fmt.Errorf("%q", req.VM.CloudInit.UserData.Reveal())}
				}
				return res, err
			}
		}},
	}...)
}

// createdMutants make a VM that is not the one that was asked for.
func createdMutants() []mutant {
	const check = "create-makes-what-is-wanted"
	var all []mutant
	for how, spoil := range map[string]func(b *broken, id string){
		"create starts the VM":        func(b *broken, id string) { _ = b.o.Start(id) },
		"create sets no mark":         func(b *broken, id string) { _ = b.o.SetMark(id, nil) },
		"create gives one CPU more":   func(b *broken, id string) { _ = b.o.SetCPU(id, 3, false) },
		"create rounds memory":        func(b *broken, id string) { _ = b.o.SetMemory(id, 4096, false) },
		"create forgets the tags":     func(b *broken, id string) { _ = b.o.SetTags(id) },
		"create forgets a disk":       func(b *broken, id string) { _ = b.o.DetachDisk(id, "data") },
		"create sizes the root wrong": func(b *broken, id string) { _ = b.o.GrowDisk(id, "root", 10) },
		"create adds an interface":    func(b *broken, id string) { _ = b.o.AttachNIC(id, providers.NIC{Name: "x", MAC: "52:54:00:00:00:01"}) },
		"create drops an interface":   func(b *broken, id string) { _ = b.o.DetachNIC(id, providers.NICRef{Name: "second"}) },
		"create plugs in elsewhere":   func(b *broken, id string) { _ = b.o.MoveNIC(id, "eth0", "elsewhere") },
		"the mark knows no addresses": func(b *broken, id string) { _ = b.o.ChangeMAC(id, "eth0", "52:54:00:00:00:01") },
	} {
		all = append(all, mutant{check, how, func(b *broken) {
			b.created(func(id string, _ providers.CreateRequest) { spoil(b, id) })
		}})
	}
	return all
}

func createRaceMutants() []mutant {
	return []mutant{
		{"create-many-at-once", "create bears one caller at a time", func(b *broken) {
			var callers atomic.Int32
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				defer callers.Add(-1)
				if callers.Add(1) > 1 {
					return providers.CreateResult{}, failure(providers.Retryable)
				}
				<-time.After(time.Second)
				return b.Provider.Create(ctx, req)
			}
		}},
		{"create-same-at-once", "create looks first and makes later", func(b *broken) {
			var made atomic.Int32
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				if b.exists(ctx, providers.Ref{Owner: req.Owner}) {
					return b.Provider.Create(ctx, req)
				}
				<-time.After(time.Second)
				f := memory.Foreign{Name: fmt.Sprint(req.VM.Key.Name, made.Add(1)), Mark: &providers.Mark{Owner: req.Owner}}
				id, err := b.o.AddForeign(f)
				return providers.CreateResult{ID: id}, err
			}
		}},
		{"interrupted-create-converges", "create makes new volumes beside those that are there", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				left := b.volumesOf(req.Owner)
				if len(left) > 0 && !b.exists(ctx, providers.Ref{Owner: req.Owner}) {
					_, _ = b.o.LeaveVolume(req.Owner, "root-2", 1)
				}
				return b.Provider.Create(ctx, req)
			}
		}},
		{"interrupted-delete-converges", "delete of a VM that has gone leaves its volumes", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if !b.exists(ctx, ref) {
					return "", nil
				}
				return b.Provider.Delete(ctx, ref)
			}
		}},
		{"interrupted-reconfigure-converges", "a disk that is there already fails the whole change", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if err == nil && len(ch.AddDisks) > 0 && slices.ContainsFunc(vm.Config.Disks,
					func(d providers.Disk) bool { return d.Name == ch.AddDisks[0].Name }) {
					return "", failure(providers.InvalidSpec)
				}
				return b.Provider.Reconfigure(ctx, ref, ch)
			}
		}},
	}
}

// volumesOf returns the volumes that carry the owner in their names.
func (b *broken) volumesOf(o providers.Owner) []string {
	return slices.DeleteFunc(b.o.Volumes(), func(name string) bool { return !strings.HasPrefix(name, o.String()+"/") })
}
