package git

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// address is where the repository lives, taken apart.
type address struct {
	scheme string // https, http, ssh or file
	user   string
	host   string // with port, if there is one
	path   string // as the server or the file system gets it
}

// parseAddress understands URLs, plain paths and user@host:path. Its errors
// never repeat a password, nor a query, which may hold a token.
func parseAddress(raw string) (address, error) {
	if raw == "" {
		return address{}, invalid("set url to the repository", "url is empty")
	}
	if !strings.Contains(raw, "://") {
		return parsePlain(raw)
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's error quotes the URL, and with it what may be a password.
		return address{}, invalid("check it for blanks and stray characters", "url cannot be parsed")
	}
	if _, has := u.User.Password(); has {
		return address{}, invalid("move the password to the credential's key password", "url %s holds a password", shown(u))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return address{}, invalid("leave ? and # out; the branch goes to ref.branch, a token to the credential", "url %s has a query or fragment", shown(u))
	}
	a := address{scheme: strings.ToLower(u.Scheme), user: u.User.Username(), host: u.Host, path: u.Path}
	switch a.scheme {
	case "file":
		if u.Host != "" && u.Host != "localhost" {
			return address{}, invalid("write three slashes: file:///path", "url %s names a host", shown(u))
		}
		a.host = ""
	case "http", "https", "ssh":
		if u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
			return address{}, invalid("write "+a.scheme+"://host/path", "url %s lacks a host or a path", shown(u))
		}
	default:
		return address{}, invalid("use https, ssh, file or a path", "url has the scheme %q, which is not supported", u.Scheme)
	}
	if a.scheme == "ssh" && strings.HasPrefix(a.path, "/~") {
		a.path = a.path[1:]
	}
	return a, nil
}

// shown is a URL without what may be secret.
func shown(u *url.URL) string {
	cut := *u
	cut.RawQuery, cut.ForceQuery, cut.Fragment, cut.RawFragment = "", false, "", ""
	return cut.Redacted()
}

func parsePlain(raw string) (address, error) {
	if filepath.IsAbs(raw) {
		return address{scheme: "file", path: filepath.Clean(raw)}, nil
	}
	colon, slash := strings.Index(raw, ":"), strings.Index(raw, "/")
	if colon <= 0 || (slash >= 0 && slash < colon) || colon == len(raw)-1 {
		return address{}, invalid("write an absolute path, a URL, or user@host:path", "url is a relative path")
	}
	a := address{scheme: "ssh", host: raw[:colon], path: raw[colon+1:]}
	if at := strings.LastIndex(a.host, "@"); at >= 0 {
		a.user, a.host = a.host[:at], a.host[at+1:]
	}
	first, _, _ := strings.Cut(a.path, "/")
	if strings.Contains(a.user, ":") || (a.user == "" && strings.Contains(first, "@")) {
		return address{}, invalid("move the password to the credential's key password", "url holds a password")
	}
	return a, nil
}

// String names the address for people and for the record of what was accepted.
func (a address) String() string {
	u := url.URL{Scheme: a.scheme, Host: a.host, Path: a.path}
	if !strings.HasPrefix(a.path, "/") {
		u.Path = "/" + a.path
	}
	if a.user != "" && a.scheme == "ssh" {
		u.User = url.User(a.user)
	}
	return u.String()
}

// loopback tells whether the host is this machine.
func (a address) loopback() bool {
	host := a.host
	if h, _, err := net.SplitHostPort(a.host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// sameHost compares host and port, where the scheme's own port need not be written.
func (a address) sameHost(u *url.URL) bool {
	own := url.URL{Scheme: a.scheme, Host: a.host}
	return strings.EqualFold(own.Hostname(), u.Hostname()) && webPort(&own) == webPort(u)
}

func webPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}
