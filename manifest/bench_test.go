package manifest

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// manyFiles is a tree of n files, each with one VM, beside what they refer to.
func manyFiles(n int) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range fleet() {
		fsys[name] = &fstest.MapFile{Data: []byte(content), Sys: blobID(name)}
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
		folder := fmt.Sprintf("vms/%03d", i/100)
		fsys[folder] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: blobID(number)}
		fsys[folder+"/"+number+".yaml"] = &fstest.MapFile{Data: []byte(text), Sys: blobID(number)}
	}
	return fsys
}

// listed is a tree with its listings made once, so that a benchmark measures
// what reads it.
type listed struct {
	fstest.MapFS
	lists map[string][]fs.DirEntry
}

func list(fsys fstest.MapFS) *listed {
	l := &listed{MapFS: fsys, lists: make(map[string][]fs.DirEntry)}
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, _ error) error {
		if d.IsDir() {
			l.lists[name], _ = fs.ReadDir(fsys, name)
		}
		return nil
	})
	return l
}

// ReadDir implements fs.ReadDirFS.
func (l *listed) ReadDir(name string) ([]fs.DirEntry, error) { return l.lists[name], nil }

// BenchmarkOneChange is a commit that changes one VM.
func BenchmarkOneChange(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		even := manyFiles(n)
		odd := maps.Clone(even)
		changed := *even["vms/000/7.yaml"]
		changed.Data, changed.Sys = bytes.Replace(changed.Data, []byte("sizeGiB: 100"), []byte("sizeGiB: 101"), 1), blobID("changed")
		folder := *even["vms/000"]
		folder.Sys = blobID("changed too")
		odd["vms/000/7.yaml"], odd["vms/000"] = &changed, &folder
		trees := []*listed{list(even), list(odd)}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			opts := Options{Cache: &Cache{}}
			Resolve(Load(trees[1], opts), host())
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if d := Resolve(Load(trees[i%2], opts), host()); len(d.VMs) != n {
					b.Fatalf("%d VMs, want %d\n%s", len(d.VMs), n, lines(d.Findings))
				}
			}
		})
	}
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
