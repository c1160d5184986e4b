package libvirt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// The layout of an ISO 9660 image (ECMA-119) that holds a few small files in
// its root directory: descriptors, two path tables, the root directory, the
// files. Rock Ridge entries carry the true names.
const (
	isoSector   = 2048
	isoSystem   = 16 // sectors before the first descriptor
	isoPathL    = 18
	isoPathM    = 19
	isoRoot     = 20
	isoFirst    = 21 // sector of the first file
	isoPathSize = 10
)

// isoFile is one file of an image.
type isoFile struct {
	name string // as the guest sees it
	data []byte
}

// isoImage returns an image with the files in its root. The same files give
// the same bytes: there is no time in it. At most 16 files with short names
// fit into the one sector of the directory; more is an error.
func isoImage(label string, files []isoFile) ([]byte, error) {
	sectors := isoFirst
	at := make([]int, len(files))
	for i, f := range files {
		at[i] = sectors
		sectors += (len(f.data) + isoSector - 1) / isoSector
	}
	root, err := isoDirectory(files, at)
	if err != nil {
		return nil, err
	}
	img := make([]byte, sectors*isoSector)
	copy(img[isoSystem*isoSector:], isoPrimary(label, sectors))
	copy(img[(isoSystem+1)*isoSector:], "\xffCD001\x01")
	copy(img[isoPathL*isoSector:], isoPathTable(binary.LittleEndian))
	copy(img[isoPathM*isoSector:], isoPathTable(binary.BigEndian))
	copy(img[isoRoot*isoSector:], root)
	for i, f := range files {
		copy(img[at[i]*isoSector:], f.data)
	}
	return img, nil
}

// isoPrimary returns the primary volume descriptor.
func isoPrimary(label string, sectors int) []byte {
	d := make([]byte, isoSector)
	copy(d, "\x01CD001\x01")
	text := func(from, to int, s string) {
		copy(d[from:to], s+strings.Repeat(" ", to-from))
	}
	text(8, 40, "")
	text(40, 72, label)
	copy(d[80:], both32(sectors))
	copy(d[120:], both16(1)) // volumes in the set
	copy(d[124:], both16(1)) // this one
	copy(d[128:], both16(isoSector))
	copy(d[132:], both32(isoPathSize))
	binary.LittleEndian.PutUint32(d[140:], isoPathL)
	binary.BigEndian.PutUint32(d[148:], isoPathM)
	copy(d[156:190], isoRecord("\x00", isoRoot, isoSector, true, nil))
	text(190, 813, "")
	for _, from := range []int{813, 830, 847, 864} {
		copy(d[from:], strings.Repeat("0", 16)) // no time; the 17th octet is the zone
	}
	d[881] = 1 // version of the file structure
	return d
}

// isoPathTable returns the table of directories: the root alone.
func isoPathTable(order binary.ByteOrder) []byte {
	t := make([]byte, isoPathSize)
	t[0] = 1
	order.PutUint32(t[2:], isoRoot)
	order.PutUint16(t[6:], 1)
	return t
}

// isoDirectory returns the root directory's sector.
func isoDirectory(files []isoFile, at []int) ([]byte, error) {
	var dir bytes.Buffer
	const folder, file = 0o040555, 0o100444
	dir.Write(isoRecord("\x00", isoRoot, isoSector, true, isoRidge("", folder, true)))
	dir.Write(isoRecord("\x01", isoRoot, isoSector, true, isoRidge("", folder, false)))
	for i, f := range files {
		short := fmt.Sprintf("FILE%02d.;1", i)
		dir.Write(isoRecord(short, at[i], len(f.data), false, isoRidge(f.name, file, false)))
	}
	if dir.Len() > isoSector {
		return nil, fmt.Errorf("%d files do not fit into the directory of a seed", len(files))
	}
	return dir.Bytes(), nil
}

// isoRecord returns one directory record.
func isoRecord(name string, sector, size int, folder bool, use []byte) []byte {
	r := make([]byte, 33, 256)
	copy(r[2:], both32(sector))
	copy(r[10:], both32(size))
	copy(r[18:], []byte{70, 1, 1, 0, 0, 0, 0}) // 1970-01-01 00:00:00 UTC
	if folder {
		r[25] = 2
	}
	copy(r[28:], both16(1))
	r[32] = byte(len(name))
	r = append(r, name...)
	if len(r)%2 == 1 {
		r = append(r, 0)
	}
	r = append(r, use...)
	if len(r)%2 == 1 {
		r = append(r, 0)
	}
	r[0] = byte(len(r))
	return r
}

// isoRidge returns the system use entries of a record: SP and ER for the root
// itself, PX always, NM for a name.
func isoRidge(name string, mode int, first bool) []byte {
	var b bytes.Buffer
	if first {
		b.WriteString("SP\x07\x01\xbe\xef\x00")
	}
	b.WriteString("PX\x24\x01")
	for _, v := range []int{mode, 1, 0, 0} { // mode, links, owner, group
		b.Write(both32(v))
	}
	if name != "" {
		b.WriteString("NM")
		b.Write([]byte{byte(5 + len(name)), 1, 0})
		b.WriteString(name)
	}
	if first {
		const id = "RRIP_1991A"
		b.WriteString("ER")
		b.Write([]byte{byte(8 + len(id)), 1, byte(len(id)), 0, 0, 1})
		b.WriteString(id)
	}
	return b.Bytes()
}

// both32 and both16 write a number in both byte orders, one after the other.
func both32(v int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(v))
	return binary.BigEndian.AppendUint32(b, uint32(v))
}

func both16(v int) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(v))
	return binary.BigEndian.AppendUint16(b, uint16(v))
}
