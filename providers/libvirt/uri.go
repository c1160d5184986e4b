package libvirt

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// transport is the way to a libvirt daemon.
type transport string

const (
	overUnix transport = "unix"
	overSSH  transport = "ssh"
	overTLS  transport = "tls"
	overTCP  transport = "tcp"
)

// supportedURIs is the advice in every error about a URI.
const supportedURIs = "supported are qemu:///system, qemu:///session, qemu+unix:///system?socket=PATH, " +
	"qemu+ssh://USER@HOST[:PORT]/system[?socket=PATH], qemu+tls://HOST[:PORT]/system and qemu+tcp://HOST[:PORT]/system"

// defaultPorts are libvirt's own, and SSH's.
var defaultPorts = map[transport]string{overSSH: "22", overTLS: "16514", overTCP: "16509"}

// endpoint is a parsed connection URI.
type endpoint struct {
	transport transport
	mode      string // "system" or "session"
	user      string // with ssh; empty: not in the URI
	host      string // empty with unix
	port      string // never empty with a host
	socket    string // with unix and ssh; empty: the usual ones
}

// open is the URI that the daemon itself is asked to open.
func (e endpoint) open() golibvirt.ConnectURI {
	return golibvirt.ConnectURI("qemu:///" + e.mode)
}

// address is what a network transport dials.
func (e endpoint) address() string { return net.JoinHostPort(e.host, e.port) }

// String returns the URI in full: with its transport and port.
func (e endpoint) String() string {
	u := url.URL{Scheme: "qemu+" + string(e.transport), Path: "/" + e.mode}
	if e.host != "" {
		u.Host = e.address()
	}
	if e.user != "" {
		u.User = url.User(e.user)
	}
	if e.socket != "" {
		u.RawQuery = url.Values{"socket": {e.socket}}.Encode()
	}
	if u.Host == "" {
		return u.Scheme + "://" + u.RequestURI()
	}
	return u.String()
}

// parseURI reads a libvirt connection URI. Its errors do not repeat the URI,
// which may hold a password that does not belong there.
func parseURI(raw string) (endpoint, error) {
	u, err := url.Parse(raw)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return endpoint{}, fmt.Errorf("not a connection URI (%w); %s", err, supportedURIs)
	}
	e, err := transportOf(u)
	if err == nil {
		err = e.setHost(u)
	}
	if err == nil {
		err = e.setMode(u)
	}
	if err == nil {
		err = e.setQuery(u)
	}
	if err == nil && e.transport == overSSH && e.mode == "session" && e.socket == "" {
		err = errors.New("qemu+ssh to a session daemon needs ?socket=PATH, for the remote user's runtime folder is not known here")
	}
	if err != nil {
		return endpoint{}, err
	}
	return e, nil
}

// transportOf reads the scheme. As in libvirt, a host without a transport is
// reached by TLS.
func transportOf(u *url.URL) (endpoint, error) {
	driver, via, explicit := strings.Cut(u.Scheme, "+")
	if driver != "qemu" {
		return endpoint{}, fmt.Errorf("driver %q is not supported; %s", driver, supportedURIs)
	}
	switch t := transport(via); {
	case !explicit && u.Host == "":
		return endpoint{transport: overUnix}, nil
	case !explicit:
		return endpoint{transport: overTLS}, nil
	case t == overUnix || t == overSSH || t == overTLS || t == overTCP:
		return endpoint{transport: t}, nil
	}
	return endpoint{}, fmt.Errorf("transport %q is not supported; %s", via, supportedURIs)
}

func (e *endpoint) setHost(u *url.URL) error {
	if u.Opaque != "" {
		return fmt.Errorf("the URI lacks its slashes; %s", supportedURIs)
	}
	if e.transport == overUnix {
		if u.Host != "" || u.User != nil {
			return errors.New("a URI of a local socket has no host and no user; write qemu+unix:///system")
		}
		return nil
	}
	e.host, e.port = u.Hostname(), u.Port()
	if err := checkHost(e.host); err != nil {
		return err
	}
	if e.port == "" {
		e.port = defaultPorts[e.transport]
	}
	if n, err := strconv.ParseUint(e.port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not between 1 and 65535", e.port)
	}
	if u.User == nil {
		return nil
	}
	if _, has := u.User.Password(); has {
		return errors.New("the URI holds a password; move it to the credential, as \"password\"")
	}
	if e.transport != overSSH {
		return fmt.Errorf("a user in the URI means nothing with transport %s", e.transport)
	}
	e.user = u.User.Username()
	return nil
}

// checkHost refuses what could never be dialled.
func checkHost(host string) error {
	if host == "" {
		return fmt.Errorf("the URI names no host; %s", supportedURIs)
	}
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("host %q is not an IPv6 address", host)
		}
		return nil
	}
	if strings.ContainsAny(host, "%/?#@[] \t\r\n\x00") {
		return fmt.Errorf("host %q is not a host name", host)
	}
	return nil
}

func (e *endpoint) setMode(u *url.URL) error {
	switch u.Path {
	case "/system", "/session":
		e.mode = u.Path[1:]
		return nil
	}
	return fmt.Errorf("path %q is neither /system nor /session", u.Path)
}

func (e *endpoint) setQuery(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil { // it quotes the parameters
		return errors.New("the URI's parameters cannot be read: check the % and ; in them")
	}
	for name, values := range query {
		switch name {
		case "socket":
			e.socket = values[len(values)-1]
		case "keyfile", "pkipath":
			// Keys and certificates come from the credential alone.
		case "no_verify", "known_hosts_verify":
			return fmt.Errorf("parameter %s is not supported; to leave a TLS server unverified, set insecureSkipVerify", name)
		default:
			return fmt.Errorf("parameter %q is not supported; socket is, and keys, certificates and known hosts belong into the credential", name)
		}
	}
	if e.socket == "" {
		return nil
	}
	if e.transport != overUnix && e.transport != overSSH {
		return fmt.Errorf("parameter socket means nothing with transport %s", e.transport)
	}
	if !path.IsAbs(e.socket) || strings.ContainsRune(e.socket, 0) {
		return errors.New("parameter socket is not an absolute path")
	}
	return nil
}

// sockets are the paths where the daemon of the endpoint may listen, the
// likeliest first. runtimeDir is the caller's $XDG_RUNTIME_DIR.
func (e endpoint) sockets(runtimeDir string) ([]string, error) {
	switch {
	case e.socket != "":
		return []string{e.socket}, nil
	case e.mode == "system":
		return socketsIn("/var/run/libvirt"), nil
	case runtimeDir == "":
		return nil, errors.New("qemu:///session needs XDG_RUNTIME_DIR, or ?socket=PATH in the URI")
	}
	return socketsIn(path.Join(runtimeDir, "libvirt")), nil
}

// socketsIn names the sockets of the monolithic and of the modular daemon.
func socketsIn(dir string) []string {
	return []string{path.Join(dir, "libvirt-sock"), path.Join(dir, "virtqemud-sock")}
}
