package vcsim

import (
	"os"
	"path/filepath"
)

// WriteLogin writes the credentials into a folder, a file each, as a host has
// them.
func (s *Server) WriteLogin(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, value := range s.Credentials() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value.Reveal()), 0o600); err != nil {
			return err
		}
	}
	return nil
}
