package vsphere

import (
	"fmt"
	"slices"
	"strings"
)

// named returns the places of a kind that a name may mean, in the order of
// their paths: "web" is every place of that name, "/DC0/vm/web" is the one with
// that inventory path, and "prod/web" every one whose path ends so.
func (l *layout) named(k kind, name string) []*location {
	var out []*location
	for _, p := range l.all[k] {
		if p.means(name) {
			out = append(out, p)
		}
	}
	return out
}

// means tells whether the name, or inventory path, may be that of the place.
func (p *location) means(name string) bool {
	return p.name == name || pathMeans(p.path, name)
}

func pathMeans(path, name string) bool {
	name = strings.TrimRight(name, "/")
	switch {
	case strings.HasPrefix(name, "/"):
		return path == name
	case strings.Contains(name, "/"):
		return strings.HasSuffix(path, "/"+name)
	}
	return false
}

// absent says that no place of that name is there.
func (l *layout) absent(k kind, name string) error {
	advice := "create it, or correct the name"
	if l.hidden > 0 {
		advice += fmt.Sprintf("; %d places could not be read, and it may be one of them", l.hidden)
	}
	return missing(fmt.Sprintf("%s %q", k, name), advice)
}

// ambiguous says that a name means several places.
func ambiguous(k kind, name string, candidates []*location) error {
	return invalid("%s %q is ambiguous: it may be %s; write the inventory path", k, name, pathList(candidates))
}

// pathList lists inventory paths for people.
func pathList(list []*location) string {
	const most = 8
	names := make([]string, 0, len(list))
	for _, p := range list {
		names = append(names, p.path)
	}
	slices.Sort(names)
	rest := ""
	if len(names) > most {
		rest = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return strings.Join(names, ", ") + rest
}
