package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/conformance"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// ConformConfig says which provider server is tried, and with what.
type ConformConfig struct {
	Endpoint string
	Fleet    string
	Type     string // empty: whatever the server is

	CertFile, KeyFile, CAFile string
	ServerName                string
	Insecure                  bool

	VM          string // a manifest file with one VirtualMachine that fits; empty: ConformVM
	NoGuest     bool   // its image boots no operating system
	CallTimeout time.Duration
	TaskTimeout time.Duration

	Checks []providertest.Check
	Begins func(check providertest.Check, i, of int)
	Ends   func(conformance.Verdict)
	Log    *slog.Logger
}

// ConformVM is the VM that is made where no file says: it fits a hypervisor in
// memory, and a provider of "vmsteward provider new".
const ConformVM = `apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: tiny}
spec: {cpu: 2, memory: 1Gi, firmware: UEFI, diskDefaults: {size: 12Gi}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: debian-13}
spec: {source: {libvirt: {path: /var/lib/libvirt/images/debian-13.qcow2, format: qcow2}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {libvirt: {networkName: lan}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: tried}
spec:
  providerRef: {name: tried}
  classRef: {name: tiny}
  imageRef: {name: debian-13}
  networks:
  - {name: eth0, networkRef: {name: lan}}
`

// Conform tries the promises of the provider contract against a server. It
// touches no VM but those that it makes.
func Conform(ctx context.Context, c ConformConfig) (*conformance.Report, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", conformance.ErrCannotTry, err)
	}
	creds, err := c.credentials()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", conformance.ErrCannotTry, err)
	}
	settings := providers.Settings{
		Key: manifest.Key{Name: "conformance"}, Fleet: c.Fleet, Type: c.Type, Endpoint: c.Endpoint, InsecureSkipVerify: c.Insecure,
		Credentials: creds, ConnectTimeout: 30 * time.Second, Ledger: newLedger(journal.NewMemory(), c.Endpoint),
	}
	return conformance.Run(ctx, conformance.Options{
		Endpoint: c.Endpoint, Checks: c.Checks, Begins: c.Begins, Ends: c.Ends,
		Target: providertest.Target{
			Fleet: c.Fleet, VM: vm, NoGuest: c.NoGuest, CallTimeout: c.CallTimeout, TaskTimeout: c.TaskTimeout,
			Connect: func(context.Context) (providers.Provider, error) { return remote.New(settings, c.Log) },
		},
	})
}

// vm returns what makes the VM of the file for a key, a new value each time.
func (c *ConformConfig) vm() (func(manifest.Key) *manifest.VM, error) {
	name, text := cmp.Or(c.VM, "the VM"), []byte(ConformVM)
	if c.VM != "" {
		var err error
		if text, err = os.ReadFile(c.VM); err != nil {
			return nil, err
		}
	}
	resolve := func() *manifest.Desired {
		set := manifest.LoadFile(name, text, manifest.Options{})
		var known manifest.ResolveOptions
		for _, d := range set.Documents {
			if vm, ok := d.Object.(*manifest.VirtualMachine); ok {
				known.Providers = append(known.Providers, vm.Spec.ProviderRef.In(d.Key.Namespace))
			}
		}
		return manifest.Resolve(set, known)
	}
	desired := resolve()
	var errs []error
	for _, held := range desired.Held {
		for _, f := range held.Reasons {
			errs = append(errs, errors.New(f.String()))
		}
	}
	switch {
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	case len(desired.VMs) != 1:
		return nil, fmt.Errorf("%s: holds %d VirtualMachines, and one is made again and again", name, len(desired.VMs))
	case len(desired.VMs[0].NICs) == 0:
		return nil, fmt.Errorf("%s: the VirtualMachine has no network, and the suite needs one", name)
	}
	return func(key manifest.Key) *manifest.VM {
		vm := resolve().VMs[0]
		vm.Key = key
		return vm
	}, nil
}

// credentials reads the files that prove who is asking.
func (c *ConformConfig) credentials() (secret.Set, error) {
	set := secret.Set{}
	for key, file := range map[string]string{"tls.crt": c.CertFile, "tls.key": c.KeyFile, "ca.crt": c.CAFile} {
		if file == "" {
			continue
		}
		text, err := readSecret(file)
		if err != nil {
			return nil, err
		}
		set[key] = text
	}
	if c.ServerName != "" {
		set["server-name"] = secret.New(c.ServerName)
	}
	return set, nil
}
