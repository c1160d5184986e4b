package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/manifest"
)

func (a *app) schemaCommand() *cobra.Command {
	var list bool
	var dir string
	c := &cobra.Command{
		Use:     "schema [KIND]",
		GroupID: groupFile,
		Short:   "Print the JSON Schema of the manifests, for editors",
		Long: `Print the JSON Schema of one kind, or one schema for all kinds together, which
is what an editor wants. It is made from the same declarations that "validate"
checks by.

With yaml-language-server (VS Code, Neovim, Helix, ...), write the schema into
the repository and name it in the first line of a manifest:

  # yaml-language-server: $schema=../vmsteward.schema.json

or name it once for all files, in the editor's settings:

  "yaml.schemas": {"vmsteward.schema.json": ["vms/*.yaml", "classes/*.yaml"]}`,
		Example: `  vmsteward schema > vmsteward.schema.json
  vmsteward schema VirtualMachine
  vmsteward schema --list
  vmsteward schema --dir ./schemas`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(`"vmsteward schema" prints one schema for all kinds`, "name one kind")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return kindNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case list:
				fmt.Fprintln(a.out, strings.Join(kindNames(), "\n"))
				return nil
			case dir != "":
				return a.writeSchemas(dir)
			}
			return a.printSchema(args)
		},
	}
	c.Flags().BoolVar(&list, "list", false, "list the kinds")
	c.Flags().StringVar(&dir, "dir", "", "write one file per kind, and one for all, into this `folder`")
	c.MarkFlagsMutuallyExclusive("list", "dir")
	return c
}

func (a *app) printSchema(args []string) error {
	text, err := manifest.SchemaAll()
	if len(args) > 0 {
		text, err = manifest.Schema(args[0])
		if err != nil {
			return usage("the kinds are "+strings.Join(kindNames(), ", "), "there is no kind %q", args[0])
		}
	}
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

func (a *app) writeSchemas(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, kind := range kindNames() {
		text, err := manifest.Schema(kind)
		if err != nil {
			return err
		}
		if err := a.writeSchema(filepath.Join(dir, strings.ToLower(kind)+".schema.json"), text); err != nil {
			return err
		}
	}
	text, err := manifest.SchemaAll()
	if err != nil {
		return err
	}
	return a.writeSchema(filepath.Join(dir, "vmsteward.schema.json"), text)
}

func (a *app) writeSchema(path string, text []byte) error {
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.out, path)
	return err
}

// kindNames lists the kinds that have a schema, in order.
func kindNames() []string {
	var all struct {
		Defs map[string]any `json:"$defs"`
	}
	text, err := manifest.SchemaAll()
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(all.Defs))
}
