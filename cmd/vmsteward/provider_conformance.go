package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/conformance"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

const outputJUnit = "junit"

// conform is what a person asks for with "provider conformance".
type conform struct {
	daemon.ConformConfig
	only, skip    []string
	list, printVM bool
	logs          daemon.LogConfig
}

func (a *app) conformanceCommand() *cobra.Command {
	var p conform
	c := &cobra.Command{
		Use:   "conformance ENDPOINT",
		Short: "Try the promises of the provider contract against a running server",
		Long: `Try every promise of the provider contract against a running provider server,
in whatever language it is written, and print a verdict on each: kept, broken
with what was seen, or not tried with the reason. What would need a hand on the
hypervisor itself is not tried.

VMs are made and deleted for it, in a namespace of its own with a random name;
no other VM is touched. It does not begin while there are VMs whose names
begin with "pt-", and says at the end what it left. --vm names a manifest file
with one VirtualMachine, and all that it refers to, which the endpoint can
make; "--print-vm" prints the one that is made otherwise.

--fleet is the fleet that the server is for. Servers that speak provider.v1
alone know none: give them any. A server beyond the loopback wants a client
certificate: --tls-cert, --tls-key, and --tls-ca for the server's own.

Exit code: 0 every promise that could be tried is kept; 1 one is broken; 2 it
could not be tried.`,
		Example: `  vmsteward provider conformance unix:///run/demo.sock --fleet lab
  vmsteward provider conformance grpc://kvm1.example.com:9443 --fleet lab \
    --tls-cert tls.crt --tls-key tls.key --tls-ca ca.crt --vm tiny.yaml
  vmsteward provider conformance grpc://127.0.0.1:9443 --only 'create-*'
  vmsteward provider conformance unix:///run/demo.sock -o junit > report.xml`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 && !p.list && !p.printVM {
				return usage("it is the endpoint of a Provider manifest: grpc://host:port, or unix:///path", "which server?")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.formats(outputText, outputJSON, outputJUnit); err != nil {
				return err
			}
			switch {
			case p.printVM:
				_, err := fmt.Fprint(a.out, daemon.ConformVM)
				return err
			case p.list:
				return a.listPromises(p)
			}
			p.Endpoint = args[0]
			return a.conformance(c.Context(), p)
		},
	}
	p.flags(c)
	return c
}

func (p *conform) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.Fleet, "fleet", "conformance", "the fleet that the server is for, a `name`")
	f.StringVar(&p.Type, "type", "", "the `type` that the server must be of; libvirt, vsphere, ... (default: any)")
	f.StringVar(&p.CertFile, "tls-cert", "", "our certificate, a PEM `file`")
	f.StringVar(&p.KeyFile, "tls-key", "", "its key, a PEM `file`")
	f.StringVar(&p.CAFile, "tls-ca", "", "who signed for the server, a PEM `file`")
	f.StringVar(&p.ServerName, "tls-server-name", "", "the `name` in the server's certificate, if it is not the host's")
	f.BoolVar(&p.Insecure, "insecure", false, "plain text beyond the loopback, or a certificate that is not checked")
	f.StringVar(&p.VM, "vm", "", "a manifest `file` with the VM to make")
	f.BoolVar(&p.printVM, "print-vm", false, "print the VM that is made without --vm, and exit")
	f.BoolVar(&p.NoGuest, "no-guest", false, "its image boots no operating system: expect nothing that a guest does")
	f.StringSliceVar(&p.only, "only", nil, "try these promises alone, by `pattern`")
	f.StringSliceVar(&p.skip, "skip", nil, "leave these promises out, by `pattern`")
	f.BoolVar(&p.list, "list", false, "list the promises, and exit")
	f.DurationVar(&p.CallTimeout, "call-timeout", 30*time.Second, "how long (a `time`) one call may take")
	f.DurationVar(&p.TaskTimeout, "task-timeout", 2*time.Minute, "how long (a `time`) a task may take")
	f.StringVar(&p.logs.Level, "log-level", "error", "`level` of the client's log, to standard error")
	for _, name := range []string{"only", "skip"} {
		_ = c.RegisterFlagCompletionFunc(name, completePromises)
	}
}

func completePromises(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, c := range providertest.Checks() {
		names = append(names, c.Name+"\t"+c.Promise)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (p *conform) choose() (err error) {
	if p.Checks, err = conformance.Choose(p.only, p.skip); err != nil {
		return usage(`"vmsteward provider conformance --list" lists them`, "%w", err)
	}
	return nil
}

func (a *app) listPromises(p conform) error {
	if err := p.choose(); err != nil {
		return err
	}
	t := table{style: a.style(), prose: true}
	for _, c := range p.Checks {
		t.row(t.bold(c.Name), c.Promise)
	}
	t.print(a.out)
	return nil
}

// conformance tries, and prints verdicts as they come.
func (a *app) conformance(ctx context.Context, p conform) error {
	if err := p.choose(); err != nil {
		return err
	}
	p.Log = daemon.NewLogger(p.logs, a.err, a.errStyle().colour)
	p.Begins, p.Ends = a.tryingNow(), func(conformance.Verdict) {}
	if a.flags.output == outputText {
		s := a.style()
		p.Ends = func(v conformance.Verdict) {
			a.tryingNothing()
			renderVerdict(a.out, v, s)
		}
	}
	rep, err := daemon.Conform(ctx, p.ConformConfig)
	a.tryingNothing()
	if errors.Is(err, conformance.ErrCannotTry) {
		return &failure{code: exitTrouble, err: err, hint: "see \"vmsteward provider conformance --help\""}
	}
	if printed := a.printConformance(rep); printed != nil {
		return printed
	}
	if err != nil {
		return err
	}
	if rep.Broken > 0 {
		return ends(exitFailed)
	}
	return nil
}

func (a *app) printConformance(rep *conformance.Report) error {
	switch a.flags.output {
	case outputJSON:
		return printJSON(a.out, rep)
	case outputJUnit:
		return rep.JUnit(a.out)
	}
	renderConformance(a.out, rep, a.style())
	return nil
}
