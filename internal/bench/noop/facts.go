package main

import (
	golibvirt "github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"
)

// inFlight is how many calls the floor keeps under way.
const inFlight = 16

// facts reads what an inventory needs to know: who is there, the vital
// statistics, autostart, saved memory, leases, volumes, and every definition.
func facts(c *golibvirt.Libvirt) error {
	var doms []golibvirt.Domain
	var g errgroup.Group
	g.Go(func() (err error) {
		doms, _, err = c.ConnectListAllDomains(1, 0)
		return err
	})
	g.Go(func() error {
		_, err := c.ConnectGetAllDomainStats(nil,
			uint32(golibvirt.DomainStatsState|golibvirt.DomainStatsBalloon|golibvirt.DomainStatsBlock),
			uint32(golibvirt.ConnectGetAllDomainsStatsNowait))
		return err
	})
	for _, flag := range []golibvirt.ConnectListAllDomainsFlags{
		golibvirt.ConnectListDomainsAutostart, golibvirt.ConnectListDomainsManagedsave,
	} {
		g.Go(func() error {
			_, _, err := c.ConnectListAllDomains(1, flag)
			return err
		})
	}
	g.Go(func() error { return leases(c) })
	g.Go(func() error { return volumes(c) })
	if err := g.Wait(); err != nil {
		return err
	}
	return definitions(c, doms)
}

func definitions(c *golibvirt.Libvirt, doms []golibvirt.Domain) error {
	var g errgroup.Group
	g.SetLimit(inFlight)
	for _, d := range doms {
		g.Go(func() error {
			_, err := c.DomainGetXMLDesc(d, golibvirt.DomainXMLInactive)
			return err
		})
	}
	return g.Wait()
}

func leases(c *golibvirt.Libvirt) error {
	nets, _, err := c.ConnectListAllNetworks(1, golibvirt.ConnectListNetworksActive)
	if err != nil {
		return err
	}
	for _, n := range nets {
		if _, _, err := c.NetworkGetDhcpLeases(n, nil, 1, 0); err != nil {
			return err
		}
	}
	return nil
}

func volumes(c *golibvirt.Libvirt) error {
	pools, _, err := c.ConnectListAllStoragePools(1, golibvirt.ConnectListStoragePoolsActive)
	if err != nil {
		return err
	}
	for _, p := range pools {
		if _, _, err := c.StoragePoolListAllVolumes(p, 1, 0); err != nil {
			return err
		}
	}
	return nil
}
