# The first process of a test host's namespaces: it lays the host's folders
# over libvirt's compiled-in ones, reaps, and runs libvirtd on command. It ends,
# and everything with it, when its standard input does.
set -eu
state=$1

for pair in etc:/etc/libvirt varlib:/var/lib/libvirt log:/var/log/libvirt \
	cache:/var/cache/libvirt run:/run/libvirt; do
	mkdir -p "${pair#*:}"
	mount --bind "$state/${pair%%:*}" "${pair#*:}"
done

# Own devices: with a kvm node that cannot be used, libvirt holds its cached
# capabilities invalid and probes QEMU again at every define and start.
mount -t tmpfs -o mode=755 tmpfs "$state/dev"
cd "$state/dev"
mknod -m 666 null c 1 3; mknod -m 666 zero c 1 5; mknod -m 666 full c 1 7
mknod -m 666 random c 1 8; mknod -m 666 urandom c 1 9; mknod -m 666 tty c 5 0
mkdir pts shm net
mknod -m 666 net/tun c 10 200
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts pts
mount -t tmpfs tmpfs shm
cd /
mount --rbind "$state/dev" /dev
mount -t sysfs sysfs /sys

ip link set lo up
ip link add br-test type bridge
ip link set br-test up
# libvirtd resolves its listening address by the families that the network has
# beyond the loopback.
ip address add 192.168.124.1/24 dev br-test

daemon=
while read -r command; do
	case $command in
	start)
		libvirtd $2 -f "$state/libvirtd.conf" -p "$state/libvirtd.pid" \
			</dev/null >>"$state/libvirtd.out" 2>&1 &
		daemon=$! ;;
	kill)
		kill -9 "$daemon" || true
		wait "$daemon" 2>/dev/null || true ;;
	pause)  kill -STOP "$daemon" ;;
	resume) kill -CONT "$daemon" ;;
	esac
	echo "$command"
done
