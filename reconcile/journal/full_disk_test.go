package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of one MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mounting a small file system is not permitted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all the space that is left and returns what frees it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	must(t, err)
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(path)) }
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	s := openAt(t, filepath.Join(dir, "state"))
	must(t, put(s, vm(1), Record{ID: "kept"}))
	free := fill(t, dir)
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = put(s, vm(2+i), Record{Digest: strings.Repeat("x", 3000)})
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "journal: write: ") {
		t.Fatalf("a full disk says %v", err)
	}
	recs, err := s.Records()
	if err != nil || recs[vm(1)].ID != "kept" {
		t.Errorf("what was there is not: %v", err)
	}
	before := len(recs)
	free()
	must(t, put(s, vm(5000), Record{ID: "after"}))
	must(t, s.Append(Event{What: "after"}))
	must(t, s.Close())
	s = openAt(t, filepath.Join(dir, "state"))
	if recs, err = s.Records(); err != nil || len(recs) != before+1 || recs[vm(5000)].ID != "after" {
		t.Errorf("after space was freed: %d records of %d, %v", len(recs), before+1, err)
	}
	must(t, s.Close())
}

func TestFullDiskAtTheBeginning(t *testing.T) {
	dir := smallDisk(t)
	free := fill(t, dir)
	_, aside, err := Open(dir)
	if !errors.Is(err, syscall.ENOSPC) || aside != "" {
		t.Errorf("%v, set aside %q", err, aside)
	}
	free()
	must(t, openAt(t, dir).Close())
}

func TestFullDiskAtReopening(t *testing.T) {
	dir := smallDisk(t)
	s := openAt(t, dir)
	must(t, put(s, vm(1), Record{ID: "kept"}))
	must(t, s.Close())
	free := fill(t, dir)
	s = openAt(t, dir)
	recs, err := s.Records()
	if err != nil || recs[vm(1)].ID != "kept" {
		t.Errorf("%v, %v", recs, err)
	}
	must(t, s.Close())
	free()
}
