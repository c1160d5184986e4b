package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
)

func (a *app) debugCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "debug",
		GroupID: groupRest,
		Short:   "Look into a daemon that is slow, large or stuck",
		Long:    "Look into the process of a running daemon. There is one way to: pprof.",
		Example: "  vmsteward debug pprof goroutine --text",
		Args:    known,
		RunE: func(*cobra.Command, []string) error {
			return usage(`"vmsteward debug pprof" takes a profile`, "debug what?")
		},
	}
	c.AddCommand(a.pprofCommand())
	return c
}

// pprof is what a person asks for with "debug pprof".
type pprof struct {
	file string // empty: one is named after the profile; "-": standard output
	opts daemon.ProfileOptions
}

func (a *app) pprofCommand() *cobra.Command {
	var p pprof
	c := &cobra.Command{
		Use:   "pprof PROFILE",
		Short: "Take a profile of the running daemon",
		Long: `Take a profile of the running daemon, as root or as the daemon's own user:

` + profileList() + `
It is written to a file in the present folder, for "go tool pprof"; attach it
to a report of a daemon that is slow or large. --text prints it for a person
instead, which needs no tool: when a daemon seems to hang, take goroutine.

A profile holds names of functions, numbers and addresses. It holds no secret
and nothing of a manifest. Taking one holds no pass up.`,
		Example: `  vmsteward debug pprof goroutine --text | less
  vmsteward debug pprof heap
  vmsteward debug pprof cpu --for 1m --file slow.pprof
  vmsteward debug pprof heap --file - | go tool pprof -top -`,
		Args:              oneProfile,
		ValidArgsFunction: completeProfiles,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.formats(outputText); err != nil {
				return err
			}
			return a.pprof(c.Context(), profileNamed(args[0]), p)
		},
	}
	c.Flags().StringVarP(&p.file, "file", "f", "", "write it to this `file`; - is standard output")
	c.Flags().BoolVar(&p.opts.Text, "text", false, "print it as text")
	c.Flags().DurationVar(&p.opts.Span, "for", 30*time.Second, "for how long (a `time`) cpu and trace look on")
	return c
}

func profileList() string {
	var b strings.Builder
	for _, p := range daemon.Profiles {
		fmt.Fprintf(&b, "  %-10s %s\n", p.Name, p.About)
	}
	return b.String()
}

func completeProfiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, p := range daemon.Profiles {
		if len(args) == 0 {
			names = append(names, p.Name+"\t"+p.About)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// profileNamed returns the profile of a name; without a name: there is none.
func profileNamed(name string) daemon.Profile {
	i := slices.IndexFunc(daemon.Profiles, func(p daemon.Profile) bool { return p.Name == name })
	if i < 0 {
		return daemon.Profile{}
	}
	return daemon.Profiles[i]
}

func oneProfile(c *cobra.Command, args []string) error {
	var names []string
	for _, p := range daemon.Profiles {
		names = append(names, p.Name)
	}
	hint := "it is one of " + strings.Join(names, ", ")
	switch {
	case len(args) != 1:
		return usage(hint, "which profile?")
	case profileNamed(args[0]).Name == "":
		return usage(hint, "there is no profile %q", args[0])
	}
	return nil
}

func (a *app) pprof(ctx context.Context, p daemon.Profile, how pprof) error {
	switch {
	case how.opts.Text && !p.HasText():
		return usage(`leave --text out, and read the file with "go tool pprof"`, "%s cannot be told as text", p.Name)
	case p.Spans && how.opts.Span < time.Second:
		return usage("", "--for %s is too short; a second is the least", how.opts.Span)
	case how.file == "-" && !how.opts.Text && a.outTTY:
		return usage("--text is for people", "a profile is not for a terminal")
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if p.Spans && a.errTTY {
		fmt.Fprintf(a.err, "looking on for %s...\n", how.opts.Span)
	}
	from, err := daemon.TakeProfile(ctx, cfg.API.Socket, p, how.opts)
	if err != nil {
		return err
	}
	defer from.Close()
	if how.file == "-" || how.file == "" && how.opts.Text {
		_, err = io.Copy(a.out, from)
		return err
	}
	return a.keepProfile(from, p, how.file)
}

// keepProfile writes a profile into a file and says how to read it.
func (a *app) keepProfile(from io.Reader, p daemon.Profile, file string) error {
	if file == "" {
		file = fmt.Sprintf("vmsteward-%s-%s.pprof", p.Name, a.now().UTC().Format("20060102T150405Z"))
	}
	to, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("%s is not complete: %w", file, err)
	}
	fmt.Fprintln(a.out, file)
	if a.outTTY {
		fmt.Fprintln(a.out, a.style().faint(fmt.Sprintf(`"%s %s" reads it.`, p.Reader, file)))
	}
	return nil
}
