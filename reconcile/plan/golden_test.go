package plan

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// stories are inputs whose plans people read, one golden file each.
var stories = map[string]func() *scenario{
	"everything-as-wanted": func() *scenario { return scene(wantedVM("db"), wantedVM("web")) },
	"first-commit": func() *scenario {
		s := scene()
		s.Wanted = []*manifest.VM{wantedVM("web"), wantedVM("db")}
		s.Wanted[1].Power, s.Wanted[1].Disks, s.Wanted[1].Tags = manifest.PowerOff, nil, nil
		return s
	},
	"commit-and-drift-together": func() *scenario {
		s := scene(wantedVM("web"))
		s.Wanted[0].CPU, s.Wanted[0].Disks[0].SizeGiB = 4, 80
		both(s.machine("web"), func(h *providers.Hardware) { h.NICs[0].Network = "guests" })
		s.machine("web").Tags = providers.Known([]string{"by-hand"})
		return s
	},
	"restart-waits-for-its-window": func() *scenario {
		s := scene(wantedVM("web"))
		s.Policy.Window = Window{Restricted: true, Opens: noon.Add(10 * time.Hour)}
		s.Wanted[0].CPU, s.Wanted[0].MemoryMiB = 64, 3072
		return s
	},
	"drift-is-only-reported": func() *scenario {
		s := scene(wantedVM("web"), wantedVM("db"), wantedVM("mail"))
		s.Policy.Drift = ReportOnly
		off(s.machine("web"))
		s.gone("db")
		return s
	},
	"retire-keep-delete": func() *scenario {
		s := scene(wantedVM("stays"), wantedVM("left-today"), wantedVM("left-yesterday"), wantedVM("left-long-ago"))
		s.Wanted = s.Wanted[:1]
		for name, ago := range map[string]time.Duration{"left-yesterday": 20 * time.Hour, "left-long-ago": 300 * time.Hour} {
			off(s.machine(name))
			s.machine(name).Mark.Retired = noon.Add(-ago)
		}
		return s
	},
	"an-accident": func() *scenario {
		s := scene(wantedVM("a"), wantedVM("b"), wantedVM("c"), wantedVM("d"))
		s.Wanted = s.Wanted[:1]
		return s
	},
	"a-file-is-torn": func() *scenario {
		s := scene(wantedVM("a"), wantedVM("b"))
		s.Wanted, s.Incomplete = s.Wanted[:1], "vms/b.yaml:3:1: not YAML"
		s.Wanted[0].CPU = 4
		return s
	},
	"one-provider-is-down": func() *scenario {
		s := scene(wantedVM("web"), wantedVM("db"))
		s.Wanted[1].Provider, s.Wanted[0].CPU = annex, 4
		s.gone("db")
		s.Endpoints = append(s.Endpoints, Endpoint{Key: annex, Caps: testCaps(), Unreachable: "no route to host"})
		return s
	},
	"names-of-others": func() *scenario {
		s := scene(wantedVM("web"), wantedVM("db"), wantedVM("mail"))
		s.machine("web").Mark = nil
		s.machine("db").Mark.Owner.Fleet = "other"
		s.find(&providers.VM{ID: "x", Name: "printer", Power: providers.On})
		return s
	},
	"what-cannot-be-done": func() *scenario {
		s := scene(wantedVM("web"), wantedVM("db"))
		s.Wanted[0].Disks, s.Wanted[0].Firmware, s.Wanted[0].RootDisk.SizeGiB = nil, manifest.FirmwareBIOS, 10
		s.Wanted[1].CPU = 4
		s.fact("db", func(f *Facts) { f.Signature, f.Strikes = signatureOf(Diff{Field: "cpu", Wanted: "4"}), 2 })
		return s
	},
}

func TestGoldenPlans(t *testing.T) {
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			p := Build(story().Input)
			golden(t, name+".txt", transcript(&p))
		})
	}
}

func TestGoldenJSON(t *testing.T) {
	p := Build(stories["commit-and-drift-together"]().Input)
	b, err := json.MarshalIndent(&p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "commit-and-drift-together.json", string(b)+"\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update makes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// transcript tells a plan to somebody who does not know Go.
func transcript(p *Plan) string {
	var b strings.Builder
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for i := range p.Items {
		it := p.Items[i]
		fmt.Fprintf(&b, "%s on %s: %s, because %s\n", it.VM, it.Provider, it.Action, it.Reason)
		for _, d := range it.Diffs {
			fmt.Fprintf(&b, "  %s: %s, found %s; %s, %s", d.Field, d.Wanted, d.Found, d.Disruption, d.Verdict)
			if d.Drift {
				b.WriteString(", drift")
			}
			if d.Reason != "" {
				fmt.Fprintf(&b, " (%s)", d.Reason)
			}
			b.WriteByte('\n')
		}
		for _, op := range it.Ops {
			fmt.Fprintf(&b, "  > %s\n", opText(op))
		}
	}
	return b.String()
}
