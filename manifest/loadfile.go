package manifest

// LoadFile reads one file that is already at hand, as Load reads each file of
// a tree. The name is for the findings, and its extension tells JSON from YAML.
func LoadFile(name string, data []byte, opts Options) *Set {
	l := loader{opts: &opts, set: &Set{Skipped: map[string]int{}, Complete: true}}
	l.add(decodeFile(name, data, &opts))
	return l.set
}
