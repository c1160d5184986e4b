package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/vmsteward/vmsteward/sources"
)

// tree watches everything below a path.
func tree(path string) Survey {
	return func(r *Round) {
		if root, ok := r.Follow(path); ok {
			r.Below(root, All, func(name string) bool { return name != ".git" })
		}
	}
}

// running is a Run whose calls are received one by one.
type running struct {
	t     *testing.T
	calls chan struct{}
	ended chan error
}

func start(t *testing.T, survey Survey) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, calls: make(chan struct{}, 1000), ended: make(chan error, 1)}
	go func() { r.ended <- Run(ctx, survey, func() { r.calls <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-r.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("want the context's error, got %v", err)
		}
	})
	r.call("at the start")
	return r
}

func (r *running) call(what string) {
	r.t.Helper()
	select {
	case <-r.calls:
	case <-time.After(20 * time.Second):
		r.t.Fatalf("%s: not told", what)
	}
}

// silent wants no call until a change is made that must be told, and then one.
func (r *running) silent(what string, then func()) {
	r.t.Helper()
	select {
	case <-r.calls:
		r.t.Errorf("%s: told, though it does not matter", what)
	case <-time.After(5 * quiet):
	}
	then()
	r.call("after " + what)
}

// drained forgets calls until there was none for some time.
func (r *running) drained() {
	for {
		select {
		case <-r.calls:
		case <-time.After(5 * quiet):
			return
		}
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func write(path, text string) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
}

func TestChangesAreTold(t *testing.T) {
	for _, tc := range []struct {
		reason string
		do     func(root string) error
	}{
		{"a new file", func(root string) error { return write(root+"/b", "1") }},
		{"a written file", func(root string) error { return write(root+"/sub/a", "2") }},
		{"a file is gone", func(root string) error { return os.Remove(root + "/sub/a") }},
		{"a mode changed", func(root string) error { return os.Chmod(root+"/sub/a", 0o600) }},
		{"an editor's temporary file takes the place", func(root string) error {
			return errors.Join(write(root+"/sub/.a.tmp", "2"), os.Rename(root+"/sub/.a.tmp", root+"/sub/a"))
		}},
		{"a folder is removed", func(root string) error { return os.RemoveAll(root + "/sub") }},
		{"a folder is moved in", func(root string) error {
			return errors.Join(write(root+".out/x/y", "1"), os.Rename(root+".out", root+"/in"))
		}},
		{"a folder is moved out", func(root string) error { return os.Rename(root+"/sub", root+".gone") }},
		{"all is replaced by a rename", func(root string) error {
			return errors.Join(write(root+".new/a", "1"), os.Rename(root, root+".old"), os.Rename(root+".new", root))
		}},
		{"all is removed and made again", func(root string) error {
			return errors.Join(os.RemoveAll(root), write(root+"/sub/a", "3"))
		}},
		{"the folder above is removed and made again", func(root string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(root)), write(root+"/sub/a", "3"))
		}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "above", "root")
			must(t, write(root+"/sub/a", "1"), write(root+"/.git/x", "1"))
			r := start(t, tree(root))
			must(t, tc.do(root))
			r.call(tc.reason)
			r.drained()
			must(t, write(root+"/.git/x", "1"), write(root+"/later/on/b", "1")) // the watch has outlived it
			r.call("a file in a new folder")
			r.drained()
			must(t, write(root+"/later/on/b", "2"))
			r.call("that file changes")
			r.drained()
			must(t, write(root+"/.git/x", "2"), write(filepath.Dir(root)+"/beside", "2"))
			r.silent("a hidden folder and what lies beside", func() { must(t, write(root+"/c", "")) })
		})
	}
}

func TestRootIsWaitedFor(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "there", "yet")
	r := start(t, tree(root))
	must(t, write(root+"/sub/a", "1"))
	r.call("it is there")
	r.drained()
	must(t, write(root+"/sub/a", "2"))
	r.call("and changes")
}

func TestLinksAreFollowed(t *testing.T) {
	top := t.TempDir()
	must(t, write(top+"/one/m/a", "1"), write(top+"/two/m/a", "2"),
		os.Symlink("one", top+"/current"), os.Symlink("./current/../current", top+"/alias"))
	r := start(t, tree(top+"/alias/m"))
	must(t, write(top+"/two/m/a", "3"))
	r.silent("where the link does not lead", func() {
		must(t, os.Symlink("two", top+"/next"), os.Rename(top+"/next", top+"/current"))
	})
	r.drained()
	must(t, write(top+"/two/m/a", "4"))
	r.call("where the link leads now")
	r.drained()
	must(t, write(top+"/one/m/a", "5"))
	r.silent("where it led before", func() { must(t, os.RemoveAll(top+"/two")) })
}

func TestLinkLoop(t *testing.T) {
	top := t.TempDir()
	must(t, os.Symlink("loop", top+"/loop"))
	r := start(t, tree(top+"/loop"))
	must(t, os.Remove(top+"/loop"), write(top+"/loop/a", "1"))
	r.call("a folder took the place of a link to itself")
}

// A folder made after the event of its parent was read, and before the parent's
// watch, is found by the survey; so are its files.
func TestFoldersInAHurry(t *testing.T) {
	root := t.TempDir()
	r := start(t, tree(root))
	for range 8 {
		dir := root + "/" + strings.Repeat("d/", 12)
		must(t, write(dir+"a", "1"))
		r.call("a deep folder")
		r.drained()
		must(t, write(dir+"a", "2"))
		r.call("its file changes")
		must(t, os.RemoveAll(root+"/d"))
		r.call("it is gone")
		r.drained()
	}
}

func TestBurstsAreFewCallsAndSoon(t *testing.T) {
	root := t.TempDir()
	r := start(t, tree(root))
	writes, begun := 0, time.Now()
	for ; time.Since(begun) < 4*latest; writes++ {
		must(t, write(root+"/a", "1"))
	}
	// A writer that is kept waiting by other work makes a pause in the storm.
	during, most := len(r.calls), int(time.Since(begun)/quiet)
	if during < 1 || during > most {
		t.Errorf("want up to %d calls during the storm, got %d", most, during)
	}
	t.Logf("%d writes were %d calls", writes, during)
	r.call("the end")
}

func TestLostEventsCountAsAChange(t *testing.T) {
	root := t.TempDir()
	s := &session{survey: tree(root), settle: quiet}
	defer s.close()
	must(t, s.renew(t.Context()))
	s.kernel.Errors <- fsnotify.ErrEventOverflow
	if n, err := s.await(t.Context()); n != replaced || err != nil {
		t.Errorf("want a new beginning, got %v, %v", n, err)
	}
	for range inboxSize + 1 {
		s.inbox.add(filepath.Join(root, time.Now().String()), fsnotify.Write)
	}
	if n, err := s.await(t.Context()); n != replaced || err != nil {
		t.Errorf("want a new beginning, got %v, %v", n, err)
	}
	s.kernel.Errors <- syscall.EIO
	if _, err := s.await(t.Context()); sources.KindOf(err) != sources.Unavailable || !errors.Is(err, syscall.EIO) {
		t.Errorf("want the cause, got %v", err)
	}
}

func TestLimitsAreNamed(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "fs.inotify.max_user_watches", syscall.EMFILE: "fs.inotify.max_user_instances", syscall.ENOMEM: "/x: ",
	} {
		err := explain("/x", errno)
		if sources.KindOf(err) != sources.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %s, got %v", errno, want, err)
		}
	}
}

// A watch on a folder goes with it when it is moved away. Were it kept, a host
// on which folders are replaced day by day would run out of watches.
func TestWatchesAreGivenBack(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	must(t, write(root+"/sub/deep/a", "1"))
	s := &session{survey: tree(root), settle: quiet}
	defer s.close()
	must(t, s.renew(t.Context()))
	before := kernelWatches(t)
	for n := range 5 {
		must(t, write(root+".new/sub/deep/a", "1"),
			os.Rename(root, root+".old"+strings.Repeat("x", n)), os.Rename(root+".new", root))
		news, err := s.await(t.Context())
		must(t, err)
		if news == replaced {
			must(t, s.renew(t.Context()))
		} else {
			must(t, s.arm(t.Context()))
		}
	}
	if n := kernelWatches(t); n != before {
		t.Errorf("want %d watches, got %d", before, n)
	}
}

// kernelWatches counts the watches that this process has.
func kernelWatches(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob("/proc/self/fdinfo/*")
	must(t, err)
	n := 0
	for _, f := range list {
		b, _ := os.ReadFile(f) // of those that are closed by now nothing is wanted
		n += strings.Count(string(b), "inotify wd:")
	}
	if n == 0 {
		t.Skip("the system does not tell")
	}
	return n
}

// TestNothingIsLeft is not parallel: it counts what the whole process holds.
func TestNothingIsLeft(t *testing.T) {
	root := t.TempDir()
	must(t, write(root+"/sub/a", "1"))
	count := func() (descriptors int) {
		list, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(list)
	}
	descriptors, goroutines := count(), runtime.NumGoroutine()
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		called := make(chan struct{}, 100)
		ended := make(chan error)
		go func() { ended <- Run(ctx, tree(root), func() { called <- struct{}{} }) }()
		<-called
		must(t, write(root+"/sub/a", "2"))
		cancel()
		<-ended
	}
	if n := count(); n > descriptors {
		t.Errorf("want %d open descriptors, got %d", descriptors, n)
	}
	tick := time.NewTicker(time.Millisecond) // a goroutine that has said its last word needs a moment to be gone
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < 10*time.Second; <-tick.C {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
	}
	t.Errorf("want %d goroutines, got %d", goroutines, runtime.NumGoroutine())
}
