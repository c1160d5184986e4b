package wire

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// TestEveryWordIsSent takes the words of the contract from its source: one that
// is added there and forgotten here fails.
func TestEveryWordIsSent(t *testing.T) {
	for _, row := range []struct {
		room, kind string
		atLeast    int
		again      func(word string) string
	}{
		{"../..", "Kind", 11, func(w string) string {
			err := sent(t, t.Context(), &providers.Error{Op: "op", Kind: providers.Kind(w), Err: errors.New("why")})
			return string(providers.KindOf(err))
		}},
		{"../..", "PowerState", 4, func(w string) string { return string(decodePower(encodePower(providers.PowerState(w)))) }},
		{"../..", "PowerOp", 4, func(w string) string {
			op, err := DecodePowerOp(EncodePowerOp(providers.PowerOp(w)))
			if err != nil {
				return err.Error()
			}
			return string(op)
		}},
		{"../..", "Ability", 6, func(w string) string { return string(abilityOf(w)) }},
		{"../..", "Act", 7, func(w string) string { return string(actOf(w)) }},
		{"../../../manifest", "Power", 2, func(w string) string {
			vm, err := DecodeWanted(EncodeWanted(&manifest.VM{Key: manifest.Key{Name: "web"}, Power: manifest.Power(w)}))
			if err != nil {
				return err.Error()
			}
			return string(vm.Power)
		}},
	} {
		words := wordsOf(t, row.room, row.kind)
		if len(words) < row.atLeast {
			t.Errorf("%s has the words %q, want %d", row.kind, words, row.atLeast)
		}
		for _, w := range words {
			if got := row.again(w); got != w {
				t.Errorf("the %s %q became %q", row.kind, w, got)
			}
		}
	}
	if got := DecodeFailure(&stewardv1.Failure{Kind: "Purple", Message: "new"}); providers.KindOf(got) != providers.Unrecognised {
		t.Errorf("a kind of a newer peer became %s", providers.KindOf(got))
	}
}

// wordsOf returns the values of the constants of a type, from the source of its
// package.
func wordsOf(t *testing.T, dir, kind string) (words []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			id, ok := spec.Type.(*ast.Ident)
			if !ok || id.Name != kind {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					word, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					words = append(words, word)
				}
			}
			return true
		})
	}
	return words
}
