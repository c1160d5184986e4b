package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// The login of the simulated vCenter. It is nobody's secret: it listens on
// loopback, for as long as the bench runs.
const (
	username = "bench@vsphere.local"
	password = "bench"
)

// center is a vCenter in a process of its own.
type center struct {
	URL string `json:"url"`
	CA  []byte `json:"ca"`
}

// startCenter starts a vCenter with the machines that the manifests in a
// folder want. It ends with the run.
func startCenter(r *side.Run, manifests string) (*center, error) {
	cmd := exec.Command(os.Args[0], "-serve", manifests)
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.Cleanup(func() { hold.Close(); _ = cmd.Wait() })
	c := &center{}
	if err := json.NewDecoder(out).Decode(c); err != nil {
		return nil, fmt.Errorf("the vCenter did not start: %w", err)
	}
	r.Say("the vCenter and its machines were made in %v", time.Since(begun).Round(time.Millisecond))
	return c, nil
}

// serve is that process. It ends when its standard input does.
func serve(r *side.Run, manifests string) error {
	vms, err := wanted(manifests)
	if err != nil {
		return err
	}
	s, err := vcsim.Start(vcsim.Options{Datacenters: 2, Username: username, Password: password})
	if err != nil {
		return err
	}
	r.Cleanup(func() { _ = s.Close() })
	var odd error
	if _, err := s.AddVMs(len(vms), func(i int, spec *types.VirtualMachineConfigSpec) {
		odd = errors.Join(odd, become(vms[i], spec))
	}); err != nil || odd != nil {
		return errors.Join(err, odd)
	}
	if err := json.NewEncoder(os.Stdout).Encode(center{URL: s.URL(), CA: s.CA()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// credential is a login, and the authority to know the vCenter by.
func (c *center) credential() map[string]string {
	return map[string]string{"username": username, "password": password, "ca.crt": string(c.CA)}
}

func (c *center) settings() providers.Settings {
	login := secret.Set{}
	for name, text := range c.credential() {
		login[name] = secret.New(text)
	}
	return providers.Settings{
		Key: side.Lab(), Fleet: side.FleetName, Type: "vsphere", Endpoint: c.URL, Credentials: login,
		Defaults: providers.Defaults{Cluster: "DC0_C0", Datastore: "/DC0/datastore/LocalDS_0", Folder: "/DC0/vm"},
	}
}

// bare connects govmomi alone.
func (c *center) bare(ctx context.Context) (*vim25.Client, error) {
	u, err := soap.ParseURL(c.URL)
	if err != nil {
		return nil, err
	}
	u.User = userinfo()
	client, err := govmomi.NewClient(ctx, u, true)
	if err != nil {
		return nil, err
	}
	return client.Client, nil
}
