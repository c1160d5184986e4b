package git

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// maxComplaint is how much of a server's error text is read.
const maxComplaint = 1 << 10

// overHTTP is a remote behind http or https. Its connections, its trust and its
// credentials are its own.
type overHTTP struct {
	addr   address
	base   *http.Transport
	client transport.Transport
	end    *transport.Endpoint

	multiAck bool // the server insists on it
}

func newHTTP(a address, auth secret.Set) (*overHTTP, error) {
	cred, err := newCredential(a, auth)
	if err != nil {
		return nil, err
	}
	conf, err := newTLS(auth)
	if err != nil {
		return nil, err
	}
	// The user belongs to the credential; the endpoint must not send one itself.
	a.user = ""
	end, err := transport.NewEndpoint(a.String())
	if err != nil {
		return nil, invalid("check it for stray characters", "url %s cannot be used: %v", a, err)
	}
	base := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   conf,
		ForceAttemptHTTP2: true,
		MaxIdleConns:      2,
	}
	o := &overHTTP{addr: a, base: base, end: end, multiAck: needsMultiAck(a)}
	o.client = githttp.NewClient(&http.Client{
		Transport:     &sender{base: base, addr: a, cred: cred},
		CheckRedirect: o.checkRedirect(!cred.Empty() || len(conf.Certificates) > 0),
	})
	return o, nil
}

// checkRedirect keeps to the host that the operator named: always, when there
// are credentials, and never back to plain text.
func (o *overHTTP) checkRedirect(confidential bool) func(*http.Request, []*http.Request) error {
	return func(to *http.Request, via []*http.Request) error {
		switch {
		case len(via) > 5:
			return errRedirect{"too many redirects"}
		case o.addr.scheme == "https" && to.URL.Scheme != "https":
			return errRedirect{"redirected from https to " + to.URL.Scheme}
		case confidential && !o.addr.sameHost(to.URL):
			return errRedirect{"redirected to another host, " + to.URL.Host}
		}
		return nil
	}
}

type errRedirect struct{ text string }

func (e errRedirect) Error() string { return e.text }

// newTLS makes the trust and the client certificate of one source.
func newTLS(auth secret.Set) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := auth["ca.crt"]; !ca.Empty() {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM([]byte(ca.Reveal())) {
			return nil, invalid("put the authority's certificate there, in PEM", "credential key ca.crt holds no certificate")
		}
	}
	crt, key := auth["tls.crt"], auth["tls.key"]
	if crt.Empty() != key.Empty() {
		return nil, invalid("set both or neither", "credential has only one of tls.crt and tls.key")
	}
	if crt.Empty() {
		return conf, nil
	}
	pair, err := tls.X509KeyPair([]byte(crt.Reveal()), []byte(key.Reveal()))
	if err != nil {
		return nil, invalid("put the PEM certificate and its unencrypted PEM key there", "credential keys tls.crt and tls.key: %v", err)
	}
	conf.Certificates = []tls.Certificate{pair}
	return conf, nil
}

// newCredential makes the Authorization header, or nothing.
func newCredential(a address, auth secret.Set) (secret.Text, error) {
	user, pass, bearer := auth["username"].Reveal(), auth["password"], auth["bearerToken"]
	if !bearer.Empty() && !pass.Empty() {
		return secret.Text{}, invalid("keep one of them", "credential has both password and bearerToken")
	}
	if user != "" && pass.Empty() {
		return secret.Text{}, invalid("add the key password; a token goes there too", "credential has username without password")
	}
	confidential := !bearer.Empty() || !pass.Empty() || !auth["tls.key"].Empty()
	if confidential && a.scheme == "http" && !a.loopback() {
		return secret.Text{}, invalid("use https", "url %s would send credentials in plain text", a)
	}
	if user == "" {
		user = a.user
	}
	if user == "" {
		user = "git" // with a token as password, servers want any name but none
	}
	var r http.Request
	r.Header = http.Header{}
	switch {
	case !bearer.Empty():
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(bearer.Reveal()))
	case !pass.Empty():
		r.SetBasicAuth(user, pass.Reveal())
	}
	return secret.New(r.Header.Get("Authorization")), nil
}

// sender adds the credential for the one host that it is meant for, and keeps
// servers' error pages short.
type sender struct {
	base *http.Transport
	addr address
	cred secret.Text
}

// RoundTrip implements http.RoundTripper.
func (s *sender) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	if !s.cred.Empty() && r.URL.Scheme == s.addr.scheme && s.addr.sameHost(r.URL) {
		r.Header.Set("Authorization", s.cred.Reveal())
	}
	res, err := s.base.RoundTrip(r)
	if err != nil || res.StatusCode < 400 {
		return res, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxComplaint))
	if err != nil {
		text = nil // the status says enough
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(s.complaint(res.Header.Get("Content-Type"), text)))
	return res, nil
}

// complaint is the one line of plain text that may be repeated. A server that
// echoes the request must not make us print the credential.
func (s *sender) complaint(kind string, text []byte) []byte {
	if !strings.HasPrefix(kind, "text/plain") {
		return nil
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	if _, token, ok := strings.Cut(s.cred.Reveal(), " "); ok && bytes.Contains(line, []byte(token)) {
		return nil
	}
	return bytes.ToValidUTF8(line, nil)
}

func (o *overHTTP) close() { o.base.CloseIdleConnections() }

func (o *overHTTP) open(context.Context) (conversation, error) {
	end := *o.end // a session changes it when it is redirected
	s, err := o.client.NewUploadPackSession(&end, nil)
	if err != nil {
		return nil, o.explain(err)
	}
	return &wire{s: s, explain: o.explain, multiAck: o.multiAck}, nil
}

func (o *overHTTP) explain(err error) error {
	var red errRedirect
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var cert x509.CertificateInvalidError
	var op *net.OpError
	denied := func(hint string) error { return refuse(o.addr, hint, err) }
	switch {
	case errors.As(err, &red), strings.Contains(err.Error(), "http redirect: "): // go-git v5.19 has no type for its own
		return denied("set url to where the repository really is")
	case errors.As(err, &unknown):
		return denied("put the certificate of the authority that signed the server's into the credential's key ca.crt")
	case errors.As(err, &host), errors.As(err, &cert):
		return denied("the server's certificate is not valid for this host at this time")
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert
		return denied("check the credential's keys tls.crt and tls.key")
	}
	return explainGit(o.addr, err)
}

// needsMultiAck names the servers that refuse clients without multi_ack.
func needsMultiAck(a address) bool {
	host := strings.ToLower(a.host)
	return strings.HasSuffix(host, "dev.azure.com") || strings.HasSuffix(host, ".visualstudio.com")
}
