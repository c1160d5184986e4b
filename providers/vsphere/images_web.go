package vsphere

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/soap"

	"github.com/vmsteward/vmsteward/providers"
)

// web fetches images and takes them to hosts. It keeps no login and sends no
// credentials but those that an address holds.
type web struct {
	client  *http.Client
	stalled time.Duration // after which without a byte an import is given up
}

// mostStalled is the usual value of web.stalled. A host may take its time to
// make room for a disk.
const mostStalled = 10 * time.Minute

func newWeb() *web {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	return &web{client: &http.Client{Transport: t, CheckRedirect: checkRedirect}, stalled: mostStalled}
}

func (w *web) close() { w.client.CloseIdleConnections() }

// checkRedirect follows a few redirects, and none that gives up encryption.
func checkRedirect(next *http.Request, via []*http.Request) error {
	const most = 5
	switch {
	case len(via) > most:
		return fmt.Errorf("more than %d redirects", most)
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("it is redirected to an address without TLS")
	}
	return nil
}

// download is a file that is being fetched.
type download struct {
	io.ReadCloser
	size int64 // -1: not known
	name string
}

// open begins to fetch a file. Errors do not print what an address may hold
// of secrets. None of them is of a kind that says something of the vCenter.
func (w *web) open(ctx context.Context, u *url.URL) (*download, error) {
	name := plainURL(u)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, invalid("%s is no address of an image", name)
	}
	res, err := w.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, unusable("fetch %s: %w", name, plain(err))
	}
	if res.StatusCode == http.StatusOK {
		return &download{&fetched{res.Body, ctx, name}, res.ContentLength, name}, nil
	}
	_ = res.Body.Close()
	if res.StatusCode >= 400 && res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusRequestTimeout {
		return nil, missing("image "+name, "the server says "+res.Status)
	}
	return nil, unusable("fetch %s: the server says %s", name, res.Status)
}

// fetched gives an error of reading its kind.
type fetched struct {
	io.ReadCloser
	ctx  context.Context
	name string
}

// Read implements io.Reader.
func (f *fetched) Read(b []byte) (int, error) {
	n, err := f.ReadCloser.Read(b)
	if err != nil && err != io.EOF {
		if cause := context.Cause(f.ctx); cause != nil {
			return n, cause
		}
		err = unusable("fetch %s: %w", f.name, plain(err))
	}
	return n, err
}

// plainURL is an address without what it may hold of secrets.
func plainURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// upload sends the content of a disk to an address that the vCenter named. A
// host is known by the thumbprint that the vCenter told, and without one as the
// vCenter is.
func upload(ctx context.Context, vcenter *http.Client, to slot, file *packed) error {
	client := vcenter
	if to.thumb != "" {
		t := &http.Transport{DialContext: (&net.Dialer{Timeout: defaultConnectTimeout}).DialContext, TLSClientConfig: pinned(to.thumb)}
		defer t.CloseIdleConnections()
		client = &http.Client{Transport: t}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url.String(), file)
	if err != nil {
		return err
	}
	req.ContentLength = file.size
	req.Header.Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	if to.create { // no disk, but a file such as an ISO image
		req.Method = http.MethodPut
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Overwrite", "t")
	}
	res, err := client.Do(req)
	switch {
	case file.err != nil: // what was to be sent could not be read
		return file.err
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return unusable("send %s to host %s: %w", file.name, to.url.Host, plain(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
		return unusable("send %s to host %s: it says %s", file.name, to.url.Host, res.Status)
	}
	return nil
}

// pinned trusts the one certificate of that thumbprint, SHA-1 or SHA-256.
func pinned(thumb string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, // the thumbprint is what counts
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf := s.PeerCertificates[0]
			if strings.EqualFold(thumb, thumbprint(leaf)) || strings.EqualFold(thumb, soap.ThumbprintSHA1(leaf)) {
				return nil
			}
			return &providers.Error{Kind: providers.Unauthorized, Err: errors.New("the host's certificate is not the one that the vCenter told of")}
		},
	}
}
