package vcsim

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"reflect"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	vimxml "github.com/vmware/govmomi/vim25/xml"
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

// Total returns how many SOAP calls Calls has counted.
func (s *Server) Total() (n int) {
	for _, c := range s.Calls() {
		n += c
	}
	return n
}

// ResetCalls begins to count anew.
func (s *Server) ResetCalls() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	clear(s.calls.counts)
}

// serveSDK takes one SOAP call.
func (s *Server) serveSDK(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil { // the simulator asks itself
		s.model.Service.ServeSDK(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	method, object := callOf(body)
	s.calls.count(method)
	rule := s.faults.hit(method, object, false)
	if rule == nil {
		s.serve(w, r, method, object)
		return
	}
	if rule.EndSessions {
		s.EndSessions()
	}
	answer := &answer{header: make(http.Header)}
	if rule.Lost {
		s.serve(answer, r, method, object)
	}
	if s.struck(w, r, rule) {
		return
	}
	if !rule.Lost {
		s.serve(w, r, method, object)
		return
	}
	answer.send(w)
}

// answer holds an answer back.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write(a.body.Bytes())
}

// struck does what a rule says; it returns true if that was the answer.
func (s *Server) struck(w http.ResponseWriter, r *http.Request, rule *Rule) bool {
	pause(r.Context(), rule.Delay)
	switch {
	case rule.Hang:
		<-r.Context().Done()
	case rule.Drop:
		panic(http.ErrAbortHandler) // closes the connection
	case rule.Status != 0:
		http.Error(w, http.StatusText(rule.Status), rule.Status)
	case rule.Fault != nil:
		writeFault(w, rule.Fault)
	default:
		return false
	}
	return true
}

// serve has the simulator answer. A wait for updates ends with its caller.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, method, object string) {
	if method == "WaitForUpdatesEx" {
		if cookie, err := r.Cookie(soap.SessionCookieName); err == nil {
			stop := context.AfterFunc(r.Context(), func() { s.waits.leave(cookie.Value, object, false) })
			defer stop()
		}
		s.model.Service.ServeSDK(w, r)
		return
	}
	answer := &answer{header: make(http.Header)} // the caller may be slow to take it
	s.alone(func() { s.model.Service.ServeSDK(answer, r) })
	answer.send(w)
}

// callOf returns the method of a SOAP request, which is the first element in
// the envelope's body, and the object that it is called on.
func callOf(envelope []byte) (method, object string) {
	d := xml.NewDecoder(bytes.NewReader(envelope))
	inBody := false
	for {
		t, err := d.Token()
		if err != nil {
			return method, ""
		}
		start, ok := t.(xml.StartElement)
		switch {
		case !ok:
		case method != "":
			if start.Name.Local == "_this" {
				_ = d.DecodeElement(&object, &start)
			}
			return method, object
		case inBody:
			method = start.Name.Local
		default:
			inBody = start.Name.Local == "Body"
		}
	}
}

// writeFault answers with a fault, as a vCenter does.
func writeFault(w http.ResponseWriter, f types.BaseMethodFault) {
	name := reflect.TypeOf(f).Elem().Name()
	var detail bytes.Buffer
	e := vimxml.NewEncoder(&detail)
	start := vimxml.StartElement{Name: vimxml.Name{Local: name + "Fault"}, Attr: []vimxml.Attr{
		{Name: vimxml.Name{Local: "xmlns"}, Value: "urn:" + vim25.Namespace},
		{Name: vimxml.Name{Local: "xsi:type"}, Value: name},
	}}
	if err := e.EncodeElement(f, start); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = e.Flush()
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, xml.Header+`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"`+
		` xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`+
		`<soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring></faultstring><detail>`)
	_, _ = w.Write(detail.Bytes())
	_, _ = io.WriteString(w, `</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
}

// context returns one to act with inside the simulator.
func (s *Server) context() *simulator.Context {
	ctx := *s.model.Service.Context
	return &ctx
}
