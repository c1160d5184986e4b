package remote

import (
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	for _, row := range []struct {
		text, want string
		nearby     bool
		reason     string
	}{
		{"grpc://host.example:9443", "grpc://host.example:9443", false, "the usual form"},
		{" grpc://host.example:9443/ ", "grpc://host.example:9443", false, "blanks and a slash mean nothing"},
		{"grpc://127.0.0.1:9443", "grpc://127.0.0.1:9443", true, "loopback by address"},
		{"grpc://[::1]:9443", "grpc://[::1]:9443", true, "loopback of IPv6"},
		{"grpc://LocalHost:1", "grpc://LocalHost:1", true, "loopback by name"},
		{"grpc://[2001:db8::1]:9443", "grpc://[2001:db8::1]:9443", false, "an address of IPv6"},
		{"unix:///run/vmsteward/p.sock", "unix:///run/vmsteward/p.sock", true, "a socket"},
		{"unix:///run/../run/p.sock", "unix:///run/p.sock", true, "a path is made plain"},
		{"grpc://host.example", "", false, "a port has no default"},
		{"grpc://host.example:0", "", false, "no port"},
		{"grpc://host.example:70000", "", false, "no port"},
		{"grpc://:9443", "", false, "no host"},
		{"grpc:host.example:9443", "", false, "no slashes"},
		{"grpc://user:word@host.example:9443", "", false, "a login"},
		{"grpc://host.example:9443/path", "", false, "a path"},
		{"grpc://host.example:9443?x=1", "", false, "a query"},
		{"unix://relative.sock", "", false, "a path that is not full"},
		{"unix:///", "", false, "a folder"},
		{"https://host.example:9443", "", false, "another protocol"},
		{"", "", false, "nothing"},
	} {
		e, err := parseEndpoint(row.text)
		switch {
		case row.want == "" && err == nil:
			t.Errorf("%q is taken for %s: %s", row.text, e, row.reason)
		case row.want == "":
		case err != nil:
			t.Errorf("%q: %v: %s", row.text, err, row.reason)
		case e.String() != row.want || e.nearby() != row.nearby:
			t.Errorf("%q is %s, nearby %t; want %s, %t: %s", row.text, e, e.nearby(), row.want, row.nearby, row.reason)
		}
	}
}

func TestSpeaks(t *testing.T) {
	for text, want := range map[string]bool{
		"grpc://host:1": true, "unix:///p": true, "qemu+unix:///system": false, "https://vc": false, "grpc": false, "memory://lab": false,
	} {
		if Speaks(text) != want {
			t.Errorf("Speaks(%q) = %t", text, !want)
		}
	}
}
