package git

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/sources"
)

const defaultTimeout = 60 * time.Second

// Config says which repository is followed and how it is reached. Nothing is
// taken from the user's home, from an agent or from Git's own configuration.
type Config struct {
	// URL is https://, http://, ssh://, file://, a plain absolute path, or
	// user@host:path. It must not hold a password.
	URL string

	// Ref is what is followed; its zero value follows the remote's own default
	// branch.
	Ref Ref

	// Path is the folder inside the repository, slash-separated; empty means
	// all of it.
	Path string

	// Dir is where the local clone is kept. It belongs to this source alone,
	// as do the names beside it that begin with it and a dot.
	Dir string

	// Auth may hold: username, password, bearerToken, ca.crt, tls.crt, tls.key
	// for https; identity (or ssh-privatekey), ssh-passphrase and known_hosts
	// for ssh.
	Auth secret.Set

	// FollowRewrites accepts a branch whose new tip does not descend from the
	// accepted one, and a tag that moved; the snapshot's notes then say so.
	FollowRewrites bool

	// Timeout bounds every Fetch, besides the context. 0 means 60 s.
	Timeout time.Duration

	// Logger gets what is neither an error nor a note. nil discards it.
	Logger *slog.Logger
}

// Ref selects a revision. At most one of the fields is set, except that a
// Commit may be joined by the Branch it must be part of.
type Ref struct {
	Branch string // "main"
	Tag    string // "v1.2.3"
	SemVer string // the highest tag within a constraint such as ">=1.2 <2"
	Commit string // 40 hexadecimal digits
}

// String names the selection for people, as in "#main".
func (r Ref) String() string {
	switch {
	case r.Commit != "" && r.Branch != "":
		return "commit " + r.Commit + " of branch " + r.Branch
	case r.Commit != "":
		return "commit " + r.Commit
	case r.Tag != "":
		return "tag " + r.Tag
	case r.SemVer != "":
		return "semver " + r.SemVer
	case r.Branch != "":
		return "branch " + r.Branch
	}
	return "default branch"
}

func invalid(hint, format string, a ...any) error {
	return &sources.Error{Op: "configure", Kind: sources.Invalid, Err: fmt.Errorf(format, a...), Hint: hint}
}

// validate fills in defaults. The errors name the key and the next step.
func (c *Config) validate() error {
	if c.Dir == "" {
		return invalid("set dir to a folder that this source may have for itself", "dir is empty")
	}
	abs, err := filepath.Abs(c.Dir)
	if err != nil {
		return invalid("give an absolute path", "dir: %v", err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real // clones are swapped by renaming, which must not replace a link
	}
	c.Dir = abs
	c.Path = strings.Trim(c.Path, "/")
	if c.Path == "." {
		c.Path = ""
	}
	if c.Path != "" && !fs.ValidPath(c.Path) {
		return invalid("give a path inside the repository, without . and ..", "path %q cannot be used", c.Path)
	}
	if c.Timeout < 0 {
		return invalid("leave it out to get 60s", "timeout %s is negative", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c.Ref.validate()
}

func (r Ref) validate() error {
	n := 0
	for _, v := range []string{r.Tag, r.SemVer, r.Commit} {
		if v != "" {
			n++
		}
	}
	if n > 1 || (r.Branch != "" && (r.Tag != "" || r.SemVer != "")) {
		return invalid("keep one of branch, tag, semver and commit; only branch and commit go together",
			"ref selects in more than one way")
	}
	for key, v := range map[string]string{"branch": r.Branch, "tag": r.Tag} {
		if strings.HasPrefix(v, "refs/") {
			return invalid("leave refs/heads/ or refs/tags/ out", "ref.%s %q is a full reference name", key, v)
		}
		if err := checkRefName(v); err != nil {
			return invalid("write the name as git branch or git tag prints it", "ref.%s %q: %v", key, v, err)
		}
	}
	if r.SemVer != "" {
		if _, err := semver.NewConstraint(r.SemVer); err != nil {
			return invalid(`write a constraint such as ">=1.2.0 <2.0.0" or "1.x"`, "ref.semver %q: %v", r.SemVer, err)
		}
	}
	if r.Commit == "" {
		return nil
	}
	if _, err := hex.DecodeString(r.Commit); err != nil || len(r.Commit) != 40 {
		return invalid("give all 40 digits as git rev-parse prints them; SHA-256 repositories are not supported",
			"ref.commit %q is not a full commit hash", r.Commit)
	}
	return nil
}

func checkRefName(v string) error {
	switch {
	case strings.ContainsAny(v, " ~^:?*[\\\x7f") || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }):
		return errors.New("has a character that no reference may have")
	case strings.Contains(v, "..") || strings.Contains(v, "@{") || strings.HasSuffix(v, ".lock"),
		strings.HasPrefix(v, "/"), strings.HasSuffix(v, "/"), strings.HasPrefix(v, "-"):
		return errors.New("is not a name that Git allows")
	}
	return nil
}
