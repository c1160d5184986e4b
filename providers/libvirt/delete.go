package libvirt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// undefineFlags let a domain go together with what libvirt itself keeps of it.
const undefineFlags = golibvirt.DomainUndefineNvram | golibvirt.DomainUndefineManagedSave |
	golibvirt.DomainUndefineSnapshotsMetadata | golibvirt.DomainUndefineCheckpointsMetadata

// Delete removes the VM's volumes first and the domain last: for as long as
// any of them is there, the domain's mark says what they are, and a second
// Delete goes on where the first was cut off.
func (p *Provider) Delete(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
	subject := ref.Owner.VM.String()
	err := p.do(ctx, "delete", subject, work, func(c *golibvirt.Libvirt) error {
		t, err := find(c, ref)
		if providers.IsAbsent(err) {
			return nil
		}
		if err != nil {
			return err
		}
		state, err := stateOf(c, t.dom)
		if err != nil {
			return ignoreAbsent(err)
		}
		if state != golibvirt.DomainShutoff || t.active() {
			return conflict("the VM is not powered off; stop it first")
		}
		if err := p.deleteVolumes(c, ref.Owner, t); err != nil {
			return err
		}
		return ignoreAbsent(c.DomainUndefineFlags(t.dom, undefineFlags))
	})
	return "", err
}

func ignoreAbsent(err error) error {
	if isCode(err, golibvirt.ErrNoDomain) {
		return nil
	}
	return err
}

// deleteVolumes removes the volumes that the mark says we made, if they also
// have the name that we give to volumes of this owner. One that another
// domain or volume names is kept, and stays behind.
func (p *Provider) deleteVolumes(c *golibvirt.Libvirt, o providers.Owner, t *target) error {
	mine := slices.DeleteFunc(slices.Clone(t.mark.Disks), func(d markDisk) bool { return !d.made(o) })
	if len(mine) == 0 {
		return nil
	}
	uses, err := allUses(c)
	if err != nil {
		return fmt.Errorf("look who else uses the disks: %w", err)
	}
	// That took a while. libvirt would delete the disks of a running machine.
	if state, err := stateOf(c, t.dom); err != nil {
		return ignoreAbsent(err)
	} else if state != golibvirt.DomainShutoff {
		return conflict("the VM was started meanwhile")
	}
	for _, d := range mine {
		if by := usedBy(uses, d.Volume, t.dom.UUID); by != "" {
			p.log.Warn("volume is kept, it is in use", logkey.VM, o.VM.String(), logkey.Ref, d.Volume, logkey.Reason, by)
			continue
		}
		handle, err := c.StoragePoolLookupByName(d.Pool)
		if isCode(err, golibvirt.ErrNoStoragePool) {
			return missing("storage pool "+d.Pool, "define it again, so that volume "+d.Volume+" can be deleted")
		}
		if err == nil {
			err = deleteVolume(c, handle, d.Volume)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// made tells whether we made the disk's volume for the owner.
func (d *markDisk) made(o providers.Owner) bool {
	if d.Pool == "" || d.Volume == "" {
		return false
	}
	_, ext, ok := cutLast(d.Volume, ".")
	return ok && d.Volume == volumeName(o, d.Name, ext)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Sweep deletes one leftover volume, after it has looked again: no domain has
// its owner's identity, and nothing names it.
func (p *Provider) Sweep(ctx context.Context, left providers.Leftover) error {
	done, err := p.begin(left.Owner)
	if err != nil {
		return named("sweep", left.ID, err)
	}
	defer done()
	return p.do(ctx, "sweep", left.ID, work, func(c *golibvirt.Libvirt) error {
		poolName, name, ok := strings.Cut(left.ID, "/")
		owner, ours := volumeOwner(name)
		if !ok || !ours || owner != left.Owner || owner.Fleet != p.settings.Fleet {
			return conflict("volume %q does not carry %s in its name", left.ID, left.Owner)
		}
		handle, err := c.StoragePoolLookupByName(poolName)
		if isCode(err, golibvirt.ErrNoStoragePool) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := find(c, providers.Ref{Owner: owner}); !providers.IsAbsent(err) {
			if err != nil {
				return err
			}
			return conflict("%s has a VM again, which may want the volume", owner)
		}
		uses, err := allUses(c)
		if err != nil {
			return fmt.Errorf("look who uses the volume: %w", err)
		}
		if by := usedBy(uses, name, golibvirt.UUID{}); by != "" {
			return conflict("volume %s is in use by %s", name, by)
		}
		return deleteVolume(c, handle, name)
	})
}
