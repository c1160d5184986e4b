package main

import "github.com/spf13/cobra"

func (a *app) providerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "provider",
		GroupID: groupRest,
		Short:   "Serve, write and try providers that are services of their own",
		Long: `A provider need not be built in: a Provider manifest whose endpoint is
grpc://host:port or unix:///path names a provider server. These commands offer
a built-in provider as one, write a new one, and try any of them.`,
		Example: `  vmsteward provider new demo
  vmsteward provider conformance grpc://127.0.0.1:9443 --fleet lab`,
		Args: known,
		RunE: func(c *cobra.Command, _ []string) error {
			return usage(`"vmsteward provider --help" lists serve, new and conformance`, "what about providers?")
		},
	}
	c.AddCommand(a.provideCommand(), a.newProviderCommand(), a.conformanceCommand())
	return c
}
