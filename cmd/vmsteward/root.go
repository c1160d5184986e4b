package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const (
	groupLook = "look"
	groupAct  = "act"
	groupFile = "file"
	groupRest = "rest"
)

// execute runs one command line and returns how the process ends.
func execute(ctx context.Context, a *app, args []string) exitCode {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		explain(a.err, a.errStyle(), err)
	}
	return codeOf(err)
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "vmsteward",
		Short: "GitOps for virtual machines, without Kubernetes",
		Long: `vmsteward follows a repository of VM manifests, compares them with what each
hypervisor says is there, and makes the hypervisors agree.

A daemon does this by itself ("vmsteward run", from systemd). The other
commands look, explain, and act for a person; they ask the daemon when it
runs, and look for themselves when it does not.`,
		Example: `  vmsteward validate ./manifests      check files, offline
  vmsteward plan                      see what would be done, and why
  vmsteward apply                     do it now
  vmsteward status                    see how it goes`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),

		SuggestionsMinimumDistance: 2,

		Args: known,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Sprintf("%q shows every flag", c.CommandPath()+" --help"), "%w", err)
	})
	f := root.PersistentFlags()
	f.StringVar(&a.flags.config, "config", "", "configuration `file`; else $"+configEnv+", else in /etc/vmsteward")
	f.StringVarP(&a.flags.output, "output", "o", outputText, "output `format`: text or json")
	f.BoolVar(&a.flags.noColor, "no-color", false, "no colours; $NO_COLOR and TERM=dumb work too")
	root.AddGroup(
		&cobra.Group{ID: groupLook, Title: "Look:"},
		&cobra.Group{ID: groupAct, Title: "Act:"},
		&cobra.Group{ID: groupFile, Title: "Write manifests:"},
		&cobra.Group{ID: groupRest, Title: "Other commands:"},
	)
	root.AddCommand(
		a.planCommand(), a.driftCommand(), a.statusCommand(), a.getCommand(),
		a.applyCommand(), a.reconcileCommand(), a.suspendCommand(), a.resumeCommand(), a.runCommand(),
		a.validateCommand(), a.schemaCommand(),
		a.providerCommand(),
		a.demoCommand(), a.debugCommand(), a.versionCommand(), exitCodesTopic(), configTopic(),
	)
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate()))
	root.SetHelpCommand(a.helpCommand())
	root.SetHelpCommandGroupID(groupRest)
	root.SetCompletionCommandGroupID(groupRest)
	return root
}

// known refuses words that are no subcommand.
func known(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("%q lists the commands", c.CommandPath()+" --help")
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(hint, "there is no command %q", strings.TrimSpace(c.CommandPath()+" "+args[0]))
}

// noArgs refuses every argument.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(fmt.Sprintf("%q shows how it is used", c.CommandPath()+" --help"), "%s takes no argument, and was given %q", c.CommandPath(), args[0])
}

// formats checks --output before a command does anything.
func (a *app) formats(allowed ...string) error {
	if slices.Contains(allowed, a.flags.output) {
		return nil
	}
	return usage("it is one of "+strings.Join(allowed, ", "), "output format %q is not known here", a.flags.output)
}

// localFlag adds --local to a command that asks a daemon.
func (a *app) localFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.flags.local, "local", false, "look directly, also when a daemon runs")
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Explain a command or a topic",
		Long:  "Explain a command, or one of the topics exit-codes and config.",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if at, _, err := c.Root().Find(args); err == nil && at != nil {
				for _, sub := range at.Commands() {
					names = append(names, sub.Name()+"\t"+sub.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			at, rest, err := c.Root().Find(args)
			if err != nil || at == nil || len(rest) > 0 {
				return usage(`"vmsteward help" lists the commands and topics`, "there is no help on %q", strings.Join(args, " "))
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}

// usageTemplate lets the topics be found by what has to be typed for them.
func usageTemplate(cobraOwn string) string {
	return strings.NewReplacer(
		"{{rpad .CommandPath .CommandPathPadding}} {{.Short}}", `{{rpad (printf "vmsteward help %s" .Name) 26}} {{.Short}}`,
		"Additional help topics:", "Topics:",
	).Replace(cobraOwn)
}
