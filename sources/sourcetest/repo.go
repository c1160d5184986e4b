package sourcetest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Repo is a bare repository whose history a test writes commit by commit. Its
// branches live in Dir and can be served by ServeHTTP and ServeSSH, or read as
// file://. It is for one goroutine at a time.
type Repo struct {
	Dir    string
	Branch string // what Commit adds to; "main" at first

	t     testing.TB
	st    *filesystem.Storage
	files map[string]map[string]Entry // per branch
	tick  int64
}

// Entry is what a path holds.
type Entry struct {
	Content string // of a link: its target
	Mode    filemode.FileMode
}

// NewRepo makes an empty bare repository in a temporary folder.
func NewRepo(t testing.TB) *Repo {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo.git")
	if _, err := gogit.PlainInit(dir, true); err != nil {
		t.Fatal(err)
	}
	r := &Repo{Dir: dir, Branch: "main", t: t, files: map[string]map[string]Entry{},
		st: filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())}
	r.SetHead("main")
	return r
}

// URL returns the file:// URL.
func (r *Repo) URL() string { return "file://" + r.Dir }

// SetHead makes branch the default one.
func (r *Repo) SetHead(branch string) {
	r.t.Helper()
	r.must(r.st.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(branch))))
}

// Commit adds one commit to Branch in which the given files have the given
// contents and the deleted ones are gone; a deleted folder goes with all that is
// in it. It returns the commit's hash.
func (r *Repo) Commit(files map[string]string, deletes ...string) string {
	r.t.Helper()
	entries := make(map[string]Entry, len(files))
	for p, c := range files {
		entries[p] = Entry{Content: c, Mode: filemode.Regular}
	}
	return r.CommitEntries(entries, deletes...)
}

// CommitEntries is Commit for links, executables and submodules.
func (r *Repo) CommitEntries(entries map[string]Entry, deletes ...string) string {
	r.t.Helper()
	now := maps.Clone(r.files[r.Branch])
	if now == nil {
		now = map[string]Entry{}
	}
	for _, d := range deletes {
		maps.DeleteFunc(now, func(p string, _ Entry) bool { return p == d || strings.HasPrefix(p, d+"/") })
	}
	maps.Copy(now, entries)
	r.files[r.Branch] = now
	var parents []plumbing.Hash
	if h := r.Tip(r.Branch); h != "" {
		parents = append(parents, plumbing.NewHash(h))
	}
	return r.commit(now, parents)
}

// ForcePush replaces the whole history of Branch by one new commit with exactly
// these files.
func (r *Repo) ForcePush(files map[string]string) string {
	r.t.Helper()
	now := map[string]Entry{}
	for p, c := range files {
		now[p] = Entry{Content: c, Mode: filemode.Regular}
	}
	r.files[r.Branch] = now
	return r.commit(now, nil)
}

// Reset moves a branch to a commit, as a force push of an old state does. The
// files of the branch are not known any more; go on with ForcePush.
func (r *Repo) Reset(branch, commit string) {
	r.t.Helper()
	r.point("refs/heads/"+branch, commit)
}

// DeleteBranch removes a branch.
func (r *Repo) DeleteBranch(name string) {
	r.t.Helper()
	r.must(r.st.RemoveReference(plumbing.NewBranchReferenceName(name)))
}

// Tag makes or moves a lightweight tag.
func (r *Repo) Tag(name, commit string) {
	r.t.Helper()
	r.point("refs/tags/"+name, commit)
}

// AnnotatedTag makes or moves a tag that is an object of its own.
func (r *Repo) AnnotatedTag(name, commit string) {
	r.t.Helper()
	tag := &object.Tag{Name: name, Tagger: r.person(), Message: "tag " + name + "\n",
		TargetType: plumbing.CommitObject, Target: plumbing.NewHash(commit)}
	o := r.st.NewEncodedObject()
	r.must(tag.Encode(o))
	h, err := r.st.SetEncodedObject(o)
	r.must(err)
	r.Tag(name, h.String())
}

// DeleteTag removes a tag.
func (r *Repo) DeleteTag(name string) {
	r.t.Helper()
	r.must(r.st.RemoveReference(plumbing.NewTagReferenceName(name)))
}

// Tip returns the hash of a branch's newest commit, or the empty string.
func (r *Repo) Tip(branch string) string {
	ref, err := r.st.Reference(plumbing.NewBranchReferenceName(branch))
	if err != nil {
		return ""
	}
	return ref.Hash().String()
}

// Git runs the git binary in the repository, away from the user's configuration,
// and returns what it prints.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	Need(r.t, "git")
	cmd := exec.Command("git", append([]string{"-C", r.Dir}, args...)...)
	cmd.Env = GitEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// GitEnv is an environment in which git sees nobody's configuration.
func GitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "LC_ALL=C",
	}
}

// point sets a reference in one step, as git does; go-git would truncate the file
// first, under the eyes of a server.
func (r *Repo) point(ref, hash string) {
	r.t.Helper()
	name := filepath.Join(r.Dir, filepath.FromSlash(ref))
	r.must(os.MkdirAll(filepath.Dir(name), 0o755))
	r.must(os.WriteFile(name+".lock", []byte(hash+"\n"), 0o644))
	r.must(os.Rename(name+".lock", name))
}

func (r *Repo) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// person has a time that goes on by a second with every use, so that two equal
// commits never get the same hash.
func (r *Repo) person() object.Signature {
	r.tick++
	return object.Signature{Name: "Ada", Email: "ada@example.org", When: time.Unix(1_750_000_000+r.tick, 0).UTC()}
}

func (r *Repo) commit(files map[string]Entry, parents []plumbing.Hash) string {
	r.t.Helper()
	who := r.person()
	c := &object.Commit{Author: who, Committer: who, Message: fmt.Sprintf("change %d\n\nThe body.\n", r.tick),
		TreeHash: r.tree(files), ParentHashes: parents}
	o := r.st.NewEncodedObject()
	r.must(c.Encode(o))
	h, err := r.st.SetEncodedObject(o)
	r.must(err)
	r.point("refs/heads/"+r.Branch, h.String())
	return h.String()
}

func (r *Repo) tree(files map[string]Entry) plumbing.Hash {
	r.t.Helper()
	folders := map[string]map[string]Entry{}
	t := &object.Tree{}
	for p, e := range files {
		if first, rest, below := strings.Cut(p, "/"); below {
			if folders[first] == nil {
				folders[first] = map[string]Entry{}
			}
			folders[first][rest] = e
			continue
		}
		t.Entries = append(t.Entries, object.TreeEntry{Name: p, Mode: e.Mode, Hash: r.blob(e)})
	}
	for name, below := range folders {
		t.Entries = append(t.Entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: r.tree(below)})
	}
	slices.SortFunc(t.Entries, func(a, b object.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	o := r.st.NewEncodedObject()
	r.must(t.Encode(o))
	return r.store(o)
}

// sortName is how Git orders: folders as if their name ended in a slash.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

func (r *Repo) blob(e Entry) plumbing.Hash {
	r.t.Helper()
	if e.Mode == filemode.Submodule {
		return plumbing.NewHash(e.Content)
	}
	o := r.st.NewEncodedObject()
	o.SetType(plumbing.BlobObject)
	w, err := o.Writer()
	r.must(err)
	_, err = w.Write([]byte(e.Content))
	r.must(err)
	r.must(w.Close())
	return r.store(o)
}

// store writes an object unless it is there already.
func (r *Repo) store(o plumbing.EncodedObject) plumbing.Hash {
	r.t.Helper()
	if h := o.Hash(); r.st.HasEncodedObject(h) == nil {
		return h
	}
	h, err := r.st.SetEncodedObject(o)
	r.must(err)
	return h
}
