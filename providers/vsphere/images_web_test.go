package vsphere

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/soap"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

func TestAHostIsKnownByTheThumbprintThatTheVCenterTold(t *testing.T) {
	var got string
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.Header.Get("Overwrite") + " " + string(b)
	}))
	t.Cleanup(host.Close)
	u, err := url.Parse(host.URL)
	if err != nil {
		t.Fatal(err)
	}
	send := func(thumb string, create bool) error {
		got = ""
		return upload(t.Context(), http.DefaultClient, slot{u, thumb, create}, &packed{Reader: strings.NewReader("disk"), name: "disk.vmdk", size: 4})
	}
	cert := host.Certificate()
	for _, r := range []struct {
		reason, thumb string
		create        bool
		want          string
	}{
		{"SHA-1, as it is told", soap.ThumbprintSHA1(cert), false, "POST  disk"},
		{"SHA-256", strings.ToLower(thumbprint(cert)), false, "POST  disk"},
		{"a file that is no disk", thumbprint(cert), true, "PUT t disk"},
	} {
		if err := send(r.thumb, r.create); err != nil || got != r.want {
			t.Errorf("%s: the host got %q, %v; want %q", r.reason, got, err, r.want)
		}
	}
	other := thumbprint(&x509.Certificate{Raw: []byte("other")})
	if err := send(other, false); err == nil || got != "" {
		t.Errorf("a host with another certificate: %v, and it got %q", err, got)
	}
	if err := send("", false); err == nil || got != "" {
		t.Errorf("a host that nothing vouches for: %v, and it got %q", err, got)
	}
}

func TestAHostThatDoesNotTakeADisk(t *testing.T) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(host.Close)
	u, err := url.Parse(host.URL)
	if err != nil {
		t.Fatal(err)
	}
	err = upload(t.Context(), http.DefaultClient, slot{url: u}, &packed{Reader: strings.NewReader("disk"), name: "disk.vmdk", size: 4})
	wantKind(t, "an answer other than success", err, providers.Retryable, "it says 500 Internal Server Error")
}

func TestRedirectsKeepTheirEncryption(t *testing.T) {
	request := func(address string) *http.Request {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, r := range []struct {
		reason, from, to string
		hops             int
		fine             bool
	}{
		{"from TLS to TLS", "https://a/x", "https://b/x", 1, true},
		{"from plain to TLS", "http://a/x", "https://b/x", 1, true},
		{"from TLS to plain", "https://a/x", "http://b/x", 1, false},
		{"too many", "https://a/x", "https://b/x", 6, false},
	} {
		var via []*http.Request
		for range r.hops {
			via = append(via, request(r.from))
		}
		if err := checkRedirect(request(r.to), via); (err == nil) != r.fine {
			t.Errorf("%s: %v", r.reason, err)
		}
	}
}

func TestAnAddressThatStandsStill(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	p, _ := provide(t, srv, srv.Settings("lab"))
	p.images.web.stalled = 20 * time.Millisecond
	s := newShelf(t, tarFile{"a.ova", archive(t, appliance())})
	s.hold = make(chan struct{})
	defer close(s.hold)
	req := packaged("web", s, "a.ova", "")
	wantKind(t, "no answer", create(t, p, req), providers.Retryable, "no byte has moved for 20ms")
}

func TestFetchingDoesNotPrintSecrets(t *testing.T) {
	s := newShelf(t)
	for _, address := range []string{s.URL, "http://127.0.0.1:1"} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User, u.Path, u.RawQuery = url.UserPassword("me", "hunter2"), "/a.ova", "token=hunter3"
		_, err = newWeb().open(context.Background(), u)
		if err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", address, err)
		}
		if kind := providers.KindOf(err); kind == providers.Unavailable || kind == providers.Unauthorized {
			t.Errorf("%s: kind %s says something of the vCenter", address, kind)
		}
	}
}
