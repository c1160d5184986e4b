package vsphere

import (
	"bytes"
	"encoding/json"
	stdflag "flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vmsteward/vmsteward/providers"
)

var update = stdflag.Bool("update", false, "write the golden files anew")

// seen is what is made of one VM, as the golden files have it.
type seen struct {
	VM        *providers.VM  `json:"vm,omitempty"` // nil: it is in no inventory
	Error     string         `json:"error,omitempty"`
	Kind      providers.Kind `json:"kind,omitempty"`
	MayBeOurs bool           `json:"mayBeOurs,omitempty"` // of one that cannot be read
}

var names = networkNames{"dvportgroup-31": "lan-7", "5b7d-nsx": "overlay"}

// TestConvert reads VMs as a vCenter writes them. The name of each file says
// what is special about it.
func TestConvert(t *testing.T) {
	files, err := filepath.Glob("testdata/seen/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".xml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			content, err := decode(text)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".xml")+".json", see(content))
		})
	}
}

func decode(text []byte) (*types.ObjectContent, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.TypeFunc = types.TypeFunc()
	content := &types.ObjectContent{}
	return content, d.Decode(content)
}

// see is what List does with one VM.
func see(o *types.ObjectContent) seen {
	r := newRoll(nil)
	r.names = names
	r.take(o)
	inv, _ := r.inventory()
	switch {
	case len(inv.Problems) == 1:
		err := inv.Problems[0].Err
		return seen{Error: err.Error(), Kind: providers.KindOf(err), MayBeOurs: !inv.Complete}
	case len(inv.VMs) == 1:
		return seen{VM: &inv.VMs[0]}
	}
	return seen{}
}

func golden(t *testing.T, file string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(text)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}
