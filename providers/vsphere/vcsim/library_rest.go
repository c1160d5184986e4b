package vcsim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vapi/vcenter"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	ovfItems      = "/com/vmware/vcenter/ovf/library-item/"
	templateItems = "/vcenter/vm-template/library-items/"
)

// shelf knows which template of the inventory an item of a library is.
type shelf struct {
	mu        sync.Mutex
	templates map[string]string // value of the reference by the item's id
}

// serveREST completes what the simulator's REST part leaves out: which template
// an item is, and the annotation of what is deployed from one.
func (s *Server) serveREST(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, isREST := strings.CutPrefix(r.URL.Path, rest.Path)
		switch {
		case isREST && r.Method == http.MethodGet && strings.HasPrefix(at, templateItems):
			s.serveTemplateItem(w, r, next)
		case isREST && r.URL.Query().Get("~action") == "deploy" && strings.HasPrefix(at, ovfItems):
			s.serveDeploy(w, r, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) serveTemplateItem(w http.ResponseWriter, r *http.Request, next http.Handler) {
	s.shelf.mu.Lock()
	ref := s.shelf.templates[path.Base(r.URL.Path)]
	s.shelf.mu.Unlock()
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK && ref != "" {
		_ = json.NewEncoder(w).Encode(map[string]any{"value": vcenter.TemplateInfo{VmTemplate: ref}})
		return
	}
	replay(w, answer)
}

func (s *Server) serveDeploy(w http.ResponseWriter, r *http.Request, next http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	var asked vcenter.Deploy
	var made struct{ Value vcenter.Deployment }
	if json.Unmarshal(body, &asked) == nil && json.Unmarshal(answer.Body.Bytes(), &made) == nil && made.Value.ResourceID != nil {
		s.annotate(types.ManagedObjectReference{Type: made.Value.ResourceID.Type, Value: made.Value.ResourceID.Value}, asked.Annotation)
	}
	replay(w, answer)
}

func (s *Server) annotate(ref types.ManagedObjectReference, text string) {
	ctx := s.model.Service.Context
	if vm, ok := ctx.Map.Get(ref).(*simulator.VirtualMachine); ok {
		ctx.WithLock(vm, func() { vm.Config.Annotation = text })
	}
}

func replay(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
