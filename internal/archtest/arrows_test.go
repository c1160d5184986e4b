package archtest

import (
	"encoding/json"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/vmsteward/vmsteward/"

// room is a folder with everything below it that is not a room of its own. may
// lists what it may import of ours: a package, or with a slash at the end,
// everything below it.
type room struct {
	path   string
	may    string
	deny   string // packages of others, with everything below them
	reason string
}

// rooms is the picture of docs/architecture.md; the first that fits is the one.
var rooms = []room{
	{"manifest", "internal/", "os net context log k8s.io", "words know no file, no network, no time"},
	{"sources/git", "sources sources/internal/ internal/", "", "a Git bug can never be a YAML bug"},
	{"sources/dir", "sources sources/internal/ internal/", "", "a source knows no VM"},
	{"sources/sourcetest", "sources internal/", "", "a source knows no VM"},
	{"sources/internal", "sources internal/", "", "a source knows no VM"},
	{"sources", "internal/", "github.com/go-git", "the contract knows no source"},
	{"providers/cloudinit", "providers manifest internal/", "github.com/digitalocean github.com/vmware", "words for the guest know no hypervisor"},
	{"providers/libvirt", "providers providers/cloudinit manifest internal/", "github.com/vmware", "a provider knows no other, and no plan"},
	{"providers/vsphere", "providers providers/cloudinit manifest internal/", "github.com/digitalocean", "a provider knows no other, and no plan"},
	{"providers/memory/memorytest", "providers providers/memory providers/providertest manifest internal/", "github.com/digitalocean github.com/vmware", "the suite knows the contract alone"},
	{"providers/memory", "providers manifest internal/", "github.com/digitalocean github.com/vmware", "a provider knows no other, and no plan"},
	{"providers/remote/rpc", "internal/", "", "generated code knows its schema alone"},
	{"providers/remote/remotetest", "providers providers/providertest providers/remote providers/remote/ manifest internal/", "github.com/digitalocean github.com/vmware", "the suite knows the contract alone"},
	{"providers/remote/kit", "providers/remote/rpc internal/", "", "what others begin with knows the schemas alone"},
	{"providers/remote", "providers providers/remote/rpc/ manifest internal/", "github.com/digitalocean github.com/vmware", "a wire knows no hypervisor"},
	{"providers/conformance", "providers providers/providertest manifest internal/", "github.com/digitalocean github.com/vmware", "a verdict knows the contract alone"},
	{"providers/providertest", "providers manifest internal/", "github.com/digitalocean github.com/vmware", "the suite knows the contract alone"},
	{"providers", "manifest internal/", "github.com/digitalocean github.com/vmware libvirt.org", "the contract knows no SDK"},
	{"reconcile/plan", "providers manifest internal/", "os net context log math/rand sync", "judgement is pure"},
	{"reconcile/journal", "manifest internal/", "net", "memory decides nothing"},
	{"reconcile", "reconcile/plan reconcile/journal providers sources manifest internal/",
		"github.com/digitalocean github.com/vmware github.com/go-git os", "sequence knows no hypervisor and no Git"},
	{"daemon", "reconcile reconcile/ providers providers/ sources sources/ manifest internal/",
		"github.com/digitalocean github.com/vmware github.com/go-git", "life wires, and leaves words to the rooms"},
	{"cmd", "daemon reconcile reconcile/plan providers providers/memory providers/vsphere/vcsim providers/conformance providers/providertest providers/remote/kit manifest internal/",
		"github.com/digitalocean github.com/vmware", "the person needs values to print"},
	{"systemd", "internal/", "", "units know no code"},
	{"internal/bench", "daemon reconcile reconcile/ providers providers/ sources sources/ manifest internal/",
		"", "a bench drives every room, and none knows of it"},
	{"internal/fieldtable", "providers providers/ manifest internal/", "", "a page of what providers state, and nothing knows of it"},
	{"internal", "internal/", "", "tools know no room"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

// TestArrows holds who may import whom.
func TestArrows(t *testing.T) {
	for _, p := range listPackages(t) {
		rel := strings.TrimPrefix(p.ImportPath, module)
		r, ok := roomOf(rel)
		if !ok {
			t.Errorf("%s is in no room; add it to the table and to docs/architecture.md, or move it", rel)
			continue
		}
		for _, imp := range p.Imports {
			if why := r.refuses(imp); why != "" {
				t.Errorf("%s imports %s: %s", rel, imp, why)
			}
		}
	}
}

// refuses says why the room may not import a package; empty: it may.
func (r room) refuses(imp string) string {
	ours, isOurs := strings.CutPrefix(imp, module)
	if !isOurs {
		for _, d := range strings.Fields(r.deny) {
			if imp == d || strings.HasPrefix(imp, d+"/") {
				return r.reason
			}
		}
		return ""
	}
	if in, _ := roomOf(ours); in == r {
		return ""
	}
	for _, m := range strings.Fields(r.may) {
		if ours == m || strings.HasSuffix(m, "/") && strings.HasPrefix(ours, m) {
			return ""
		}
	}
	return r.reason
}

func roomOf(rel string) (room, bool) {
	for _, r := range rooms {
		if rel == r.path || strings.HasPrefix(rel, r.path+"/") {
			return r, true
		}
	}
	return room{}, false
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = path.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
