package dir

import (
	"io/fs"
	"syscall"
)

func stampOf(i fs.FileInfo) stamp {
	s := stamp{mode: i.Mode(), mtime: i.ModTime().UnixNano()}
	if i.Mode().IsRegular() {
		s.size = i.Size()
	}
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		s.change, s.inode = st.Ctim.Nano(), st.Ino
	}
	return s
}
