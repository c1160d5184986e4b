package interop

import (
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// TestSecondServerBehindTLS: both sides show a certificate, over a TLS that is
// not Go's.
func TestSecondServerBehindTLS(t *testing.T) {
	a, folder := remotetest.NewAuthority(t), t.TempDir()
	a.Write(folder, "server.test")
	settings := providers.Settings{Fleet: "test", Type: "demo", Endpoint: "grpc://" + startSecond(t, folder)}
	for _, row := range []struct {
		credentials secret.Set
		want        providers.Kind
		reason      string
	}{
		{a.Credential("client.test"), "", "each believes the other"},
		{remotetest.NewAuthority(t).Credential("client.test"), providers.Unauthorized, "an authority that neither knows of the other"},
	} {
		settings.Credentials, settings.Ledger = row.credentials, &remotetest.Ledger{}
		p, err := remotetest.Worded(settings)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Validate(t.Context()); providers.KindOf(err) != row.want {
			t.Errorf("%v is %q, want %q: %s", err, providers.KindOf(err), row.want, row.reason)
		}
		if err := p.(providers.Closer).Close(); err != nil {
			t.Error(err)
		}
	}
}
