package git

import (
	"testing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

func TestContractHTTPS(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) *sourcetest.Fixture {
		r := sourcetest.NewRepo(t)
		srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{TLS: true, Username: "ada", Password: "s3cret-word"})
		x := fixture(t, r, func(c *Config) { c.URL, c.Auth = srv.URL, srv.Auth })
		x.Secrets = []string{"s3cret-word"}
		return x
	})
}

func TestContractSSH(t *testing.T) {
	srv := sourcetest.ServeSSH(t, sourcetest.NewRepo(t))
	sourcetest.Run(t, func(t *testing.T) *sourcetest.Fixture {
		r := sourcetest.NewRepo(t)
		x := fixture(t, r, func(c *Config) { c.URL, c.Auth = srv.URLOf(r), srv.Auth })
		x.Secrets = []string{srv.Auth["identity"].Reveal()}
		return x
	})
}
