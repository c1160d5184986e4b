package seed

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// Facts is what the raw text of Describe tells of a VM.
type Facts struct {
	Name     string
	Hardware providers.Hardware
}

// Raw reads the text that Describe gives beside its answer, in the words of
// the server. A text that cannot be read, or that says a thing twice, tells
// nothing: a guest chooses its host name, and not every server escapes it.
func (p *Peer) Raw(text string) Facts {
	var f Facts
	h := &f.Hardware
	switch {
	case p.Ours, p.Type == "vsphere":
		h.CPU = positive(int(rawNumber(text, "cpu_count")))
		h.MemoryMiB = positive(rawNumber(text, "memory_mb"))
		f.Name = rawText(text, "name")
	case p.Type == "libvirt":
		h.CPU = positive(int(rawNumber(text, "CPU(s)")))
		h.MemoryMiB = positive(rawNumber(text, "Used memory") / 1024)
		h.MemoryMaxMiB = positive(rawNumber(text, "Max memory") / 1024)
		f.Name = rawText(text, "Name")
	}
	return f
}

// number is a number that is followed by nothing, by KiB, or by what ends a
// value.
var number = regexp.MustCompile(`^\s*"?([0-9]{1,15})(?: KiB)?"?\s*[,}]`)

// rawNumber returns the number that stands once at a key; 0: none does.
func rawNumber(text, key string) int64 {
	rest, ok := once(text, key)
	if !ok {
		return 0
	}
	m := number.FindStringSubmatch(rest)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// rawText returns the text that stands once at a key of proper JSON.
func rawText(text, key string) string {
	if _, ok := once(text, key); !ok {
		return ""
	}
	var all map[string]json.RawMessage
	var s string
	if json.Unmarshal([]byte(text), &all) != nil || json.Unmarshal(all[key], &s) != nil {
		return ""
	}
	return s
}

// once returns what stands behind a key that is in the text exactly once.
func once(text, key string) (rest string, ok bool) {
	quoted := regexp.MustCompile(`"` + regexp.QuoteMeta(key) + `"\s*:`)
	at := quoted.FindAllStringIndex(text, 2)
	if len(at) != 1 {
		return "", false
	}
	return strings.TrimLeft(text[at[0][1]:], " "), true
}
