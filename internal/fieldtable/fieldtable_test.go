package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

func builtIn(t *testing.T) []column {
	t.Helper()
	all, err := stated()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func columnsOf(t *testing.T) []column {
	t.Helper()
	return append(builtIn(t), bare()...)
}

// TestTheWireChangesNothing wants what a provider states to arrive as it is at
// the far end of a provider server.
func TestTheWireChangesNothing(t *testing.T) {
	for _, c := range builtIn(t) {
		far, err := wire.DecodeCapabilities(wire.EncodeCapabilities(c.caps))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.caps, far); diff != "" {
			t.Errorf("%s (-built in +through a server):\n%s", c.name, diff)
		}
	}
}

func paths() []string {
	var all []string
	for _, kind := range kinds() {
		for f := range manifest.Fields(kind) {
			all = append(all, f.Path)
		}
	}
	return all
}

func TestThePageIsWhatTheCodeSays(t *testing.T) {
	have, err := os.ReadFile(filepath.Join("..", "..", "docs", "fields.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page(builtIn(t), bare()), string(have)); diff != "" {
		t.Errorf("docs/fields.md is out of date; run make gen (-want +got):\n%s", diff)
	}
}

func TestNoCellIsEmpty(t *testing.T) {
	words := map[string]bool{}
	for _, row := range legend() {
		words[row[0]] = true
	}
	used := map[string]bool{}
	for _, c := range columnsOf(t) {
		for _, path := range paths() {
			word, _ := cell(c.caps, path)
			if !words[word] {
				entry, _ := c.caps.Honours.Of(path)
				t.Errorf("%s on %s is %q: act %q, compared as %q, and that has no ability", path, c.name, word, entry.Act, comparedBy(entry, path))
			}
			used[word] = true
		}
	}
	for word := range words {
		if !used[word] {
			t.Errorf("the legend explains %q, which is in no cell", word)
		}
	}
	if n := len(paths()); n < 200 {
		t.Errorf("the page has %d fields, want all of the four kinds", n)
	}
}

// TestTablesNameFieldsOfManifests finds the entries that no field is below,
// and those that no field reaches because longer ones take them all.
func TestTablesNameFieldsOfManifests(t *testing.T) {
	all := paths()
	vms := []*manifest.VM{{}, {MemHotAdd: true, VBS: true}}
	for _, c := range columnsOf(t) {
		for entry, h := range c.caps.Honours {
			below := func(path string) bool {
				rest, ok := strings.CutPrefix(path, entry)
				return ok && (rest == "" || strings.ContainsAny(rest[:1], ".["))
			}
			if !slices.ContainsFunc(all, below) {
				t.Errorf("%s: no manifest has %s", c.name, entry)
			}
			if h.Only != nil && h.Note == "" {
				t.Errorf("%s: %s has a condition without words", c.name, entry)
			}
			if h.Act != providers.Refuse && h.Act != providers.Ignore && !slices.ContainsFunc(vms, func(vm *manifest.VM) bool { return c.caps.Honours.Acts(entry, vm) }) {
				t.Errorf("%s: %s has a condition that no VM meets", c.name, entry)
			}
			if strings.HasSuffix(h.Note, ".") || strings.ContainsAny(h.Note, "|\n") {
				t.Errorf("%s: the note to %s is no clause: %q", c.name, entry, h.Note)
			}
		}
	}
}

// TestEveryAbilityIsPublished wants a field of a manifest for whatever a
// provider says that it can change, apart from what only the reconciler wants.
func TestEveryAbilityIsPublished(t *testing.T) {
	unwritten := []providers.Field{
		providers.FieldExists, providers.FieldName, providers.FieldRetired,
		providers.FieldAutostart, // a key of extraConfig, which is a field as a whole
	}
	for _, c := range columnsOf(t) {
		reached := map[providers.Field]bool{}
		for _, path := range paths() {
			entry, ok := c.caps.Honours.Of(path)
			if ok && entry.Act == providers.Apply {
				f := comparedBy(entry, path)
				reached[f], reached[f.Template()] = true, true
			}
		}
		for _, f := range slices.Sorted(maps.Keys(c.caps.Change)) {
			_, compared := c.caps.Ability(f)
			if compared && !reached[f.Template()] && !slices.Contains(unwritten, f) {
				t.Errorf("%s can change %s, and no field of a manifest that it honours leads there", c.name, f)
			}
		}
	}
}

func TestCells(t *testing.T) {
	caps := providers.Capabilities{
		Change: map[providers.Field]providers.Ability{
			providers.FieldCPU: providers.LiveInHeadroom, providers.FieldTags: providers.Live, providers.FieldTPM: providers.Replace,
			providers.FieldAutostart: providers.Live, providers.FieldVTd: providers.Restart,
			providers.FieldExtraConfig: providers.Restart,
		},
		Honours: providers.Honours{
			"VMClass.spec.cpu":                             {},
			"VMClass.spec.extraConfig":                     {Field: providers.FieldAutostart, Note: "autostart alone"},
			"VMClass.spec.securityProfile.tpmEnabled":      {},
			"VMClass.spec.securityProfile.vtdEnabled":      {},
			"VMClass.spec.firmware":                        {},
			"VirtualMachine.spec.tags":                     {},
			"VirtualMachine.spec.placement":                {Act: providers.AtCreation},
			"VirtualMachine.spec.placement.host":           {Act: providers.Refuse},
			"VMImage.spec.metadata":                        {Act: providers.Describe},
			"VMImage.spec.source.vsphere":                  {Act: providers.Elsewhere},
			"VirtualMachine.spec.disks[].storageClass":     {Act: providers.Ignore},
			"VirtualMachine.spec.disks[].expandPolicy":     {Act: providers.Follow},
			"VMNetworkAttachment.spec.network.libvirt.mtu": {Act: "odd"},
		},
	}
	for path, want := range map[string]string{
		"VMClass.spec.cpu":                             roomy,
		"VMClass.spec.extraConfig":                     live,
		"VMClass.spec.securityProfile.tpmEnabled":      anew,
		"VMClass.spec.securityProfile.vtdEnabled":      restart,
		"VMClass.spec.firmware":                        "", // said to be applied, and not compared
		"VirtualMachine.spec.tags":                     live,
		"VirtualMachine.spec.placement.cluster":        creation,
		"VirtualMachine.spec.placement.host":           refused,
		"VMImage.spec.metadata.version":                nothing,
		"VMImage.spec.source.vsphere.templateName":     other,
		"VirtualMachine.spec.disks[].storageClass":     ignored,
		"VirtualMachine.spec.disks[].expandPolicy":     heeded,
		"VirtualMachine.spec.snapshot":                 ignored, // without an entry
		"VMNetworkAttachment.spec.network.libvirt.mtu": "",      // an act that nobody knows
	} {
		if got, _ := cell(&caps, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
