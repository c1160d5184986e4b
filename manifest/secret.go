package manifest

import "github.com/vmsteward/vmsteward/internal/secret"

// Secret is a Kubernetes Secret: apiVersion v1. Its values print as redactions.
type Secret struct {
	Object
	Type       string                 `json:"type" doc:"Type of the Secret; not interpreted."`
	Immutable  *bool                  `json:"immutable"`
	Data       map[string]Base64      `json:"data" doc:"Values in base64."`
	StringData map[string]secret.Text `json:"stringData" doc:"Values as plain text; they win over data."`
}

// Base64 is a secret value that is written in base64 and kept decoded.
type Base64 struct{ secret.Text }

// Values returns every entry under its key.
func (s *Secret) Values() secret.Set {
	all := make(secret.Set, len(s.Data)+len(s.StringData))
	for k, v := range s.Data {
		all[k] = v.Text
	}
	for k, v := range s.StringData {
		all[k] = v
	}
	return all
}
