package vcsim

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"

	"github.com/vmware/govmomi/vmdk"
)

//go:embed image.ovf
var imageOVF string

// Image is a virtual machine as vendors hand it out: a descriptor, and a disk
// of 10 GiB that begins as a VMDK does and ends with a text.
type Image struct {
	OVF, Disk []byte
}

// NewImage makes an image. Those of different texts differ in their digest.
func NewImage(text string) Image {
	disk := disk(text)
	return Image{OVF: fmt.Appendf(nil, imageOVF, len(disk)), Disk: disk}
}

// disk is a VMDK for streaming: its header and its descriptor, each of a
// sector, and no grain.
func disk(text string) []byte {
	head := vmdk.SparseExtentHeaderOnDisk{
		MagicNumber: vmdk.SparseMagicNumber, Version: 3, Flags: vmdk.SparseFlagCompressed, Capacity: 10 * gib / vmdk.SectorSize,
		GrainSize: vmdk.GrainSize, DescriptorOffset: 1, DescriptorSize: 1,
	}
	var b bytes.Buffer
	// A buffer takes all that is written.
	_ = binary.Write(&b, binary.LittleEndian, head)
	sector := make([]byte, vmdk.SectorSize)
	copy(sector, fmt.Sprintf("# Disk DescriptorFile\nversion=1\ncreateType=\"streamOptimized\"\nRW %d SPARSE \"disk.vmdk\"\n", head.Capacity))
	_, _ = b.Write(sector)
	_, _ = b.WriteString(text)
	return b.Bytes()
}

// OVA is the image as one file, with its manifest.
func (i Image) OVA() []byte {
	manifest := fmt.Appendf(nil, "SHA256(image.ovf)= %x\nSHA256(disk.vmdk)= %x\n", sha256.Sum256(i.OVF), sha256.Sum256(i.Disk))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name    string
		content []byte
	}{{"image.ovf", i.OVF}, {"image.mf", manifest}, {"disk.vmdk", i.Disk}} {
		// A buffer takes all that is written.
		_ = w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Format: tar.FormatUSTAR})
		_, _ = w.Write(f.content)
	}
	_ = w.Close()
	return b.Bytes()
}
