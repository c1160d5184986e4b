package manifest

import (
	"fmt"
	"strings"
	"testing"
)

const providerText = `apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: lab}
spec:
  type: libvirt
  endpoint: qemu+ssh://root@kvm1/system
  credentialSecretRef: {name: login}
`

func TestProviders(t *testing.T) {
	login := secretText("login", "{username: root, password: hunter2}")
	for _, tc := range []struct {
		reason, content string
		holds           func(ProviderSettings) bool
	}{
		{"defaults without their objects", providerText + "---\n" + login, func(s ProviderSettings) bool {
			return s.RateLimit == RateLimit{10, 20} && s.Pooling == ConnectionPooling{10, 5, "30s", "5m"} && s.Defaults == ProviderDefaults{}
		}},
		{"defaults within their objects", providerText + "  rateLimit: {qps: 3}\n  connectionPooling: {idleTimeout: 1m}\n---\n" + login, func(s ProviderSettings) bool {
			return s.RateLimit == RateLimit{3, 20} && s.Pooling == ConnectionPooling{10, 5, "30s", "1m"}
		}},
		{"the credential", providerText + "---\n" + login, func(s ProviderSettings) bool {
			return s.CredentialRef == Key{"default", "login"} && s.Credentials.First("password").Reveal() == "hunter2"
		}},
		{"the credential is elsewhere", providerText, func(s ProviderSettings) bool { return s.Credentials == nil }},
		{"the rest", providerText + "  insecureSkipVerify: true\n  defaults: {datastore: pool}\n", func(s ProviderSettings) bool {
			return s.Type == "libvirt" && s.Endpoint == "qemu+ssh://root@kvm1/system" && s.InsecureSkipVerify && s.Defaults.Datastore == "pool"
		}},
	} {
		all, _, findings := Providers(loadText(t, tc.content))
		if len(all) != 1 || len(findings) != 0 || !tc.holds(all[0]) {
			t.Errorf("%s: %+v\n%s", tc.reason, all, lines(findings))
		}
		if strings.Contains(fmt.Sprintf("%+v %v", all, all), "hunter2") {
			t.Errorf("%s: the credential is printed", tc.reason)
		}
	}
}

func TestProvidersLeavesOutWhatIsNotValid(t *testing.T) {
	for _, tc := range []struct{ reason, content, want string }{
		{"a bad type", strings.Replace(providerText, "libvirt", "libvrit", 1), `"libvrit" is not one of`},
		{"written twice", providerText + "---\n" + providerText, "Provider default/lab is declared 2 times, also at a.yaml:9:1"},
	} {
		all, _, findings := Providers(loadText(t, tc.content))
		if len(all) != 0 || !strings.Contains(lines(findings), tc.want) {
			t.Errorf("%s: %d providers, findings\n%s", tc.reason, len(all), lines(findings))
		}
	}
}

func TestSettingsDigest(t *testing.T) {
	digest := func(content string) string {
		all, _, _ := Providers(loadText(t, content))
		return all[0].Digest
	}
	base := digest(providerText + "---\n" + secretText("login", "{password: a}"))
	if base != digest("# moved\n\n"+providerText+"---\n"+secretText("login", "{password: a}")) {
		t.Error("the place changes the digest")
	}
	if base == digest(providerText+"---\n"+secretText("login", "{password: b}")) {
		t.Error("another credential has the same digest")
	}
	if base == digest(strings.Replace(providerText, "kvm1", "kvm2", 1)+"---\n"+secretText("login", "{password: a}")) {
		t.Error("another endpoint has the same digest")
	}
}
