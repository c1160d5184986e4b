package webhook

import (
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// local begins the name of a repository that has no host.
const local = "file:"

// aliases are hosts under which a forge is reached through another port.
var aliases = map[string]string{
	"ssh.github.com":       "github.com",
	"altssh.gitlab.com":    "gitlab.com",
	"altssh.bitbucket.org": "bitbucket.org",
	"ssh.dev.azure.com":    "dev.azure.com",
}

// Normalise turns the address of a repository into host and path, so that the
// https, ssh and scp-like forms of one repository, with or without user, port
// and .git, give the same name. Letters are lowered: forges do not tell them
// apart. A path without a host keeps its letters and begins with "file:". Users
// and passwords are dropped. Empty: it is not the address of a repository.
func Normalise(address string) string {
	address = strings.TrimSpace(address)
	if strings.ContainsFunc(address, unprintable) {
		return ""
	}
	scheme, rest, found := strings.Cut(address, "://")
	switch {
	case found && strings.EqualFold(scheme, "file"):
		return localName(strings.TrimPrefix(rest, "localhost"))
	case found:
		authority, p, _ := strings.Cut(rest, "/")
		p, _, _ = strings.Cut(p, "?")
		p, _, _ = strings.Cut(p, "#")
		return remoteName(hostOf(authority), p)
	case strings.HasPrefix(address, "/"):
		return localName(address)
	}
	authority, p, found := cutSCP(address)
	if !found || strings.Contains(authority, "/") {
		return ""
	}
	return remoteName(hostOf(authority), p)
}

// cutSCP splits user@host:path; the host may be an IPv6 address in brackets.
func cutSCP(s string) (authority, p string, found bool) {
	from := 0
	if open := strings.Index(s, "["); open >= 0 {
		from = max(strings.Index(s, "]"), 0)
	}
	at := strings.Index(s[from:], ":")
	if at < 0 {
		return "", "", false
	}
	return s[:from+at], s[from+at+1:], true
}

// hostOf drops user and port.
func hostOf(authority string) string {
	host := authority[strings.LastIndex(authority, "@")+1:]
	if in, after, ok := strings.Cut(strings.TrimPrefix(host, "["), "]"); ok && strings.HasPrefix(host, "[") {
		if a, err := netip.ParseAddr(in); err == nil && (after == "" || after[0] == ':') {
			return a.WithZone("").String()
		}
		return ""
	}
	host, _, _ = strings.Cut(host, ":")
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" || strings.ContainsAny(host, "/\\[]@ ") {
		return ""
	}
	if alias, ok := aliases[host]; ok {
		return alias
	}
	return host
}

func localName(p string) string {
	p = strings.TrimSuffix(path.Clean("/"+p), ".git")
	if p = strings.TrimRight(p, "/"); p == "" {
		return ""
	}
	return local + p
}

func remoteName(host, p string) string {
	if decoded, err := url.PathUnescape(p); err == nil && !strings.ContainsFunc(decoded, unprintable) {
		p = decoded
	}
	var parts []string
	for _, part := range strings.Split(strings.ToLower(p), "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	if host == "" || len(parts) == 0 {
		return ""
	}
	host, parts = azureName(host, parts)
	if len(parts) > 2 && parts[0] == "scm" {
		parts = parts[1:] // Bitbucket Data Center, over https alone
	}
	last := len(parts) - 1
	if parts[last] = strings.TrimSuffix(parts[last], ".git"); parts[last] == "" {
		return ""
	}
	return host + "/" + strings.Join(parts, "/")
}

// azureName brings the four forms of Azure DevOps to
// dev.azure.com/organisation/project/repository.
func azureName(host string, parts []string) (string, []string) {
	if org, ok := strings.CutSuffix(host, ".visualstudio.com"); ok {
		host = "dev.azure.com"
		if org != "vs-ssh" {
			if parts[0] == "defaultcollection" {
				parts = parts[1:]
			}
			parts = append([]string{org}, parts...)
		}
	}
	switch {
	case host != "dev.azure.com":
	case len(parts) == 4 && parts[0] == "v3":
		parts = parts[1:]
	case len(parts) == 4 && parts[2] == "_git":
		parts = []string{parts[0], parts[1], parts[3]}
	case len(parts) == 3 && parts[1] == "_git": // the project has the same name
		parts = []string{parts[0], parts[2], parts[2]}
	}
	return host, parts
}
