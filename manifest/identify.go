package manifest

import (
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// identity is what a document says it is, read from the nodes so that it is
// known also where the rest of the document cannot be decoded.
type identity struct {
	apiVersion, kind, name, namespace string
	ambiguous                         bool // one of these is written twice, or is not a text
}

// identify reads the identity of a mapping.
func identify(root *yamlv3.Node) identity {
	var id identity
	id.apiVersion = id.text(root, "apiVersion")
	id.kind = id.text(root, "kind")
	if meta := id.only(root, "metadata"); meta != nil {
		id.name = id.text(meta, "name")
		id.namespace = id.text(meta, "namespace")
	}
	return id
}

// only returns the value of a key, and nil when it is absent.
func (id *identity) only(n *yamlv3.Node, key string) *yamlv3.Node {
	count := 0
	for i := 0; i+1 < len(n.Content) && n.Kind == yamlv3.MappingNode; i += 2 {
		if n.Content[i].Value == key {
			count++
		}
	}
	id.ambiguous = id.ambiguous || count > 1
	if _, v := child(n, step{key: key}, 0); v != nil {
		return deref(v)
	}
	return nil
}

func (id *identity) text(n *yamlv3.Node, key string) string {
	v := id.only(n, key)
	if v == nil || v.Tag == "!!null" {
		return ""
	}
	id.ambiguous = id.ambiguous || v.Kind != yamlv3.ScalarNode
	return v.Value
}

// agrees tells whether the plain values say the same identity. Values that are
// not texts are findings of their own.
func (id identity) agrees(v any) bool {
	root, _ := v.(map[string]any)
	meta, _ := root["metadata"].(map[string]any)
	same := func(v any, want string) bool {
		s, text := v.(string)
		return !text || s == want
	}
	return same(root["apiVersion"], id.apiVersion) && same(root["kind"], id.kind) &&
		same(meta["name"], id.name) && same(meta["namespace"], id.namespace)
}

// group is the part of the apiVersion before the slash.
func (id identity) group() string {
	g, _, found := strings.Cut(id.apiVersion, "/")
	if !found {
		return ""
	}
	return g
}

// standing is how a document relates to the kinds of this package.
type standing int

const (
	ours        standing = iota
	foreign              // another kind; skipped
	notManifest          // no manifest at all; skipped, with a warning
	misnamed             // meant as one of ours, but its version is wrong; kind and name are known
	unknown              // it cannot be told what it is
)

// classify tells what to do with a document, and why when it is not decoded.
func (id identity) classify(root *yamlv3.Node) (standing, string, string) {
	_, known := findKind(id.kind)
	apiVersionFor := APIVersion
	if id.kind == KindSecret {
		apiVersionFor = secretAPIVersion
	}
	if known && !id.ambiguous && id.apiVersion == apiVersionFor {
		return ours, "", ""
	}
	ourGroup := id.group() == apiGroup || nearest(id.group(), []string{apiGroup}) != ""
	nearKind := nearest(id.kind, kindNames())
	switch {
	case id.ambiguous:
		return unknown, "cannot tell which object this is: apiVersion, kind, name or namespace is written twice or is not a text", ""
	case id.kind == "" && !ourGroup && !id.resemblesManifest(root):
		return notManifest, "not a manifest: it has no kind", ""
	case id.kind == "":
		return unknown, "kind is missing", ""
	case known && (id.apiVersion == "" || ourGroup):
		return misnamed, "apiVersion " + quoteOrMissing(id.apiVersion), "write apiVersion: " + apiVersionFor
	case ourGroup || id.apiVersion == "" && nearKind != "":
		hint := ""
		if nearKind != "" {
			hint = "did you mean `" + nearKind + "`?"
		}
		return unknown, "kind `" + clip(id.kind) + "` is not one of ours", hint
	}
	return foreign, "", ""
}

func quoteOrMissing(s string) string {
	if s == "" {
		return "is missing"
	}
	return "`" + clip(s) + "` is not served"
}

// resemblesManifest tells whether a mapping without kind has a key that
// manifests have at their top, or nearly so. An apiVersion that is there, of
// another group, is no sign: a Helm chart has one.
func (id identity) resemblesManifest(root *yamlv3.Node) bool {
	top := []string{"kind", "metadata", "spec"}
	if id.apiVersion == "" {
		top = append(top, "apiVersion")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if k := root.Content[i]; k.Tag == "!!merge" || slices.Contains(top, k.Value) || len(k.Value) > 3 && nearest(k.Value, top) != "" {
			return true
		}
	}
	return false
}

func kindNames() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.kind)
	}
	return names
}
