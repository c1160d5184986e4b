package vsphere

import (
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	for _, tc := range []struct{ text, want, reason string }{
		{"https://vc.example.com/sdk", "https://vc.example.com/sdk", "as the API's own documents write it"},
		{"https://vc.example.com/sdk/", "https://vc.example.com/sdk", "a slash too many does no harm"},
		{"https://vc.example.com", "https://vc.example.com/sdk", "as a browser shows it"},
		{"https://vc.example.com/", "https://vc.example.com/sdk", "as a browser copies it"},
		{"vc.example.com", "https://vc.example.com/sdk", "the name alone"},
		{" vc.example.com\n", "https://vc.example.com/sdk", "as it comes from a file"},
		{"vc.example.com:8443", "https://vc.example.com:8443/sdk", "another port"},
		{"https://vc.example.com:8443/sdk", "https://vc.example.com:8443/sdk", "another port, in full"},
		{"192.0.2.1", "https://192.0.2.1/sdk", "an address"},
		{"[2001:db8::1]:8443", "https://[2001:db8::1]:8443/sdk", "an IPv6 address"},
	} {
		u, err := parseEndpoint(tc.text)
		if err != nil || u.String() != tc.want {
			t.Errorf("%s: parseEndpoint(%q) = %v, %v; want %s", tc.reason, tc.text, u, err, tc.want)
		}
	}
}

func TestParseEndpointRefuses(t *testing.T) {
	for _, tc := range []struct{ text, want, reason string }{
		{"", "no endpoint is set", "nothing"},
		{"http://vc.example.com", `"https" alone`, "in the clear"},
		{"qemu+ssh://vc.example.com/system", `"https" alone`, "another provider's"},
		{"https:///sdk", "names no host", "no host"},
		{"https://vc.example.com/ui", `has the path "/ui"`, "the page for people"},
		{"https://vc.example.com/sdk?x=1", "query", "a query"},
		{"https://vc.example.com/#/login", "fragment", "copied out of a browser"},
		{"https://admin:hunter2@vc.example.com/sdk", "holds a login", "a password in plain sight"},
		{"https://vc.example.com:0", "port", "no port"},
		{"vc.example.com:", "port", "a port that is missing"},
		{"https://admin:hunter2@vc example.com", "is no address", "a space"},
		{"2001:db8::1", "", "an IPv6 address without brackets"},
	} {
		u, err := parseEndpoint(tc.text)
		if err == nil {
			t.Errorf("%s: parseEndpoint(%q) = %v, want an error", tc.reason, tc.text, u)
			continue
		}
		if !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: parseEndpoint(%q): %q, want it to say %q", tc.reason, tc.text, err, tc.want)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password: %v", tc.reason, err)
		}
	}
}
