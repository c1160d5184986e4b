# Boots a machine whose root is this host's, seen through an overlay in memory:
# it has the host's packages, and nothing of what it writes remains. Mounts are
# in a namespace of their own and vanish with it.
#   boot.sh FOLDER FILES GROUP: FILES is a tree that is laid over the root, GROUP
#   names a control group of the machine's own.
set -eu
folder=$1
files=$2
group=$3

# Two machines in one control group would end each other's services.
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
	[ -e "$tree/cgroup.procs" ] || continue
	mkdir "$tree/$group" && echo $$ >"$tree/$group/cgroup.procs"
done

mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
cd "$folder/root"

# Of the host's own services none is started, and of its guests none is known.
find etc/systemd etc/rc?.d etc/modules-load.d etc/sysctl.d etc/vmsteward etc/libvirt/qemu \
	var/lib/libvirt var/lib/vmsteward var/lib/systemd var/log/journal \
	-mindepth 1 -delete 2>/dev/null || true
rm -f etc/fstab etc/crypttab etc/resolv.conf
echo machine >etc/hostname
echo 127.0.0.1 localhost machine >etc/hosts
echo 00000000000000000000000000000001 >etc/machine-id
mkdir -p etc/systemd/system etc/systemd/journald.conf.d
cat >etc/systemd/system/booted.target <<END
[Unit]
Requires=basic.target
Wants=dbus.service
After=basic.target dbus.service
END
cat >etc/systemd/journald.conf.d/booted.conf <<END
[Journal]
Storage=volatile
RateLimitIntervalSec=0
END
cp -a "$files/." .

exec systemd-nspawn --quiet --directory=. --boot --machine="$group" --register=no --keep-unit \
	--private-network --link-journal=no --resolv-conf=off --timezone=off --console=pipe \
	-- systemd.unit=booted.target
