package manifest

import (
	"strconv"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestWordsKeepOneCopy(t *testing.T) {
	var w words
	text := func(n int) string { return strconv.Itoa(n) } // made anew, equal texts apart
	if a, b := w.text(text(1234)), w.text(text(1234)); a != "1234" || unsafe.StringData(a) != unsafe.StringData(b) {
		t.Errorf("texts %q and %q are two copies", a, b)
	}
	a, b := w.list([]string{text(1), text(2)}), w.list([]string{text(1), text(2)})
	if &a[0] != &b[0] || cmp.Diff([]string{"1", "2"}, a) != "" {
		t.Errorf("lists %q and %q are two copies", a, b)
	}
	one := w.table(map[string]string{"a": "1", "b": "2"})
	one["seen"] = "by both"
	if two := w.table(map[string]string{"b": "2", "a": "1"}); two["seen"] == "" {
		t.Error("equal maps are two copies")
	}
	if w.list([]string{}) != nil || w.table(map[string]string{}) != nil {
		t.Error("what is empty is not nil")
	}
}

// Neighbours in a key must not run into each other.
func TestWordsTellUnlikeThingsApart(t *testing.T) {
	var w words
	for _, l := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"a", "b", "c"}, {"", "abc"}} {
		if diff := cmp.Diff(l, w.list(append([]string(nil), l...))); diff != "" {
			t.Error(diff)
		}
	}
	for _, m := range []map[string]string{{"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "", "b": "c"}} {
		want := make(map[string]string)
		for k, v := range m {
			want[k] = v
		}
		if diff := cmp.Diff(want, w.table(m)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWordsAreBounded(t *testing.T) {
	var w words
	for i := range 10 * maxWords {
		w.text(strconv.Itoa(i))
		w.list([]string{strconv.Itoa(i)})
		w.table(map[string]string{"a": strconv.Itoa(i)})
	}
	if len(w.texts) > maxWords || len(w.lists) > maxWords || len(w.maps) > maxWords {
		t.Errorf("%d texts, %d lists and %d maps are kept, want at most %d of each", len(w.texts), len(w.lists), len(w.maps), maxWords)
	}
}
