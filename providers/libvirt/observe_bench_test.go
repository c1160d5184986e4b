package libvirt

import (
	"os"
	"testing"
)

func BenchmarkReadDomain(b *testing.B) {
	document, err := os.ReadFile("testdata/rich.xml")
	if err != nil {
		b.Fatal(err)
	}
	text := string(document)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := readDomain(text); err != nil {
			b.Fatal(err)
		}
	}
}
