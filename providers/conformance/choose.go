package conformance

import (
	"fmt"
	"path"
	"slices"

	"github.com/vmsteward/vmsteward/providers/providertest"
)

// Choose returns the checks whose names match one of the patterns in only, or
// all without any, and none in skip. Patterns are those of path.Match. One that
// matches no check is an error: it was misspelt.
func Choose(only, skip []string) ([]providertest.Check, error) {
	all := providertest.Checks()
	for _, pattern := range slices.Concat(only, skip) {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("%q is no pattern: %w", pattern, err)
		}
		if !slices.ContainsFunc(all, func(c providertest.Check) bool { return matches(c, []string{pattern}) }) {
			return nil, fmt.Errorf("no promise is named %q", pattern)
		}
	}
	return slices.DeleteFunc(all, func(c providertest.Check) bool {
		return len(only) > 0 && !matches(c, only) || matches(c, skip)
	}), nil
}

func matches(c providertest.Check, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, c.Name)
		return err == nil && ok
	})
}
