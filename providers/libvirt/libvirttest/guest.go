package libvirttest

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed guest-init.sh
var guestInit string

// guestModules are the drivers that the guest loads, as far as its kernel has
// them as modules.
const guestModules = "virtio_pci virtio_blk virtio_net virtio_scsi virtio_console virtio_balloon virtio_rng virtio_mem " +
	"sd_mod sr_mod ahci iso9660 vfat nls_cp437 nls_ascii nls_utf8 button evdev e1000 e1000e acpiphp af_packet"

const guestLoader = `DEFAULT guest
PROMPT 0
LABEL guest
LINUX vmlinuz
INITRD initrd
APPEND console=ttyS0 quiet panic=5 tsc=reliable no_timer_check memhp_default_state=online_movable
`

const guestDHCP = `#!/bin/busybox sh
case $1 in
deconfig) ip addr flush dev "$interface" ;;
bound | renew)
	ip addr replace "$ip/${mask:-24}" dev "$interface"
	for r in $router; do ip route replace default via "$r" dev "$interface" && break; done ;;
esac
`

// What qemu-ga calls to power off (-P, -H) or reboot (-r).
const guestShutdown = `#!/bin/busybox sh
case "$*" in *-r*) reboot -f ;; *) poweroff -f ;; esac
`

// TinyGuest returns the path of a bootable guest image in qcow2 format, about
// 16 MB, of Debian's cloud kernel and a busybox. It boots under emulation in
// about eight seconds with 192 MiB of memory, and then:
//
//   - mounts the cloud-init seed (ISO 9660 or FAT, whatever disk or drive);
//   - asks for addresses by DHCP on every interface;
//   - prints one line "PROOF seed=/dev/vdb hostname=… instance-id=…
//     user-data=SHA256 network-config=SHA256 disks=vda:BYTES,… cpus=N
//     memory=MIB ip=…" to ttyS0, "none" for what there is not, and after that
//     lines "STATE …" of the same fields, when one changes and every 5 s;
//   - runs the QEMU guest agent, and brings up what is plugged in;
//   - powers off by the ACPI button and by the agent, in well under a second.
//
// The image is built once from Debian packages and kept in the user's cache
// folder; it must not be written to.
func TinyGuest(t testing.TB) string {
	t.Helper()
	sum := sha256.Sum256([]byte(guestInit + guestModules + guestLoader + guestDHCP + guestShutdown))
	kept, err := cacheDir("guest")
	if err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(kept, "tiny-"+hex.EncodeToString(sum[:8])+".qcow2")
	if _, err := os.Stat(image); err == nil {
		return image
	}
	for _, p := range strings.Fields("apt-get apt-cache dpkg-deb depmod modprobe cpio gzip mkfs.vfat mcopy syslinux qemu-img busybox qemu-ga ldd") {
		if _, err := exec.LookPath(p); err != nil {
			unable(t, "building the tiny guest needs "+p+", which is not installed")
		}
	}
	b := &guestBuild{t: t, dir: t.TempDir()}
	b.fetchKernel()
	b.fillRoot()
	b.makeDisk()
	// Another process may have built it meanwhile; the rename replaces it whole.
	content, err := os.ReadFile(filepath.Join(b.dir, "guest.qcow2"))
	if err == nil {
		err = replaceFile(image, content)
	}
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// guestBuild builds the image in a folder.
type guestBuild struct {
	t      testing.TB
	dir    string
	kernel string // its release
}

func (b *guestBuild) path(name string) string { return filepath.Join(b.dir, name) }

// run runs a program in the build's folder and returns its output.
func (b *guestBuild) run(name string, args ...string) string {
	b.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = b.dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = append(out, exit.Stderr...)
		}
		b.t.Fatalf("build the tiny guest: %s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// fetchKernel unpacks Debian's cloud kernel into the folder "kernel".
func (b *guestBuild) fetchKernel() {
	b.t.Helper()
	for _, field := range strings.Fields(b.run("apt-cache", "depends", "linux-image-cloud-amd64")) {
		if release, ok := strings.CutPrefix(field, "linux-image-"); ok && release != "cloud-amd64" {
			b.kernel = release
		}
	}
	if b.kernel == "" {
		unable(b.t, "apt knows no kernel for the tiny guest; run apt-get update")
	}
	b.run("apt-get", "download", "-q", "linux-image-"+b.kernel)
	debs, _ := filepath.Glob(b.path("*.deb"))
	b.run("dpkg-deb", "-x", debs[0], "kernel")
	b.run("depmod", "-b", b.path("kernel"), b.kernel)
}

// fillRoot makes the folder "root" that becomes the guest's memory disk.
func (b *guestBuild) fillRoot() {
	b.t.Helper()
	b.put("init", guestInit, 0o755)
	b.put("udhcpc.sh", guestDHCP, 0o755)
	b.put("sbin/shutdown", guestShutdown, 0o755)
	b.put("etc/os-release", "ID=tiny\nNAME=\"tiny guest\"\nVERSION_ID=1\n", 0o644)
	b.put("etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0o644)
	b.copy("/usr/bin/busybox", "bin/busybox")
	agent, _ := exec.LookPath("qemu-ga")
	b.copy(agent, "sbin/qemu-ga")
	for _, field := range strings.Fields(b.run("ldd", agent)) {
		if strings.HasPrefix(field, "/") {
			b.copy(field, field)
		}
	}
	var order []string
	seen := map[string]bool{}
	for _, module := range strings.Fields(guestModules) {
		cmd := exec.Command("modprobe", "-d", b.path("kernel"), "-S", b.kernel, "--show-depends", module)
		out, _ := cmd.Output() // one that the kernel does not have is left out
		for line := range strings.Lines(string(out)) {
			file, ok := strings.CutPrefix(strings.TrimSpace(line), "insmod ")
			if file = strings.TrimSpace(file); !ok || seen[file] {
				continue
			}
			seen[file] = true
			order = append(order, filepath.Base(file))
			b.copy(file, "modules/"+filepath.Base(file))
		}
	}
	b.put("modules/order", strings.Join(order, "\n")+"\n", 0o644)
}

func (b *guestBuild) put(name, content string, mode fs.FileMode) {
	b.t.Helper()
	path := filepath.Join(b.dir, "root", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		b.t.Fatal(err)
	}
}

func (b *guestBuild) copy(from, name string) {
	b.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		b.t.Fatal(err)
	}
	b.put(name, string(content), 0o755)
}

// makeDisk packs the memory disk and makes a bootable image: one FAT file
// system over the whole disk with a loader in its first sector.
func (b *guestBuild) makeDisk() {
	b.t.Helper()
	b.run("bash", "-c", "set -o pipefail; cd root && find . | cpio --quiet -o -H newc | gzip -9 >../initrd")
	b.put("../syslinux.cfg", guestLoader, 0o644)
	b.run("mkfs.vfat", "-C", "guest.img", fmt.Sprint(48<<10))
	b.run("syslinux", "--install", "guest.img")
	b.run("mcopy", "-i", "guest.img", "kernel/boot/vmlinuz-"+b.kernel, "::vmlinuz")
	b.run("mcopy", "-i", "guest.img", "initrd", "syslinux.cfg", "::")
	b.run("qemu-img", "convert", "-c", "-O", "qcow2", "guest.img", "guest.qcow2")
}
