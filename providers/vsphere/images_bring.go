package vsphere

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// images brings images to the vCenter, each once, whoever asks for it and how
// often. An image becomes a template of its own, which VMs are then cloned
// from as from any other. It is safe for many goroutines.
type images struct {
	ctx  context.Context // ends with close
	stop context.CancelFunc
	wg   sync.WaitGroup
	web  *web

	asking chan struct{} // held by the one who asks for an item of a library

	mu      sync.Mutex
	lying   map[string]types.ManagedObjectReference // templates by the identity of the image
	coming  map[string]*arrival                     // under way, likewise
	waiting map[providers.TaskRef]*waiter
	items   map[libraryName]libraryItem // found in content libraries
}

func newImages() *images {
	i := &images{
		web: newWeb(), lying: map[string]types.ManagedObjectReference{}, coming: map[string]*arrival{},
		waiting: map[providers.TaskRef]*waiter{}, items: map[libraryName]libraryItem{}, asking: make(chan struct{}, 1),
	}
	i.ctx, i.stop = context.WithCancel(context.Background())
	return i
}

// close ends what is under way, and waits until what it made is removed.
func (i *images) close() error {
	i.mu.Lock()
	i.stop() // nothing is begun after that
	i.mu.Unlock()
	i.wg.Wait()
	i.web.close()
	return nil
}

// arrival is an image on its way.
type arrival struct {
	done chan struct{}
	err  error // once done
}

// waiter is a VM that is created when its image has arrived.
type waiter struct {
	done chan struct{}
	task providers.TaskRef // the vCenter's, once done
	err  error             // likewise
}

// importTask begins the references of tasks that wait for an image.
const importTask = "import/"

// find returns the template of an image that was brought; nil: it is not there
// or not finished.
func (i *images) find(ctx context.Context, c *vim25.Client, b *berth) (*source, error) {
	i.mu.Lock()
	ref, known := i.lying[b.mark.Image]
	_, under := i.coming[b.mark.Image]
	i.mu.Unlock()
	if under {
		return nil, nil
	}
	var s *source
	var err error
	if known {
		if s, err = b.read(ctx, c, ref); err != nil {
			return nil, err
		}
	}
	if s == nil {
		if s, err = b.find(ctx, c); err != nil && i.comes(b) {
			return nil, nil // it was seen half made
		}
		if err != nil {
			return nil, err
		}
	}
	if s == nil || !isTemplate(&s.vm) {
		return nil, nil
	}
	i.note(b, s.vm.Self)
	return s, nil
}

// comes tells whether the image is coming, or has come.
func (i *images) comes(b *berth) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, under := i.coming[b.mark.Image]
	_, known := i.lying[b.mark.Image]
	return under || known
}

func (i *images) note(b *berth, ref types.ManagedObjectReference) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lying[b.mark.Image] = ref
}

// bring begins to bring an image, unless it is coming already, and to create
// the VM after it.
func (i *images) bring(p *Provider, b *berth, g cargo, req providers.CreateRequest) (providers.TaskRef, error) {
	task := providers.TaskRef(importTask + b.mark.Image[:12] + "/" + req.Owner.UUID().String())
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() != nil {
		return "", &providers.Error{Kind: providers.Unavailable, Err: errClosed}
	}
	a := i.coming[b.mark.Image]
	if a == nil {
		a = &arrival{done: make(chan struct{})}
		i.coming[b.mark.Image] = a
		i.wg.Go(func() {
			a.err = p.bring(i.ctx, b, g)
			i.mu.Lock()
			delete(i.coming, b.mark.Image)
			i.mu.Unlock()
			close(a.done)
		})
	}
	w := &waiter{done: make(chan struct{})}
	i.waiting[task] = w
	i.wg.Go(func() {
		<-a.done
		w.task, w.err = p.createAfter(i.ctx, req, a.err)
		close(w.done)
	})
	return task, nil
}

// createAfter creates a VM whose image has arrived.
func (p *Provider) createAfter(ctx context.Context, req providers.CreateRequest, arrived error) (task providers.TaskRef, err error) {
	subject := req.VM.Key.String()
	if arrived != nil {
		return "", translate("create", subject, arrived)
	}
	done, err := p.turns.take(ctx, req.Owner)
	if err != nil {
		return "", translate("create", subject, err)
	}
	defer done()
	err = p.do(ctx, "create", subject, func(ctx context.Context, c *vim25.Client) (err error) {
		task, err = p.create(ctx, c, req)
		return err
	})
	p.turns.note(req.Owner, task)
	return task, err
}

// complete is IsTaskComplete for a VM that waits for its image. One that is
// not known was begun by another process: what came of it is seen by looking.
func (i *images) complete(ctx context.Context, p *Provider, task providers.TaskRef) (bool, error) {
	i.mu.Lock()
	w := i.waiting[task]
	i.mu.Unlock()
	if w == nil {
		return true, nil
	}
	select {
	case <-w.done:
	default:
		return false, nil
	}
	ended, err := true, w.err
	if err == nil && w.task != "" {
		ended, err = p.IsTaskComplete(ctx, w.task)
	}
	if ended {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.waiting[task] == w {
			delete(i.waiting, task)
		}
	}
	return ended, err
}

// bring makes an image into a template. What an earlier attempt left is
// removed first, and what this one leaves when it fails.
func (p *Provider) bring(ctx context.Context, b *berth, g cargo) error {
	began := time.Now()
	return p.do(ctx, "import", g.from, func(ctx context.Context, c *vim25.Client) error {
		left, err := b.find(ctx, c)
		switch {
		case err != nil:
			return err
		case left != nil && isTemplate(&left.vm):
			p.images.note(b, left.vm.Self)
			return nil
		case left != nil:
			p.log.Info("an image is imported anew, for an earlier attempt did not end", logkey.Source, g.from, logkey.Ref, left.path)
			if err := remove(ctx, c, left); err != nil {
				return err
			}
		}
		p.log.Info("an image is imported", logkey.Source, g.from, logkey.Ref, b.folder.path+"/"+b.name)
		ref, err := g.load(ctx, c, b)
		if err == nil {
			err = b.finish(ctx, c, ref)
		}
		if err != nil {
			return b.discard(ctx, c, err)
		}
		p.images.note(b, ref)
		p.log.Info("an image was imported", logkey.Source, g.from, logkey.Ref, b.folder.path+"/"+b.name, logkey.TookMS, time.Since(began).Milliseconds())
		return nil
	})
}

// isImport tells whether a task is one that waits for an image.
func isImport(task providers.TaskRef) bool { return strings.HasPrefix(string(task), importTask) }
