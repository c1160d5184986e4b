package manifest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// manyFiles is a tree of n files, each with one VM, beside what they refer to.
func manyFiles(n int) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range fleet() {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	delete(fsys, "vm.yaml")
	for i := range n {
		number := strconv.Itoa(i)
		text := vmText("vm-"+number, `  networks:
    - name: eth0
      networkRef:
        name: lan
      macAddress: "52:54:00:`+fmt.Sprintf("%02x:%02x:%02x", i>>16, i>>8&255, i&255)+`"
  disks:
    - name: data
      sizeGiB: 100
  powerState: "On"
  userData:
    cloudInit:
      inline: |
`+strings.Repeat("        - a line of cloud-config\n", 10))
		fsys["vms/"+number+".yaml"] = &fstest.MapFile{Data: []byte(text), Sys: blobID(number)}
	}
	return fsys
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		fsys := manyFiles(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Load(fsys, Options{})
			}
		})
		b.Run(strconv.Itoa(n)+"/cached", func(b *testing.B) {
			opts := Options{Cache: &Cache{}}
			Load(fsys, opts)
			b.ReportAllocs()
			for b.Loop() {
				Load(fsys, opts)
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		set := Load(manyFiles(n), Options{})
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := Resolve(set, host()); len(d.VMs) != n {
					b.Fatalf("%d VMs, want %d", len(d.VMs), n)
				}
			}
		})
	}
}
