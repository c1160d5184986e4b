package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/internal/watch"
)

var _ sources.Watcher = (*Source)(nil)

// Watch implements sources.Watcher for repositories on this host, which may be
// deleted, made again or not exist yet. For others it returns at once, and the
// kind is Invalid. A push is told some 15 ms after it has moved its references.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	if s.addr.scheme != "file" {
		return &sources.Error{Op: "watch", Kind: sources.Invalid,
			Err:  errors.New("a repository on another host cannot be watched"),
			Hint: "poll it, or let its server call the webhook"}
	}
	return watch.Run(ctx, survey(s.addr.path), changed)
}

// survey watches what a push changes: HEAD, the references as files, those in
// packed-refs, and a reftable. Objects come before the references to them.
func survey(path string) watch.Survey {
	return func(r *watch.Round) {
		root, ok := r.Follow(path)
		if !ok {
			return
		}
		r.Folder(root, head)
		dir, ok := dotGit(r, root)
		if !ok {
			return
		}
		r.Folder(dir, head)
		r.Turn(filepath.Join(dir, "commondir"))
		if dir, ok = pointer(r, filepath.Join(dir, "commondir"), ""); !ok {
			return
		}
		r.Folder(dir, head)
		r.Folder(filepath.Join(dir, "reftable"), settled)
		refs := filepath.Join(dir, "refs")
		if !r.Folder(refs, func(name string) bool { return name == "heads" || name == "tags" }) {
			return
		}
		r.Below(filepath.Join(refs, "heads"), settled, settled)
		r.Below(filepath.Join(refs, "tags"), settled, settled)
	}
}

// head names what matters in the top folder of a repository.
func head(name string) bool {
	switch name {
	case ".git", "HEAD", "packed-refs", "refs", "reftable", "commondir":
		return true
	}
	return false
}

// settled leaves out lock files, which are renamed when they count.
func settled(name string) bool { return !strings.HasSuffix(name, ".lock") }

// dotGit finds the repository of a working tree: a folder, or a file that names
// one. What has no .git is bare.
func dotGit(r *watch.Round, root string) (string, bool) {
	git := filepath.Join(root, ".git")
	r.Turn(git)
	i, err := os.Stat(git)
	switch {
	case err != nil:
		return root, true
	case i.IsDir():
		return r.Follow(git)
	}
	return pointer(r, git, "gitdir:")
}

// pointer follows the path in a file, which is relative to its folder. Without
// such a file it is that folder.
func pointer(r *watch.Round, file, prefix string) (string, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return filepath.Dir(file), true
	}
	to := strings.TrimSpace(strings.TrimPrefix(string(b), prefix))
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(file), to)
	}
	return r.Follow(to)
}
