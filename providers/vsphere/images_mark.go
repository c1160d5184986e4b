package vsphere

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// imageKey is the key of extraConfig that holds our mark on an image, which is
// another one than that of a VM.
const imageKey = "vmsteward.image"

// imageMark is our note on an image that we brought to the vCenter. What
// carries it is finished when it is a template, and half imported before.
type imageMark struct {
	Image string `json:"image"` // identity of the image
	Fleet string `json:"fleet"`
	From  string `json:"from"` // for people
}

// imageSpace is the UUID namespace of images.
var imageSpace = uuid.NewSHA1(uuid.NameSpaceDNS, []byte("images.vmsteward.dev"))

// berth is where an image lies in a datacenter, and who it is there.
type berth struct {
	mark imageMark
	name string // of the template
	uuid string // its instance UUID

	site   *site
	folder *location
	store  *location
}

// newBerth gives an image its place: the same one for whoever asks. what tells
// one image from another. The UUID is of version 8, so that no image that
// cannot be read is taken for a VM of ours.
func newBerth(fleet, from, what string, s *site) *berth {
	sum := sha256.Sum256([]byte(strings.Join([]string{fleet, s.datacenter.ref.Value, what}, "\x00")))
	id := hex.EncodeToString(sum[:])
	return &berth{
		mark: imageMark{Image: id, Fleet: fleet, From: from},
		name: "vmsteward-image-" + id[:12],
		uuid: uuid.NewHash(sha256.New(), imageSpace, sum[:], 8).String(),
		site: s,
	}
}

// text is the mark as it is written.
func (m imageMark) text() (string, error) {
	b, err := json.Marshal(m)
	return string(b), err
}

// note is the annotation of the image, and of the VMs that are cloned from it.
func (m imageMark) note() string { return "Made by vmsteward from " + m.From }

// on tells whether a text is that mark.
func (m imageMark) on(text string) bool {
	var found imageMark
	return json.Unmarshal([]byte(text), &found) == nil && found.Image == m.Image && found.Fleet == m.Fleet
}

// marks tells whether a VM carries the mark of the image, in extraConfig or in
// its annotation: with the image's UUID, which no copy has, or, before that is
// given to it, with its name.
func (b *berth) marks(vm *mo.VirtualMachine) bool {
	marked := b.mark.on(vm.Config.Annotation)
	for _, o := range vm.Config.ExtraConfig {
		if v := o.GetOptionValue(); v.Key == imageKey {
			text, _ := v.Value.(string)
			marked = marked || b.mark.on(text)
		}
	}
	return marked && (instanceUUID(vm) == b.uuid || !isTemplate(vm) && vm.Name == b.name)
}

// find looks for the image, whole or half imported: by its UUID, and by its
// name, which something else may have. nil: there is nothing.
func (b *berth) find(ctx context.Context, c *vim25.Client) (*source, error) {
	found, err := withUUID(ctx, c, b.uuid)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		res, err := methods.FindChild(ctx, c, &types.FindChild{
			This: *c.ServiceContent.SearchIndex, Entity: b.folder.ref, Name: b.name,
		})
		if err != nil || res.Returnval == nil {
			return nil, err
		}
		found = append(found, *res.Returnval)
	}
	return b.read(ctx, c, found[0])
}

// read reads the image; nil if it is gone. What does not carry its mark is a
// Conflict.
func (b *berth) read(ctx context.Context, c *vim25.Client, ref types.ManagedObjectReference) (*source, error) {
	at := candidate{ref: ref, name: b.name, path: b.folder.path + "/" + b.name}
	if ref.Type != virtualMachine {
		return nil, conflict("%s is not the image that it is named after; rename it", at.path)
	}
	s, err := readSource(ctx, c, at)
	switch {
	case providers.IsAbsent(err):
		return nil, nil
	case err != nil:
		return nil, err
	case !b.marks(&s.vm):
		return nil, conflict("%s does not carry the mark of the image that it is named after; rename it", at.path)
	}
	return s, nil
}
