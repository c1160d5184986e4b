package manifest

import (
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
)

// What is kept of a document's places says the same as the document itself.
func TestPlacesAreThoseOfTheText(t *testing.T) {
	texts := []string{
		"kind: VirtualMachine\nspec: {disks: [&d {name: a, sizeGiB: 1}, *d, {<<: *d, name: b}, [], null], tags: [&t x, *t]}\n",
		"kind: VirtualMachine\nspec: &s\n  classRef: &c {name: small}\n  imageRef: *c\nmetadata: *s\n",
		"kind: VirtualMachine\nspec:\n  <<: [{classRef: {name: a}}, {imageRef:\n    {name: b}}]\n  networks:\n  -\n    name: eth0\n    networkRef:\n      name: lan\n",
		"kind: VirtualMachine\nspec: [a, b]\nmetadata: {labels: {a: b}, name: [c]}\n",
		"kind: VirtualMachine\r\rspec:\r  networks: {a: b}\n  disks: text\n",
		"# comment\n\n---\nkind: VMClass\nspec:\n" + strings.Repeat("  # far\n", 300) + "  cpu: 1\n" + strings.Repeat(" ", 200) + "\n",
		"kind: VirtualMachine\nspec: {networks: [{name: a, name: b}], networks: []}\n",
	}
	for _, content := range richFleet() {
		texts = append(texts, content)
	}
	for _, text := range texts {
		for _, s := range splitDocuments("a.yaml", []byte(text)) {
			root, p := s.parseNodes()
			if p != nil {
				t.Fatalf("%s\n%s", p.message, text)
			}
			kind, ok := findKind(identify(root).kind)
			if !ok {
				t.Fatalf("no kind in\n%s", text)
			}
			at := s.at(root, nil)
			c := placeChecker{t: t, source: s, root: root, kind: kind, at: at, kept: placesOf(s, root, kind.shape, at)}
			c.check(root, kind.shape, nil)
		}
	}
}

// placeChecker compares at every path of the schema, whether it is there or not.
type placeChecker struct {
	t      *testing.T
	source *source
	root   *yamlv3.Node
	kind   kindType
	at     Position
	kept   places
}

func (c *placeChecker) check(n *yamlv3.Node, sh *shape, steps []step) {
	c.t.Helper()
	steps = steps[:len(steps):len(steps)]
	if want, got := c.source.at(c.root, steps), c.kept.find(c.at, c.kind.shape, steps); got != want {
		c.t.Errorf("%s: want %s, got %s in\n%s", pathString(steps), want, got, c.source.text)
	}
	switch sh.form {
	case formObject:
		for i := range sh.fields {
			f := &sh.fields[i]
			next := step{key: f.name}
			var v *yamlv3.Node
			if n != nil {
				if _, v = child(n, next, 0); v != nil {
					v = deref(v)
				}
			}
			if v != nil || len(steps) < 3 {
				c.check(v, f.shape, append(steps, next))
			}
		}
	case formList:
		items := 0
		if n != nil && n.Kind == yamlv3.SequenceNode {
			items = len(n.Content)
		}
		for i := range items + 1 {
			var v *yamlv3.Node
			if i < items {
				v = deref(n.Content[i])
			}
			c.check(v, sh.elem, append(steps, step{index: i, list: true}))
		}
	}
}
