package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// The limits of one YAML document. What an API server would take is far below.
const (
	maxStructure = 100_000  // lines, commas and opening brackets
	maxDepth     = 100      // objects and lists in each other
	maxNodes     = 200_000  // values, aliases followed
	maxExpanded  = 16 << 20 // bytes of text, aliases followed
)

// problem is a fault of a whole document, at a line of it; 0: the first.
type problem struct {
	line    int
	message string
	hint    string
}

// parseNodes reads the document as YAML nodes, for positions and identity. It
// returns nil and no problem when there is no content.
func (s *source) parseNodes() (*yamlv3.Node, *problem) {
	if n := countStructure(s.text); n > maxStructure {
		return nil, &problem{message: fmt.Sprintf("document has more than %d lines, commas and brackets", maxStructure)}
	}
	var doc, rest yamlv3.Node
	dec := yamlv3.NewDecoder(bytes.NewReader(s.text))
	switch err := guarded(func() error { return dec.Decode(&doc) }); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, s.parseProblem(err)
	}
	if err := guarded(func() error { return dec.Decode(&rest) }); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, s.parseProblem(err)
		}
		return nil, &problem{line: rest.Line, message: "content after the end of the document", hint: "begin a document with ---"}
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	m := measurer{seen: make(map[*yamlv3.Node]measure)}
	if _, p := m.node(root, 0); p != nil {
		return nil, p
	}
	return root, nil
}

// guarded keeps a panic of a parser from ending the process.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("yaml: the parser gave up")
		}
	}()
	return f()
}

func countStructure(text []byte) int {
	n := 0
	for _, c := range text {
		if c == '\n' || c == ',' || c == '[' || c == '{' {
			n++
		}
	}
	return n
}

var parserLine = regexp.MustCompile(`^line (\d+): `)

// unknownAnchor is how the parser begins to name an alias that refers to
// nothing; the name may be a secret that somebody did not quote.
const unknownAnchor = "unknown anchor '"

// parseProblem words an error of the parser. All its other texts hold no
// values of the document.
func (s *source) parseProblem(err error) *problem {
	p := &problem{message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if _, name, ok := strings.Cut(p.message, unknownAnchor); ok {
		name, _, _ = strings.Cut(name, "'")
		p.line = s.lineOf("*" + name)
		p.message, p.hint = "an unquoted text that begins with * is an alias", "quote it"
		return p
	}
	if m := parserLine.FindStringSubmatch(p.message); m != nil {
		p.line, _ = strconv.Atoi(m[1])
		p.message = p.message[len(m[0]):]
	}
	if line := tabIndented(s.text); line > 0 && strings.Contains(p.message, "cannot start any token") {
		return &problem{line: line, message: "indented with a tab", hint: "indent with spaces"}
	}
	p.message = "not valid YAML: " + p.message
	return p
}

// lineOf returns the first line that holds text, and 0.
func (s *source) lineOf(text string) int {
	before, _, found := bytes.Cut(s.text, []byte(text))
	if !found {
		return 0
	}
	return 1 + bytes.Count(before, []byte{'\n'})
}

// tabIndented returns the first line that begins with blanks and a tab, and 0.
func tabIndented(text []byte) int {
	line := 0
	for l := range bytes.Lines(text) {
		line++
		if bytes.HasPrefix(bytes.TrimLeft(l, " "), []byte{'\t'}) && len(bytes.TrimSpace(l)) > 0 {
			return line
		}
	}
	return 0
}

// measure is the size of a node with its aliases followed.
type measure struct{ nodes, bytes int }

// measurer sizes every node once, so that a document that would unfold into
// gigabytes is refused at the price of its own length.
type measurer struct {
	seen map[*yamlv3.Node]measure
}

func (m *measurer) node(n *yamlv3.Node, depth int) (measure, *problem) {
	if depth > maxDepth {
		return measure{}, &problem{line: n.Line, message: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
	}
	if n.Kind == yamlv3.AliasNode {
		known, ok := m.seen[n.Alias]
		if !ok {
			return measure{}, &problem{line: n.Line, message: "an alias refers to what it is in"}
		}
		return known, nil
	}
	total := measure{1, len(n.Value)}
	for _, c := range n.Content {
		part, p := m.node(c, depth+1)
		if p != nil {
			return measure{}, p
		}
		total.nodes += part.nodes
		total.bytes += part.bytes
		if total.nodes > maxNodes || total.bytes > maxExpanded {
			return measure{}, &problem{line: n.Line, message: "aliases unfold into too much"}
		}
	}
	if n.Anchor != "" {
		m.seen[n] = total
	}
	return total, nil
}

// parseValues reads the document as kubectl does, with numbers kept as written.
func (s *source) parseValues() (v any, canonical []byte, err error) {
	err = guarded(func() error {
		canonical, err = yaml.YAMLToJSON(s.text)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(canonical))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, canonical, err
}

// at returns the place of what steps lead to below root, or of what is nearest
// to it: of the key for an object or a list, of the value for the rest.
func (s *source) at(root *yamlv3.Node, steps []step) Position {
	value, key := locate(root, steps)
	return s.of(key, value)
}

// of returns the place of a value, which has a key unless it is an item of a
// list or the document itself.
func (s *source) of(key, value *yamlv3.Node) Position {
	if key != nil && value.Kind != yamlv3.ScalarNode {
		value = key
	}
	return s.position(value.Line, value.Column)
}

// yaml11Booleans are the plain words that kubectl reads as booleans.
var yaml11Booleans = regexp.MustCompile(`^([yY]|[nN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|false|False|FALSE)$`)

// checkKeys looks for keys that are written twice and for keys that are not
// strings, below n.
func (d *decoder) checkKeys(n *yamlv3.Node) {
	for _, c := range n.Content {
		if c.Kind != yamlv3.AliasNode {
			d.checkKeys(c)
		}
	}
	if n.Kind != yamlv3.MappingNode {
		return
	}
	first := make(map[string]*yamlv3.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !stringKey(k) {
			d.addAt(k, "key must be a string", "quote it")
			continue
		}
		if before, twice := first[k.Value]; twice {
			at := d.source.position(before.Line, before.Column)
			d.addAt(k, fmt.Sprintf("key `%s` is written twice, before at line %d", clip(k.Value), at.Line), "")
			continue
		}
		first[k.Value] = k
	}
}

// stringKey tells whether kubectl's rules and ours read a key as the same text.
func stringKey(k *yamlv3.Node) bool {
	if k.Kind != yamlv3.ScalarNode {
		return false
	}
	plain := k.Style&(yamlv3.SingleQuotedStyle|yamlv3.DoubleQuotedStyle|yamlv3.LiteralStyle|yamlv3.FoldedStyle) == 0
	switch k.Tag {
	case "!!str":
		return !plain || !yaml11Booleans.MatchString(k.Value)
	case "!!merge":
		return true
	case "!!int":
		i, err := strconv.Atoi(k.Value)
		return err == nil && strconv.Itoa(i) == k.Value
	}
	return false
}

func (d *decoder) addAt(n *yamlv3.Node, message, hint string) {
	if d.full(Error) {
		return
	}
	d.add(Finding{
		At: d.source.position(n.Line, n.Column), Severity: Error, Kind: d.kind, Object: d.key,
		Message: message, Hint: hint,
	})
}
