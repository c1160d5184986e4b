package manifest

import (
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// step is one step from a value to a value in it: a key, or an index where
// key is empty and list is true.
type step struct {
	key   string
	index int
	list  bool
}

// pathString writes steps as people do: spec.disks[1].sizeGiB. Keys with a dot
// are put into brackets.
func pathString(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.list:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case strings.ContainsAny(s.key, ".[]"):
			b.WriteString("[" + strconv.Quote(s.key) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

// schemaPath writes steps without indexes: spec.disks[].sizeGiB.
func schemaPath(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.list:
			b.WriteString("[]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

// parsePath reads what pathString writes for paths without bracketed keys.
func parsePath(path string) []step {
	var steps []step
	for part := range strings.SplitSeq(path, ".") {
		key, rest, _ := strings.Cut(part, "[")
		if key != "" {
			steps = append(steps, step{key: key})
		}
		for index := range strings.SplitSeq(rest, "[") {
			if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil {
				steps = append(steps, step{index: n, list: true})
			}
		}
	}
	return steps
}

// locate follows steps from n as far as they go. It returns the node that holds
// the last value found and the node of its key (nil for list items and for n).
func locate(n *yamlv3.Node, steps []step) (value, key *yamlv3.Node) {
	value = deref(n)
	for _, s := range steps {
		k, v := child(value, s, 0)
		if v == nil {
			return value, key
		}
		value, key = deref(v), k
	}
	return value, key
}

// deref follows an alias. It takes one step only, for an alias to an alias
// cannot be written.
func deref(n *yamlv3.Node) *yamlv3.Node {
	if n.Kind == yamlv3.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

const maxMergeDepth = 8

// child returns the key and value nodes of one step, looking through merge keys.
func child(n *yamlv3.Node, s step, depth int) (key, value *yamlv3.Node) {
	if s.list {
		if n.Kind == yamlv3.SequenceNode && s.index < len(n.Content) {
			return nil, n.Content[s.index]
		}
		return nil, nil
	}
	if n.Kind != yamlv3.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == s.key {
			return n.Content[i], n.Content[i+1]
		}
	}
	for i := 0; i+1 < len(n.Content) && depth < maxMergeDepth; i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		if k, v := mergedChild(deref(n.Content[i+1]), s, depth+1); v != nil {
			return k, v
		}
	}
	return nil, nil
}

// mergedChild looks for a step in what a merge key names: a mapping or a list
// of mappings.
func mergedChild(n *yamlv3.Node, s step, depth int) (key, value *yamlv3.Node) {
	if n.Kind != yamlv3.SequenceNode {
		return child(n, s, depth)
	}
	for _, item := range n.Content {
		if k, v := child(deref(item), s, depth); v != nil {
			return k, v
		}
	}
	return nil, nil
}
