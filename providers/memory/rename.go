package memory

import "github.com/vmsteward/vmsteward/providers"

// renameEdit gives a VM that is off another name, which must be free.
func renameEdit(c call, name string) edit {
	return edit{
		name: "name",
		check: func(s *state, m *machine) error {
			_, taken := s.names[name]
			switch {
			case m.Name == name:
				return nil
			case m.Running != nil:
				return c.fail(providers.Conflict, "a running VM cannot be renamed")
			case taken:
				return c.fail(providers.Conflict, "another VM has the name "+name)
			}
			return nil
		},
		apply: func(s *state, m *machine) {
			delete(s.names, m.Name)
			m.Name = name
			s.names[name] = m.ID
		},
	}
}
