package vcsim

import (
	"bytes"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"sync"
)

// calls counts what arrives, by the name of the method.
type calls struct {
	mu     sync.Mutex
	counts map[string]int
}

func newCalls() *calls { return &calls{counts: make(map[string]int)} }

func (c *calls) count(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[method]++
}

// Calls returns how often each SOAP method was called since the start or the
// last ResetCalls, those included that failed.
func (s *Server) Calls() map[string]int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return maps.Clone(s.calls.counts)
}

// ResetCalls begins to count anew.
func (s *Server) ResetCalls() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	clear(s.calls.counts)
}

// serveSDK takes one SOAP call.
func (s *Server) serveSDK(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.calls.count(methodOf(body))
	s.model.Service.ServeSDK(w, r)
}

// methodOf returns the name of the first element in the envelope's body.
func methodOf(envelope []byte) string {
	d := xml.NewDecoder(bytes.NewReader(envelope))
	inBody := false
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := t.(xml.StartElement); ok {
			if inBody {
				return start.Name.Local
			}
			inBody = start.Name.Local == "Body"
		}
	}
}
