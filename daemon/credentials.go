package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
)

// credentials opens secrets by name. One name is one of, in this order: a
// Secret document of the providers' folder; a folder of the credentials
// directory with one file per key; files beside each other named
// "<name>_<key>" or "<name>.<key>", which is how systemd passes the files of a
// folder on; or a single file, which is a Secret document or, otherwise, the
// value of the key that the file is named after.
type credentials struct {
	dir     string
	secrets map[manifest.Key]secret.Set
}

var credentialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// maxCredential is the size of the largest credential file, in bytes.
const maxCredential = 1 << 20

// folderPrefix begins the names of files that systemd passes on of a folder:
// the unit has LoadCredential=credentials:/etc/vmsteward/credentials.
const folderPrefix = "credentials_"

// open returns the entries of a credential. namespace may be empty: the only
// Secret of that name.
func (c *credentials) open(namespace, name string) (secret.Set, error) {
	if !credentialName.MatchString(name) {
		return nil, fmt.Errorf("credential %q: is not a name of letters, digits, dots and dashes", name)
	}
	if set, err := c.document(namespace, name); set != nil || err != nil {
		return set, err
	}
	path := filepath.Join(c.dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if passed, passedErr := os.Stat(filepath.Join(c.dir, folderPrefix+name)); passedErr == nil {
			path, info, err = filepath.Join(c.dir, folderPrefix+name), passed, nil
		}
	}
	switch {
	case err == nil && info.IsDir():
		return c.folder(path)
	case err == nil:
		return c.file(path, name)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("credential %s: %w", name, err)
	}
	return c.siblings(name)
}

// document finds a Secret of the providers' folder; nil: there is none.
func (c *credentials) document(namespace, name string) (set secret.Set, err error) {
	for key, s := range c.secrets {
		if key.Name != name || namespace != "" && key.Namespace != namespace {
			continue
		}
		if set != nil {
			return nil, fmt.Errorf("credential %s: there are Secrets of that name in several namespaces of the providers' folder; keep one", name)
		}
		set = s
	}
	return set, nil
}

func (c *credentials) folder(dir string) (secret.Set, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	set := secret.Set{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if set[e.Name()], err = readSecret(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// file reads a single file: a Secret document, or one value.
func (c *credentials) file(path, name string) (secret.Set, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	docs := manifest.LoadFile(name, []byte(text.Reveal()), manifest.Options{})
	for _, d := range docs.Documents {
		if s, ok := d.Object.(*manifest.Secret); ok && d.Valid {
			return s.Values(), nil
		}
	}
	return secret.Set{name: text, "token": text, "bearerToken": text, "identity": text}, nil
}

func (c *credentials) siblings(name string) (secret.Set, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("credentials directory: %w", err)
	}
	set := secret.Set{}
	for _, e := range entries {
		key, ok := strings.CutPrefix(strings.TrimPrefix(e.Name(), folderPrefix), name)
		if !ok || len(key) < 2 || key[0] != '_' && key[0] != '.' {
			continue
		}
		if set[key[1:]], err = readSecret(filepath.Join(c.dir, e.Name())); err != nil {
			return nil, err
		}
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("credential %s: there is no Secret of that name in the providers' folder, and no file or folder %s", name, filepath.Join(c.dir, name))
	}
	return set, nil
}

func readSecret(path string) (secret.Text, error) {
	info, err := os.Stat(path)
	if err != nil {
		return secret.Text{}, fmt.Errorf("credential: %w", err)
	}
	if info.Size() > maxCredential {
		return secret.Text{}, fmt.Errorf("credential %s: larger than %d bytes", path, maxCredential)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return secret.Text{}, fmt.Errorf("credential: %w", err)
	}
	return secret.New(strings.TrimRight(string(b), "\r\n")), nil
}
