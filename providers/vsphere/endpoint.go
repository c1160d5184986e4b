package vsphere

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25"
)

// parseEndpoint reads the address of a vCenter: "https://vc.example.com/sdk",
// or any part of it that has the host, with or without a port.
func parseEndpoint(text string) (*url.URL, error) {
	s := strings.TrimSpace(text)
	if s == "" {
		return nil, errors.New(`no endpoint is set; write the vCenter's address, such as "https://vc.example.com"`)
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New(`the endpoint is no address; write it as "https://vc.example.com"`) // its text may hold a password
	}
	if err := checkEndpoint(u); err != nil {
		return nil, err
	}
	return &url.URL{Scheme: "https", Host: u.Host, Path: vim25.Path}, nil
}

func checkEndpoint(u *url.URL) error {
	path := strings.TrimSuffix(u.Path, "/")
	switch {
	case u.User != nil:
		return errors.New(`the endpoint holds a login; keep "username" and "password" in the credential`)
	case u.Scheme != "https":
		return errors.New(`the endpoint begins with "` + u.Scheme + `"; a vCenter is reached by "https" alone`)
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New(`the endpoint names no host; write it as "https://vc.example.com"`)
	case path != "" && path != vim25.Path:
		return errors.New(`the endpoint has the path "` + u.Path + `"; the vSphere API is at "` + vim25.Path + `", which need not be written`)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New(`the endpoint ends with a query or a fragment; write "https://` + u.Host + `"`)
	case !validPort(u):
		return errors.New(`the endpoint's port is none; write a number from 1 to 65535`)
	}
	return nil
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n > 0 && n < 65536 && hostAlone(u.Hostname())
}

// hostAlone tells whether the host is a name or an address and not what is
// left of an IPv6 address that lacks its brackets.
func hostAlone(host string) bool {
	return !strings.Contains(host, ":") || net.ParseIP(host) != nil
}
