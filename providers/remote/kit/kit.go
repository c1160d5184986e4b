// Package kit is a provider to begin with: a Go module of its own, which serves
// a hypervisor in memory in both protocols, with its tests and its unit. It
// owns those files and writes them; it must not know a provider of ours, and
// what it writes imports nothing of this module. It is tested by building,
// testing and serving what it writes in an empty folder.
package kit

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/providers/remote/rpc"
)

//go:embed template
var template embed.FS

// The words of the template that a name takes the place of.
const (
	templateModule = "example.com/xprovider"
	templateName   = "xprovider"
	suffix         = ".tmpl"
)

// rpcFolder is where the schemas go in the new module.
const rpcFolder = "internal/rpc"

var providerName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// taken are names that a provider of somebody else's cannot have: the type of a
// Provider manifest says which is meant.
var taken = []string{"libvirt", "vsphere", "memory", "remote"}

// Check tells whether a provider can have a name.
func Check(name string) error {
	switch {
	case len(name) > 40 || !providerName.MatchString(name):
		return fmt.Errorf("%q is no name of at most 40 lower-case letters, digits and dashes", name)
	case slices.Contains(taken, name):
		return fmt.Errorf("%q is a provider that is built in", name)
	}
	return nil
}

// Files returns the files of a new provider by their paths below its folder.
func Files(name, module string) (map[string][]byte, error) {
	if err := Check(name); err != nil {
		return nil, err
	}
	words := strings.NewReplacer(templateModule, module, templateName, name)
	all := map[string][]byte{}
	err := eachFile(template, "template", func(at string, text []byte) {
		at = words.Replace(strings.TrimSuffix(at, suffix))
		if at == "gitignore" {
			at = ".gitignore"
		}
		all[at] = []byte(words.Replace(string(text)))
	})
	if err != nil {
		return nil, err
	}
	return all, eachFile(rpc.Files, ".", func(at string, text []byte) { all[path.Join(rpcFolder, at)] = text })
}

func eachFile(tree fs.FS, root string, do func(at string, text []byte)) error {
	return fs.WalkDir(tree, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, p)
		if err == nil {
			do(strings.TrimPrefix(p, root+"/"), text)
		}
		return err
	})
}

// Write writes a new provider into a folder, which must be empty or not there,
// and returns the paths of the files below it.
func Write(name, module, dir string) ([]string, error) {
	files, err := Files(name, module)
	if err != nil {
		return nil, err
	}
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return nil, fmt.Errorf("%s is not empty; nothing is written over", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, files[name], 0o644); err != nil {
			return nil, err
		}
	}
	return names, nil
}
