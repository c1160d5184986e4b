package providers_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmsteward/vmsteward/providers"
)

func TestUnknownFactsAreNullAndZeroIsZero(t *testing.T) {
	type fact struct {
		CPU  providers.Opt[int]
		Tags providers.Opt[[]string]
		On   providers.Opt[bool]
	}
	for _, row := range []struct {
		fact   fact
		json   string
		reason string
	}{
		{fact{}, `{"CPU":null,"Tags":null,"On":null}`, "nothing is known"},
		{fact{CPU: providers.Known(0), On: providers.Known(false)}, `{"CPU":0,"Tags":null,"On":false}`, "zero is a fact"},
		{fact{Tags: providers.Known([]string{})}, `{"CPU":null,"Tags":[],"On":null}`, "no tags is a fact"},
		{fact{CPU: providers.Known(4), Tags: providers.Known([]string{"a"})}, `{"CPU":4,"Tags":["a"],"On":null}`, "facts as they are"},
	} {
		b, err := json.Marshal(row.fact)
		if err != nil || string(b) != row.json {
			t.Errorf("%s: %s, %v; want %s", row.reason, b, err, row.json)
		}
		back := fact{CPU: providers.Known(99)} // what is read replaces what was there
		if err := json.Unmarshal([]byte(row.json), &back); err != nil {
			t.Errorf("%s: %v", row.reason, err)
		}
		if diff := cmp.Diff(row.fact, back); diff != "" {
			t.Errorf("%s, read back (-want +got):\n%s", row.reason, diff)
		}
	}
	if err := json.Unmarshal([]byte(`{"CPU":"four"}`), &fact{}); err == nil {
		t.Error("a text was read as a number")
	}
}
