package dir

import (
	"context"
	"strings"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/internal/watch"
)

var _ sources.Watcher = (*Source)(nil)

// Watch implements sources.Watcher for the folder and all below it but hidden
// folders, as Fetch reads them. It costs one of the kernel's watches per folder.
// The folder may be a link that is pointed elsewhere, or not be there yet.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	return watch.Run(ctx, func(r *watch.Round) {
		if root, ok := r.Follow(s.cfg.Path); ok {
			r.Below(root, watch.All, visible)
		}
	}, changed)
}

func visible(name string) bool { return !strings.HasPrefix(name, ".") }
