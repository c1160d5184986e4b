package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
)

func (a *app) validateCommand() *cobra.Command {
	var strict bool
	var providersDir string
	c := &cobra.Command{
		Use:     "validate PATH...",
		GroupID: groupFile,
		Short:   "Check manifests, offline",
		Long: `Check manifest files and folders without asking any host. All paths are read
together, as one tree: a VM in one file may use a class of another. "-" is
standard input.

Each finding is one line, which editors and CI systems can jump to:

  path:line:column: error: field: what is wrong (what to do)

Providers and secrets may be the host's own, so a name that the files do not
define is taken as known, and said. --providers-dir checks against a host's
providers.d instead.

Exit code: 0 no errors, 1 errors, or a folder without any manifest file.
--strict makes unknown fields errors.`,
		Example: `  vmsteward validate ./manifests
  vmsteward validate vms/web-01.yaml classes/ images/
  kustomize build . | vmsteward validate -
  vmsteward validate --strict -o json ./manifests`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return usage(`"vmsteward validate ." checks the present folder`, "which files or folders?")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.formats(outputText, outputJSON); err != nil {
				return err
			}
			return a.validate(args, manifest.Options{Strict: strict}, providersDir)
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "unknown fields are errors")
	c.Flags().StringVar(&providersDir, "providers-dir", "", "check references against the providers and secrets in this `folder`")
	return c
}

// validation is the result of "validate" for scripts.
type validation struct {
	FormatVersion int                `json:"formatVersion"`
	Errors        int                `json:"errors"`
	Warnings      int                `json:"warnings"`
	Files         int                `json:"files"`
	Documents     map[string]int     `json:"documents"` // by kind
	Skipped       map[string]int     `json:"skipped,omitempty"`
	Presumed      []string           `json:"presumed,omitempty"`
	Findings      []manifest.Finding `json:"findings"`
}

func (a *app) validate(paths []string, opts manifest.Options, providersDir string) error {
	tree, err := mountPaths(paths, a.in)
	if err != nil {
		return err
	}
	if path, empty := tree.empty(); empty {
		return fmt.Errorf("no .yaml, .yml or .json file in %s", path)
	}
	set := manifest.Load(tree, opts)
	known := manifest.ResolveOptions{}
	var presumed []string
	if providersDir == "" {
		known, presumed = presume(set)
	} else if known, err = hostOf(providersDir); err != nil {
		return err
	}
	v := &validation{FormatVersion: 1, Files: set.Files, Documents: map[string]int{}, Skipped: set.Skipped, Presumed: presumed, Findings: []manifest.Finding{}}
	for _, d := range set.Documents {
		v.Documents[d.Kind]++
	}
	for _, f := range manifest.Resolve(set, known).Findings {
		v.add(tree.shown(f))
	}
	if a.json() {
		err = printJSON(a.out, v)
	} else {
		renderValidation(a.out, v, a.style())
	}
	if err == nil && v.Errors > 0 {
		err = ends(exitFailed)
	}
	return err
}

func (v *validation) add(f manifest.Finding) {
	if f.Severity == manifest.Error {
		v.Errors++
	} else {
		v.Warnings++
	}
	v.Findings = append(v.Findings, f)
}

func renderValidation(w io.Writer, v *validation, s style) {
	for _, f := range v.Findings {
		fmt.Fprintln(w, s.finding(f)) // never wrapped: editors and CI systems read it
	}
	if len(v.Findings) > 0 {
		fmt.Fprintln(w)
	}
	if len(v.Presumed) > 0 {
		fmt.Fprintln(w, s.hang("taken as known on the host: ", strings.Join(v.Presumed, ", ")))
	}
	if len(v.Skipped) > 0 {
		fmt.Fprintln(w, s.hang("passed over, of other kinds: ", counts(v.Skipped)))
	}
	verdict := s.good("No errors")
	if v.Errors > 0 {
		verdict = s.bad(plural(v.Errors, "error"))
	}
	text := verdict + ", " + plural(v.Warnings, "warning") + " in " + plural(v.Files, "file")
	if len(v.Documents) > 0 {
		text += ": " + counts(v.Documents)
	}
	fmt.Fprintln(w, s.hang("", text+"."))
}

// counts writes "2 VMClass, 3 VirtualMachine".
func counts(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], printable(k)))
	}
	return strings.Join(parts, ", ")
}

// presume takes every provider and secret as known that VMs refer to and that
// the files do not define, and names them.
func presume(set *manifest.Set) (manifest.ResolveOptions, []string) {
	o := manifest.ResolveOptions{Secrets: map[manifest.Key]secret.Set{}}
	defined := map[string]bool{}
	for _, d := range set.Documents {
		defined[d.Kind+" "+d.Key.String()] = true
	}
	presumed := map[string]bool{}
	for _, d := range set.Documents {
		vm, ok := d.Object.(*manifest.VirtualMachine)
		if !ok {
			continue
		}
		p := vm.Spec.ProviderRef.In(d.Key.Namespace)
		o.Providers = append(o.Providers, p)
		presumed["Provider "+p.String()] = true
		for _, ref := range secretRefs(vm) {
			if key := ref.In(d.Key.Namespace); !defined["Secret "+key.String()] {
				o.Secrets[key] = anySecret()
				presumed["Secret "+key.String()] = true
			}
		}
	}
	maps.DeleteFunc(presumed, func(name string, _ bool) bool { return defined[name] || strings.HasSuffix(name, "/") })
	return o, slices.Sorted(maps.Keys(presumed))
}

func secretRefs(vm *manifest.VirtualMachine) []manifest.LocalRef {
	var refs []manifest.LocalRef
	add := func(t *manifest.TextSource) {
		if t != nil && t.SecretRef != nil {
			refs = append(refs, *t.SecretRef)
		}
	}
	if u := vm.Spec.UserData; u != nil {
		add(u.CloudInit)
		add(u.Ignition)
	}
	if m := vm.Spec.MetaData; m != nil {
		add(m.CloudInit)
	}
	return refs
}

// anySecret stands for a secret whose content is the host's.
func anySecret() secret.Set {
	text := secret.New("presumed")
	return secret.Set{"userdata": text, "metadata": text, "ignition": text}
}

// guestLabel opens a Secret of the host to manifests, as the daemon has it.
const guestLabel = "vmsteward.dev/guest"

// hostOf reads what a host defines.
func hostOf(dir string) (manifest.ResolveOptions, error) {
	o := manifest.ResolveOptions{Secrets: map[manifest.Key]secret.Set{}}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return o, usage("", "--providers-dir: %s is not a folder", dir)
	}
	set := manifest.Load(os.DirFS(dir), manifest.Options{Strict: true})
	for _, f := range set.Findings {
		if f.Severity == manifest.Error {
			return o, fmt.Errorf("--providers-dir: %s/%s", dir, f)
		}
	}
	for _, d := range set.Documents {
		switch object := d.Object.(type) {
		case *manifest.Provider:
			o.Providers = append(o.Providers, d.Key)
		case *manifest.Secret:
			if object.Metadata.Labels[guestLabel] == "true" {
				o.Secrets[d.Key] = object.Values()
			}
		}
	}
	return o, nil
}
