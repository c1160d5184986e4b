package manifest

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestKeyIsTheKeyOfAJSONObject(t *testing.T) {
	want := map[Key]int{{"lab", "web"}: 1, {"", "host"}: 2}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got map[Key]int
	if err := json.Unmarshal(text, &got); err != nil || got[Key{"lab", "web"}] != 1 || got[Key{"", "host"}] != 2 {
		t.Errorf("%s reads back as %v, %v", text, got, err)
	}
	if string(text) != `{"host":2,"lab/web":1}` {
		t.Errorf("written as %s", text)
	}
	if err := json.Unmarshal([]byte(`{"lab/":1}`), &got); err == nil {
		t.Error("a key without a name is read")
	}
}

func TestKeysAreOrderedByNamespaceThenName(t *testing.T) {
	keys := []Key{{"b", "a"}, {"a", "b"}, {"a", "a"}, {"a", "b"}}
	slices.SortFunc(keys, Key.Compare)
	if want := []Key{{"a", "a"}, {"a", "b"}, {"a", "b"}, {"b", "a"}}; !slices.Equal(keys, want) {
		t.Errorf("sorted %v, want %v", keys, want)
	}
}

func TestPlacesAreWrittenAsCompilersDo(t *testing.T) {
	for want, p := range map[string]Position{"a.yaml": {File: "a.yaml"}, "a.yaml:3": {"a.yaml", 3, 0}, "a.yaml:3:7": {"a.yaml", 3, 7}} {
		if p.String() != want {
			t.Errorf("String() = %q, want %q", p, want)
		}
	}
	if got := (IntOrPercent{25, true}).String() + (IntOrPercent{3, false}).String(); got != "25%3" {
		t.Errorf("IntOrPercent writes %q", got)
	}
}
