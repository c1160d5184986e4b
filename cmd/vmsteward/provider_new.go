package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/providers/remote/kit"
)

func (a *app) newProviderCommand() *cobra.Command {
	var dir, module string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a provider to begin with",
		Long: `Write a provider to begin with: a Go module of its own, with a server, tests and
a systemd unit. It serves a hypervisor in memory, in vmsteward's protocol and in
provider.v1, and keeps every promise that it claims; replace the hypervisor with
yours. NAME is the type that Provider manifests say.

The module needs gRPC and nothing of vmsteward. docs/provider-guide.md goes
through it.`,
		Example: `  vmsteward provider new demo && cd demo && go test ./...
  vmsteward provider new acme --module git.example.com/infra/acme-provider`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("lower-case letters, digits and dashes", "what is it called?")
			}
			if err := kit.Check(args[0]); err != nil {
				return usage("", "%w", err)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			to := cmp.Or(dir, name)
			files, err := kit.Write(name, cmp.Or(module, "example.com/"+name), to)
			if err != nil {
				return err
			}
			s := a.style()
			fmt.Fprintf(a.out, "%d files in %s. Next:\n\n  cd %s && go test ./...\n\n", len(files), s.bold(to), to)
			fmt.Fprintln(a.out, s.hang("", "Then write hypervisor.go's interface for yours, and see README.md there."))
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "the `folder` to write into (default: NAME, below the present one)")
	c.Flags().StringVar(&module, "module", "", "the `path` of the Go module (default: example.com/NAME)")
	return c
}
