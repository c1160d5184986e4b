#!/bin/busybox sh
# The first process of the tiny guest: it reads its seed, gets an address,
# says on the serial line what it found, and obeys a request to power off.
/bin/busybox mkdir -p /proc /sys /dev /seed /run /var/run /tmp /etc /usr/bin /usr/sbin
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/virtio-ports
mount -t devpts devpts /dev/pts
exec >/dev/ttyS0 2>/dev/null </dev/null
while read -r module; do insmod "/modules/$module"; done </modules/order

# The power button.
for name in /sys/class/input/event*/device/name; do
	grep -q 'Power Button' "$name" || continue
	event=${name%/device/name}
	(head -c 24 "/dev/input/${event##*/}" >/dev/null && poweroff -f) &
done

# The seed, on whatever disk or drive it is.
find_seed() {
	for dev in /sys/block/*; do
		dev=/dev/${dev##*/}
		case $dev in /dev/loop* | /dev/ram*) continue ;; esac
		mount -o ro -t iso9660 "$dev" /seed || mount -o ro -t vfat "$dev" /seed || continue
		[ -f /seed/meta-data ] && seed=$dev && return 0
		umount /seed
	done
	return 1
}
seed=none
for _ in 1 2 3 4 5; do find_seed && break; sleep 0.2; done
meta() { tr -d "\"'{}," </seed/meta-data | sed -n "s/^ *$1: *//p" | head -n 1; }
hash() { if [ -f "/seed/$1" ]; then sha256sum "/seed/$1" | cut -d ' ' -f 1; else echo none; fi; }
host= instance=
if [ "$seed" != none ]; then
	host=$(meta local-hostname)
	[ -n "$host" ] || host=$(meta hostname)
	instance=$(meta instance-id)
	[ -n "$host" ] && hostname "$host"
fi
user=$(hash user-data)
network=$(hash network-config)

state() {
	disks= addresses=
	for d in /sys/block/vd* /sys/block/sd*; do
		[ -f "$d/size" ] && disks="$disks${disks:+,}${d##*/}:$(($(cat "$d/size") * 512))"
	done
	for a in $(ip -4 -o addr show scope global | awk '{print $4}'); do
		addresses="$addresses${addresses:+,}${a%/*}"
	done
	echo "seed=$seed hostname=${host:-none} instance-id=${instance:-none} user-data=$user network-config=$network" \
		"disks=$disks cpus=$(grep -c ^processor /proc/cpuinfo)" \
		"memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo) ip=${addresses:-none}"
}

# What is plugged in later is brought up as well.
bring_up() {
	for n in /sys/class/net/*; do
		n=${n##*/}
		[ "$n" = lo ] || [ -f "/run/net-$n" ] && continue
		: >"/run/net-$n"
		ip link set "$n" up
		udhcpc -i "$n" -b -t 3 -T 1 -A 2 -s /udhcpc.sh ${host:+-x hostname:$host} &
	done
	for n in /run/net-*; do [ -e "/sys/class/net/${n#/run/net-}" ] || rm -f "$n"; done
	for c in /sys/devices/system/cpu/cpu*/online; do [ "$(cat "$c")" = 1 ] || echo 1 >"$c"; done
	for m in /sys/devices/system/memory/memory*/state; do
		[ "$(cat "$m")" = offline ] && echo online_movable >"$m"
	done
	if [ ! -e /run/agent ]; then
		for p in /sys/class/virtio-ports/*; do
			grep -q org.qemu.guest_agent.0 "$p/name" || continue
			: >/run/agent
			(while :; do qemu-ga -m virtio-serial -p "/dev/${p##*/}" -t /run; sleep 1; done) &
		done
	fi
}

ip link set lo up
bring_up
# The address may take a moment, and there may be none.
for _ in $(seq 40); do
	[ -n "$(ip -4 -o addr show scope global)" ] && break
	ls /sys/class/net | grep -qv '^lo$' || break
	sleep 0.2
done
echo "PROOF $(state)"
last= since=0
while :; do
	sleep 1
	bring_up
	now=$(state)
	since=$((since + 1))
	if [ "$now" != "$last" ] || [ "$since" -ge 5 ]; then
		echo "STATE $now"
		last=$now since=0
	fi
done
