package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
)

// chooseVMs finds the VMs that a person names, as namespace/name, or by the
// name alone where there is only one.
func chooseVMs(views []reconcile.View, names []string) ([]manifest.Key, error) {
	var keys []manifest.Key
	for _, name := range names {
		found := matching(views, name)
		switch len(found) {
		case 0:
			return nil, &failure{code: exitFailed, err: fmt.Errorf("there is no VM %q, neither wanted nor found", name), hint: `"vmsteward get vms" lists all`}
		case 1:
			keys = append(keys, found[0])
		default:
			return nil, usage("write namespace/name", "%q is %s", name, joinKeys(found, " and "))
		}
	}
	return keys, nil
}

func matching(views []reconcile.View, name string) []manifest.Key {
	var found []manifest.Key
	for _, v := range views {
		if (v.VM.String() == name || v.VM.Name == name) && !slices.Contains(found, v.VM) {
			found = append(found, v.VM)
		}
	}
	return found
}

func joinKeys(keys []manifest.Key, sep string) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	return strings.Join(names, sep)
}
