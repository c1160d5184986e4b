package libvirttest

import "testing"

// TinyGuest returns the path of the bootable tiny guest, a qcow2 image.
func TinyGuest(t testing.TB) string {
	t.Helper()
	t.Fatal("libvirttest: the tiny guest is not built yet")
	return ""
}
