package vcsim

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // the REST part: content library, tags
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Server is a simulated vCenter. Its methods can be called from many
// goroutines.
type Server struct {
	opts  Options
	model *simulator.Model
	admin *vim25.Client // in process
	cert  *certificate
	line  *line
	http  *http.Server
	inner *simulator.Server // the simulator's own, for what it asks of itself
	done  chan struct{}     // closed when http has ended

	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	calls    *calls
	faults   *faults
	law      *law
	guests   *guests
	blurs    *blurs
	waits    *waits
	sessions *sessions
	loose    *loose
	shelf    shelf
	world    sync.Mutex     // held by who changes or reads the inventory, which the simulator itself guards in parts only
	tasks    sync.WaitGroup // of the law
	serials  atomic.Int64
}

// quiet keeps the simulator's words to itself: it logs what it refuses through
// the standard library's logger, which nobody else here uses.
var quiet = sync.OnceFunc(func() { log.SetOutput(io.Discard) })

// Start starts a server. Close it.
func Start(opts Options) (*Server, error) {
	opts.fill()
	quiet()
	cert, err := newCertificate(opts.Names, opts.Expired)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, model: opts.model(), cert: cert, done: make(chan struct{}),
		calls: newCalls(), guests: newGuests(Guest{Tools: !opts.NoTools}), blurs: newBlurs(), waits: newWaits(), sessions: newSessions(), loose: newLoose(),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.faults, s.law = newFaults(s.ctx.Done()), newLaw(s)
	if err := s.model.Create(); err != nil {
		return nil, err
	}
	s.enact()
	if err := s.furnish(); err != nil {
		s.model.Remove()
		return nil, err
	}
	if err := s.listen(); err != nil {
		s.model.Remove()
		return nil, err
	}
	return s, nil
}

// listen puts the simulator's handlers behind TLS and behind our own counting.
// The simulator brings a server with it, in the clear, by which the REST part
// asks the SOAP part.
func (s *Server) listen() error {
	svc := s.model.Service
	svc.RegisterEndpoints = true
	svc.ServeMux = http.NewServeMux()
	svc.ServeMux.HandleFunc("POST "+vim25.Path, s.serveSDK)
	svc.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword(s.opts.Username, s.opts.Password)}
	l, err := net.Listen("tcp", s.opts.Addr)
	if err != nil {
		return err
	}
	s.inner = svc.NewServer()
	s.line = newLine(l)
	s.redirect()
	s.http = &http.Server{
		Handler:     s.serveREST(svc.ServeMux),
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // TLS handshakes that clients give up on
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{s.cert.chain}, MinVersion: tls.VersionTLS12,
		},
	}
	svc.Context.Map.SessionManager().TLS = func() *tls.Config { return s.http.TLSConfig }
	go func() {
		defer close(s.done)
		_ = s.http.ServeTLS(s.line, "", "")
	}()
	return nil
}

// enact puts the law over the simulator.
func (s *Server) enact() {
	m := s.model.Map()
	m.Put(s.law)
	m.AddHandler(s.law.index)
	m.AddHandler(s.guests)
	m.AddHandler(s.waits)
	m.AddHandler(s.loose)
	for _, vm := range m.All("VirtualMachine") {
		s.law.index.PutObject(nil, vm)
	}
	m.Handler = s.judge
}

// serial returns a name that was not used before.
func (s *Server) serial() string { return strconv.FormatInt(s.serials.Add(1), 10) }

// redirect has the simulator name our address where it names its own: in the
// URLs of uploads.
func (s *Server) redirect() {
	m := s.model.Map()
	m.SessionManager().ServiceHostName = s.line.Addr().String()
	m.OptionManager().UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{
		&types.OptionValue{Key: "vcsim.server.url", Value: s.URL()},
	}})
}

// Close ends the server and forgets its inventory.
func (s *Server) Close() error {
	s.stop()
	s.line.release()
	err := s.http.Close()
	<-s.done
	s.inner.Close()
	for _, key := range s.Sessions() {
		s.waits.end(key)
	}
	s.tasks.Wait()
	s.model.Remove()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// URL is the endpoint, without a login.
func (s *Server) URL() string { return "https://" + s.line.Addr().String() + vim25.Path }

// CA is the authority that signed the server's certificate, as PEM.
func (s *Server) CA() []byte { return s.cert.ca }

// Thumbprint is the SHA-256 of the server's certificate, "AB:CD:…".
func (s *Server) Thumbprint() string { return s.cert.thumbprint() }

// Credentials are a login, and the authority to know the server by.
func (s *Server) Credentials() secret.Set {
	return secret.Set{
		"username": secret.New(s.opts.Username),
		"password": secret.New(s.opts.Password),
		"ca.crt":   secret.New(string(s.cert.ca)),
	}
}

// Settings are what a provider of that fleet is built with. The defaults place
// VMs in DC0.
func (s *Server) Settings(fleet string) providers.Settings {
	return providers.Settings{
		Key:         manifest.Key{Namespace: "default", Name: "vcenter"},
		Fleet:       fleet,
		Type:        "vsphere",
		Endpoint:    s.URL(),
		Credentials: s.Credentials(),
		Defaults: providers.Defaults{
			Cluster: "DC0_C0", Datastore: "/DC0/datastore/LocalDS_0", Folder: "/DC0/vm", Network: "/DC0/network/DC0_DVPG0",
		},
	}
}

// Client acts as an administrator inside the server's process. Its calls are
// neither counted nor refused, and never fail by a rule.
func (s *Server) Client() *vim25.Client { return s.admin }

// Simulator is govmomi's simulator behind the server.
func (s *Server) Simulator() *simulator.Service { return s.model.Service }

// newAdmin returns a client in process.
func newAdmin(svc *simulator.Service) (*vim25.Client, error) {
	return vim25.NewClient(context.Background(), svc)
}
