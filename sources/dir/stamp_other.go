//go:build !linux

package dir

import "io/fs"

func stampOf(i fs.FileInfo) stamp {
	s := stamp{mode: i.Mode(), mtime: i.ModTime().UnixNano()}
	if i.Mode().IsRegular() {
		s.size = i.Size()
	}
	return s
}
