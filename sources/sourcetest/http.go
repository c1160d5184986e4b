package sourcetest

import (
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// HTTPOptions say what a server demands. The zero value serves everybody in
// plain text.
type HTTPOptions struct {
	TLS        bool
	Username   string // basic authentication, together with Password
	Password   string
	Bearer     string
	ClientCert bool // demands a certificate signed by the server's own authority; needs TLS

	// Wrap, if set, gets the whole handler and returns the one to serve.
	Wrap func(http.Handler) http.Handler
}

// HTTPServer is git http-backend behind a server on loopback.
type HTTPServer struct {
	URL       string // of the repository
	Root      string // of the server
	Authority *Authority
	Auth      secret.Set // what a client needs to be let in
}

// ServeHTTP serves r until the test ends.
func ServeHTTP(t testing.TB, r *Repo, o HTTPOptions) *HTTPServer {
	t.Helper()
	git := Need(t, "git")
	out, err := exec.Command(git, "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path:   filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Dir:    os.TempDir(),
		Env:    append(GitEnv(), "GIT_PROJECT_ROOT="+filepath.Dir(r.Dir), "GIT_HTTP_EXPORT_ALL=1"),
		Stderr: io.Discard,
		Logger: log.New(io.Discard, "", 0),
	}
	var h http.Handler = demand(o, backend)
	if o.Wrap != nil {
		h = o.Wrap(h)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	s := &HTTPServer{Auth: secret.Set{}}
	if o.TLS {
		s.Authority = NewAuthority(t)
		srv.TLS = s.Authority.serverConfig(o.ClientCert)
		srv.StartTLS()
		s.Auth["ca.crt"] = secret.New(s.Authority.PEM)
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	if o.ClientCert {
		crt, key := s.Authority.Issue("client")
		s.Auth["tls.crt"], s.Auth["tls.key"] = secret.New(crt), secret.New(key)
	}
	s.Auth["username"], s.Auth["password"] = secret.New(o.Username), secret.New(o.Password)
	s.Auth["bearerToken"] = secret.New(o.Bearer)
	s.Root = srv.URL
	s.URL = srv.URL + "/" + filepath.Base(r.Dir)
	return s
}

func demand(o HTTPOptions, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		basic := o.Password == "" || (user == o.Username && pass == o.Password)
		bearer := o.Bearer == "" || r.Header.Get("Authorization") == "Bearer "+o.Bearer
		if !basic || !bearer {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, "you sent "+r.Header.Get("Authorization"), http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}
