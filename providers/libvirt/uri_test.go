package libvirt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURI(t *testing.T) {
	for _, tc := range []struct {
		reason, uri string
		want        endpoint
	}{
		{"the local system daemon", "qemu:///system", endpoint{transport: overUnix, mode: "system"}},
		{"the local session daemon", "qemu:///session", endpoint{transport: overUnix, mode: "session"}},
		{"a socket as libvirt writes it", "qemu+unix:///system?socket=/run/x/libvirt-sock",
			endpoint{transport: overUnix, mode: "system", socket: "/run/x/libvirt-sock"}},
		{"an escaped socket", "qemu+unix:///system?socket=%2Frun%2Fa+b%26c",
			endpoint{transport: overUnix, mode: "system", socket: "/run/a b&c"}},
		{"ssh", "qemu+ssh://root@kvm1/system",
			endpoint{transport: overSSH, mode: "system", user: "root", host: "kvm1", port: "22"}},
		{"ssh in full", "qemu+ssh://vm@kvm1.example.org:2222/session?socket=/s&keyfile=/k",
			endpoint{transport: overSSH, mode: "session", user: "vm", host: "kvm1.example.org", port: "2222", socket: "/s"}},
		{"ssh whose user is in the credential", "qemu+ssh://kvm1/system",
			endpoint{transport: overSSH, mode: "system", host: "kvm1", port: "22"}},
		{"IPv6", "qemu+ssh://root@[fd00::7]/system",
			endpoint{transport: overSSH, mode: "system", user: "root", host: "fd00::7", port: "22"}},
		{"IPv6 with port", "qemu+tls://[::1]:1/system", endpoint{transport: overTLS, mode: "system", host: "::1", port: "1"}},
		{"IPv6 with zone", "qemu+tcp://[fe80::1%25eth0]/system", endpoint{transport: overTCP, mode: "system", host: "fe80::1%eth0", port: "16509"}},
		{"tls", "qemu+tls://kvm1/system?pkipath=/etc/pki", endpoint{transport: overTLS, mode: "system", host: "kvm1", port: "16514"}},
		{"a host without transport is reached by tls, as in libvirt", "qemu://kvm1/system", endpoint{transport: overTLS, mode: "system", host: "kvm1", port: "16514"}},
		{"tcp", "qemu+tcp://10.0.0.7/system", endpoint{transport: overTCP, mode: "system", host: "10.0.0.7", port: "16509"}},
	} {
		got, err := parseURI(tc.uri)
		if err != nil {
			t.Errorf("%s: %s: %v", tc.reason, tc.uri, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(endpoint{})); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", tc.reason, tc.uri, diff)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for _, tc := range []struct{ reason, uri, says string }{
		{"nothing", "", "supported are"},
		{"a path", "/var/run/libvirt/libvirt-sock", "supported are"},
		{"an address", "kvm1:16509", "supported are"},
		{"another driver", "xen:///system", `driver "xen"`},
		{"the ext transport", "qemu+ext:///system?command=/bin/x", `transport "ext" is not supported; supported are`},
		{"libssh", "qemu+libssh2://root@kvm1/system", `transport "libssh2" is not supported`},
		{"an empty transport", "qemu+:///system", "transport"},
		{"no slashes", "qemu:system", "slashes"},
		{"no host", "qemu+ssh:///system", "names no host"},
		{"a host for a socket", "qemu+unix://kvm1/system", "no host"},
		{"no path", "qemu+tcp://kvm1", "neither /system nor /session"},
		{"another path", "qemu:///embed?root=/x", "neither /system nor /session"},
		{"a deeper path", "qemu:///system/x", "neither /system nor /session"},
		{"port 0", "qemu+tcp://kvm1:0/system", "port"},
		{"a port that is none", "qemu+tcp://kvm1:x/system", "port"},
		{"a port too large", "qemu+tcp://kvm1:65536/system", "port"},
		{"a user without ssh", "qemu+tcp://root@kvm1/system", "a user"},
		{"a relative socket", "qemu+unix:///system?socket=x", "absolute"},
		{"a socket with tls", "qemu+tls://kvm1/system?socket=/x", "socket means nothing"},
		{"unverified tls by URI", "qemu+tls://kvm1/system?no_verify=1", "insecureSkipVerify"},
		{"unknown parameter", "qemu+ssh://root@kvm1/system?netcat=/bin/nc", `"netcat" is not supported`},
		{"bad query", "qemu:///system?socket=%zz", "parameters"},
		{"a session by ssh without socket", "qemu+ssh://root@kvm1/session", "needs ?socket="},
	} {
		_, err := parseURI(tc.uri)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %q: error %v, want one that says %q", tc.reason, tc.uri, err, tc.says)
		}
	}
}

func TestParseURIKeepsPasswordsToItself(t *testing.T) {
	for _, uri := range []string{
		"qemu+ssh://root:hunter2@kvm1/system",
		"qemu+ssh://root:hunter2@kvm1:bad/system",
		"qemu+ssh://root:hunter2@kvm 1/system",
		"qemu+ssh://root:hunter2%zz@kvm1/system",
		"qemu+tcp://root:hunter2@kvm1/system",
		"qemu:///system?token=hunter2",
		"qemu:///system?token=hunter2%zz",
		"qemu:///system?socket=hunter2",
		"qemu+ssh://kvm1/system?socket=hunter2;x",
		"qemu+ssh://kvm1?token=hunter2",
		"xen:///system?token=hunter2",
		"qemu:system?token=hunter2",
		"qemu+ssh://kvm1:x/system?token=hunter2",
	} {
		_, err := parseURI(uri)
		if err == nil {
			t.Errorf("a URI with a password is accepted")
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

func TestSockets(t *testing.T) {
	system := endpoint{transport: overUnix, mode: "system"}
	session := endpoint{transport: overUnix, mode: "session"}
	if got, _ := system.sockets(""); !cmp.Equal(got, []string{"/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"}) {
		t.Errorf("system: %v", got)
	}
	if got, _ := session.sockets("/run/user/7"); !cmp.Equal(got, []string{"/run/user/7/libvirt/libvirt-sock", "/run/user/7/libvirt/virtqemud-sock"}) {
		t.Errorf("session: %v", got)
	}
	if got, err := session.sockets(""); err == nil {
		t.Errorf("session without a runtime folder: %v", got)
	}
}

func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{
		"qemu:///system", "qemu+unix:///session?socket=/a%20b", "qemu+ssh://a@[::1]:22/system?socket=/x", "qemu+tls://h/system", "qemu+tcp://[fe80::1%25e]:9/system", "qemu+ssh://a%40b@h/system",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		e, err := parseURI(raw)
		if err != nil {
			return
		}
		again, err := parseURI(e.String())
		if err != nil || again != e {
			t.Errorf("%q is read as %+v, written as %q, read again as %+v, %v", raw, e, e, again, err)
		}
	})
}
