package vcsim

import "github.com/vmware/govmomi/simulator"

// Options shapes a server. The zero value is one datacenter with a cluster of
// two hosts, two datastores, two distributed port groups, a datastore cluster
// of two members, the templates, and no virtual machine.
//
// Names: datacenter DC0; cluster DC0_C0 with hosts DC0_C0_H0, DC0_C0_H1 and
// pool DC0_C0_RP1; standalone host DC0_H0; datastores LocalDS_0, LocalDS_1;
// datastore cluster DC0_POD0 with members DC0_POD0_DS0 (100 GiB free) and
// DC0_POD0_DS1 (400 GiB free); port groups "VM Network" (standard), DC0_DVPG0
// and DC0_DVPG1 (distributed, of switch DVS0); folder "apps" below the VM
// folder. A second datacenter has DC1 for DC0, and the same names for the rest.
type Options struct {
	Datacenters  int  // 0: one
	Clusters     int  // of each datacenter; 0: one
	ClusterHosts int  // of each cluster; 0: two
	Hosts        int  // outside of clusters, of each datacenter
	Pools        int  // below the root pool of each cluster; 0: one
	Datastores   int  // of each datacenter; 0: two
	PortGroups   int  // distributed ones, of each datacenter; 0: two
	Machines     int  // of each pool, powered on, nobody's; slow, see Server.AddVMs
	Bare         bool // without templates and datastore cluster
	NoTools      bool // guests have none, unless SetGuest gives them

	// Names are what the certificate is made out to; nil: loopback.
	Names   []string
	Expired bool // the certificate has run out

	// Addr is where to listen; empty: a free port on 127.0.0.1.
	Addr string
	// Username and Password are the login; empty: "vmsteward@vsphere.local"
	// and a password.
	Username, Password string
}

func (o *Options) fill() {
	for _, n := range []*int{&o.Datacenters, &o.Clusters, &o.Pools} {
		if *n == 0 {
			*n = 1
		}
	}
	for _, n := range []*int{&o.ClusterHosts, &o.Datastores, &o.PortGroups} {
		if *n == 0 {
			*n = 2
		}
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Username == "" {
		o.Username = "vmsteward@vsphere.local"
	}
	if o.Password == "" {
		o.Password = "correct horse"
	}
}

func (o *Options) model() *simulator.Model {
	m := simulator.VPX()
	m.Datacenter, m.Cluster, m.ClusterHost, m.Host = o.Datacenters, o.Clusters, o.ClusterHosts, o.Hosts
	m.Pool, m.Datastore, m.Portgroup, m.Machine = o.Pools, o.Datastores, o.PortGroups, o.Machines
	if !o.Bare {
		m.Pod = 1
	}
	return m
}
