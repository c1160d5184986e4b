package daemon

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
)

// twins are two Secrets of one name, and one that is alone.
func twins() *credentials {
	of := func(text string) secret.Set { return secret.Set{"password": secret.New(text)} }
	return &credentials{dir: "/nonexistent", secrets: map[manifest.Key]secret.Set{
		{Namespace: "default", Name: "login"}: of("default"),
		{Namespace: "lab", Name: "login"}:     of("lab"),
		{Namespace: "lab", Name: "git"}:       of("git"),
	}}
}

func TestProvidersTakeTheSecretOfTheirNamespace(t *testing.T) {
	for _, tc := range []struct{ provider, ref, want string }{
		{"", "", "default"}, {"lab", "", "lab"}, {"lab", "default", "default"}, {"", "lab", "lab"}, {"other", "", ""},
	} {
		p := &manifest.Provider{}
		p.Spec.CredentialSecretRef.Name, p.Spec.CredentialSecretRef.Namespace = "login", tc.ref
		s, err := settings(p, manifest.Key{Namespace: tc.provider, Name: "kvm"}, "lab", twins())
		if got := s.Credentials["password"]; got.Reveal() != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("provider in %q, reference to %q: want the one of %q, got %q, %v", tc.provider, tc.ref, tc.want, got.Reveal(), err)
		}
	}
}

func TestACredentialOfAnyNamespaceIsTheOnlyOne(t *testing.T) {
	if set, err := twins().open("", "git"); err != nil || len(set) != 1 {
		t.Errorf("the only one: %v, %v", set, err)
	}
	if _, err := twins().open("", "login"); err == nil || !strings.Contains(err.Error(), "several namespaces") {
		t.Errorf("want both refused, got %v", err)
	}
}
