package manifest

import (
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// The pace of calls to a provider that does not say its own.
const (
	DefaultQPS   = 10
	DefaultBurst = 20
)

// ProviderSettings is a Provider with its defaults and its credential, as the
// host hands it to the implementation of its type.
type ProviderSettings struct {
	Key                Key
	At                 Position
	Type               string // vsphere, libvirt, …
	Endpoint           string
	InsecureSkipVerify bool
	Defaults           ProviderDefaults
	RateLimit          RateLimit
	Pooling            ConnectionPooling

	// CredentialRef is the Secret with the login. Credentials holds its values
	// when the Secret is in the same set, and is nil otherwise.
	CredentialRef Key
	Credentials   secret.Set

	Annotations map[string]string

	// Digest is the same as long as the settings and the credential are.
	Digest string
}

// Providers returns the valid Providers of a set that was loaded from the
// host's own configuration, sorted by Key, and the values of its Secrets. A
// Provider or Secret that is not valid, or is declared more than once, is left
// out; why is in the findings, which include those of the set.
func Providers(set *Set) ([]ProviderSettings, map[Key]secret.Set, []Finding) {
	declared, findings := objectsOf(set.Documents), slices.Clone(set.Findings)
	for _, byKey := range declared {
		for _, ob := range byKey {
			findings = append(findings, duplicates(ob.docs)...)
		}
	}
	secrets := make(map[Key]secret.Set)
	for key, ob := range declared[KindSecret] {
		docs := ob.docs
		if s, ok := docs[0].Object.(*Secret); ok && len(docs) == 1 && docs[0].Valid {
			secrets[key] = s.Values()
		}
	}
	var all []ProviderSettings
	for key, ob := range declared[KindProvider] {
		docs := ob.docs
		p, ok := docs[0].Object.(*Provider)
		if !ok || len(docs) > 1 || !docs[0].Valid {
			continue
		}
		s := p.Spec.settings(key)
		s.At, s.Annotations = docs[0].At, p.Metadata.Annotations
		s.Credentials = secrets[s.CredentialRef]
		s.Digest = s.digest()
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b ProviderSettings) int { return a.Key.Compare(b.Key) })
	return all, secrets, sortFindings(findings)
}

// settings applies the defaults, also those of objects that are not written.
func (p *ProviderSpec) settings(key Key) ProviderSettings {
	s := ProviderSettings{
		Key: key, Type: p.Type, Endpoint: p.Endpoint, InsecureSkipVerify: p.InsecureSkipVerify,
		CredentialRef: p.CredentialSecretRef.In(key.Namespace),
		RateLimit:     RateLimit{QPS: DefaultQPS, Burst: DefaultBurst},
		Pooling: ConnectionPooling{
			MaxConnections: 10, MaxIdleConnections: 5, ConnectionTimeout: "30s", IdleTimeout: "5m",
		},
	}
	if p.Defaults != nil {
		s.Defaults = *p.Defaults
	}
	if p.RateLimit != nil {
		s.RateLimit = *p.RateLimit
	}
	if p.ConnectionPooling != nil {
		s.Pooling = *p.ConnectionPooling
	}
	return s
}

// digest hashes the settings, and the credential by its values.
func (s ProviderSettings) digest() string {
	plain := s
	plain.At, plain.Credentials, plain.Digest = Position{}, nil, ""
	hashed := struct {
		Settings    ProviderSettings
		Credentials map[string]string
	}{plain, make(map[string]string, len(s.Credentials))}
	for name, value := range s.Credentials {
		hashed.Credentials[name] = value.Reveal()
	}
	return digestOf("provider", hashed)
}

// String names the provider for people, without its credential.
func (s ProviderSettings) String() string {
	return fmt.Sprintf("%s %s at %s", s.Type, s.Key, s.Endpoint)
}
