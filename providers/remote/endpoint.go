package remote

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// Schemes are those of the endpoints that this provider is for, whatever the
// type of the Provider manifest.
var schemes = []string{"grpc", "unix"}

// Speaks tells whether an endpoint is one of a provider server.
func Speaks(endpoint string) bool {
	scheme, _, ok := strings.Cut(endpoint, "://")
	for _, s := range schemes {
		if ok && scheme == s {
			return true
		}
	}
	return false
}

// endpoint is where a provider server listens.
type endpoint struct {
	network string // tcp or unix
	address string // host:port, or the path of the socket
	host    string // empty with unix
}

const supportedEndpoints = `write "grpc://host:port" or "unix:///path/of/socket"`

// parseEndpoint reads the address of a provider server. Its errors do not
// repeat it, for it may hold a login that does not belong there.
func parseEndpoint(text string) (endpoint, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return endpoint{}, errors.New("the endpoint is no address; " + supportedEndpoints)
	case u.User != nil:
		return endpoint{}, errors.New("the endpoint holds a login; a provider server knows its clients by their certificates")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return endpoint{}, errors.New("the endpoint ends with a query or a fragment; " + supportedEndpoints)
	case u.Scheme == "unix":
		return unixEndpoint(u)
	case u.Scheme == "grpc":
		return tcpEndpoint(u)
	}
	return endpoint{}, fmt.Errorf("the endpoint begins with %q; %s", u.Scheme, supportedEndpoints)
}

func unixEndpoint(u *url.URL) (endpoint, error) {
	if u.Opaque != "" || u.Host != "" || !path.IsAbs(u.Path) || path.Clean(u.Path) == "/" {
		return endpoint{}, errors.New("the endpoint names no socket by its full path; " + supportedEndpoints)
	}
	return endpoint{network: "unix", address: path.Clean(u.Path)}, nil
}

func tcpEndpoint(u *url.URL) (endpoint, error) {
	port, err := strconv.Atoi(u.Port())
	switch {
	case u.Opaque != "" || !isHost(u.Hostname()):
		return endpoint{}, errors.New("the endpoint names no host; " + supportedEndpoints)
	case err != nil || port < 1 || port > 65535:
		return endpoint{}, errors.New("the endpoint names no port from 1 to 65535; " + supportedEndpoints)
	case u.Path != "" && u.Path != "/":
		return endpoint{}, errors.New("the endpoint has a path, which a provider server has not; " + supportedEndpoints)
	}
	return endpoint{network: "tcp", address: net.JoinHostPort(u.Hostname(), u.Port()), host: u.Hostname()}, nil
}

// isHost tells whether a text is a name, or an address without a zone, and not
// what is left of an IPv6 address that lacks its brackets.
func isHost(text string) bool {
	if strings.Contains(text, ":") {
		ip, err := netip.ParseAddr(text)
		return err == nil && ip.Zone() == ""
	}
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != '_'
	})
}

// String returns the endpoint as it is written in a manifest.
func (e endpoint) String() string {
	if e.network == "unix" {
		return "unix://" + e.address
	}
	return "grpc://" + e.address
}

// nearby tells whether what is sent to the endpoint stays on this machine.
func (e endpoint) nearby() bool {
	if e.network == "unix" || strings.EqualFold(e.host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(e.host)
	return err == nil && ip.Unmap().IsLoopback()
}
