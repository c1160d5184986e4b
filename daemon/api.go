package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// The control socket speaks HTTP with JSON bodies. Whoever may open the socket
// may read; only root and the daemon's own user may act.
const (
	pathStatus = "/v1/status"
	pathPlan   = "/v1/plan"
	pathVMs    = "/v1/vms"
	pathApply  = "/v1/apply"

	pathReconcile = "/v1/reconcile"
	pathSuspend   = "/v1/suspend"
	pathResume    = "/v1/resume"
)

// maxRequest is the size of the largest request body, in bytes.
const maxRequest = 1 << 20

type peerKey struct{}

// serve listens on the socket and returns what ends it.
func (d *Daemon) serve(socket string) (func(context.Context) error, error) {
	if socket == "" {
		return func(context.Context) error { return nil }, nil
	}
	l, err := listen(socket)
	if err != nil {
		return nil, fmt.Errorf("api.socket: %w", err)
	}
	ending, end := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler: d.routes(ending), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peerOf(c))
		},
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	return func(ctx context.Context) error {
		end()
		err := srv.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// listen takes over a socket that nobody listens on any more.
func listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", socket, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("%s: another daemon answers there", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o660); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// peerOf returns the user behind a connection; nil when it cannot be known.
func peerOf(c net.Conn) *unix.Ucred {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return nil
	}
	var cred *unix.Ucred
	if raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }) != nil || err != nil {
		return nil
	}
	return cred
}

// mayAct tells whether the peer of a request may change something.
func mayAct(r *http.Request) (uid int, ok bool) {
	cred, _ := r.Context().Value(peerKey{}).(*unix.Ucred)
	if cred == nil {
		return -1, false
	}
	return int(cred.Uid), cred.Uid == 0 || int(cred.Uid) == os.Geteuid()
}

// routes is what the socket serves until ending is done.
func (d *Daemon) routes(ending context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(pathProfiles, d.profiles(ending))
	mux.HandleFunc("GET "+pathStatus, func(w http.ResponseWriter, r *http.Request) { answer(w, d.Status, r) })
	mux.HandleFunc("GET "+pathPlan, func(w http.ResponseWriter, r *http.Request) { answer(w, d.Plan, r) })
	mux.HandleFunc("GET "+pathVMs, func(w http.ResponseWriter, r *http.Request) { answer(w, d.VMs, r) })
	mux.HandleFunc("POST "+pathApply, act(d, d.Apply))
	mux.HandleFunc("POST "+pathReconcile, act(d, func(ctx context.Context, _ struct{}) (struct{}, error) {
		return struct{}{}, d.Reconcile(ctx)
	}))
	mux.HandleFunc("POST "+pathSuspend, act(d, func(ctx context.Context, req SuspendRequest) (struct{}, error) {
		return struct{}{}, d.Suspend(ctx, req)
	}))
	mux.HandleFunc("POST "+pathResume, act(d, func(ctx context.Context, req ResumeRequest) (struct{}, error) {
		return struct{}{}, d.Resume(ctx, req)
	}))
	return mux
}

// answer writes what ask returns.
func answer[T any](w http.ResponseWriter, ask func(context.Context) (T, error), r *http.Request) {
	v, err := ask(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The peer may be gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}

// act serves a request that changes something: its peer must be allowed to,
// and its body is read strictly.
func act[Req, Res any](d *Daemon, do func(context.Context, Req) (Res, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		uid, ok := mayAct(r)
		if !ok {
			refuse(w, &apiError{Status: http.StatusForbidden, Text: fmt.Sprintf("user %d may read and not act; run it as root or as the daemon's user", uid)})
			return
		}
		var req Req
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&req); err != nil {
			refuse(w, &apiError{Status: http.StatusBadRequest, Text: "request: " + err.Error()})
			return
		}
		d.log.Info("asked over the socket", "uid", uid, "path", r.URL.Path)
		ctx := context.WithValue(r.Context(), asker{}, uid)
		answer(w, func(context.Context) (Res, error) { return do(ctx, req) }, r)
	}
}

// apiError is an error as it travels over the socket.
type apiError struct {
	Status int    `json:"-"`
	Code   string `json:"code,omitempty"`
	Text   string `json:"error"`
}

// Error implements error.
func (e *apiError) Error() string { return e.Text }

func refuse(w http.ResponseWriter, err error) {
	out := &apiError{Status: http.StatusInternalServerError, Code: codeOf(err), Text: err.Error()}
	if e, ok := errors.AsType[*apiError](err); ok {
		out = e
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(out.Status)
	_ = json.NewEncoder(w).Encode(out)
}
