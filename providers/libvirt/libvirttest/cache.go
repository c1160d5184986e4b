package libvirttest

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// capabilities is where libvirtd keeps what it learned about QEMU, below its
// cache folder. The files state what they depend on (versions, times of the
// binaries, kernel), and libvirtd discards the ones that do not fit, so a copy
// from an earlier run is safe.
const capabilities = "qemu/capabilities"

// cacheDir returns a folder that outlives the test run.
func cacheDir(name string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "vmsteward-test", name)
	return dir, os.MkdirAll(dir, 0o755)
}

// loadCapabilities gives a host that is about to start what earlier ones
// learned. What goes wrong here costs two seconds and nothing else.
func loadCapabilities(hostDir string) {
	if kept, err := cacheDir("capabilities"); err == nil {
		copyFiles(kept, filepath.Join(hostDir, "cache", capabilities))
	}
}

// saveCapabilities keeps what a host has learned.
func saveCapabilities(hostDir string) {
	if kept, err := cacheDir("capabilities"); err == nil {
		copyFiles(filepath.Join(hostDir, "cache", capabilities), kept)
	}
}

// copyFiles copies the plain files of a folder, each of them atomically, for
// test processes do this at the same time.
func copyFiles(from, to string) {
	entries, err := os.ReadDir(from)
	if err != nil || os.MkdirAll(to, 0o755) != nil {
		return
	}
	for _, e := range entries {
		if content, err := os.ReadFile(filepath.Join(from, e.Name())); err == nil && filepath.Ext(e.Name()) == ".xml" {
			replaceFile(filepath.Join(to, e.Name()), content)
		}
	}
}

// replaceFile writes a file so that a reader sees the old or the new one.
func replaceFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
