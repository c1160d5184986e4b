package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/reconcile"
)

// ErrUnreachable says that no daemon answers on the socket.
var ErrUnreachable = errors.New("no daemon answers")

// readPatience is how long a daemon has to tell what it knows already.
const readPatience = 10 * time.Second

// client is the Service of a daemon in another process.
type client struct {
	socket   string
	patience time.Duration // with what is only read
	http     *http.Client
}

// Dial returns the Service of the daemon that listens on the socket, and
// ErrUnreachable when there is none.
func Dial(ctx context.Context, socket string) (Service, error) {
	c, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func dial(ctx context.Context, socket string) (*client, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("%w on %s: %w", ErrUnreachable, socket, err)
	}
	conn.Close()
	return &client{socket: socket, patience: readPatience, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
	}}}, nil
}

// Plan implements Service.
func (c *client) Plan(ctx context.Context) (*reconcile.Outlook, error) {
	return ask[*reconcile.Outlook](ctx, c, http.MethodGet, pathPlan, nil)
}

// Apply implements Service.
func (c *client) Apply(ctx context.Context, req ApplyRequest) (*reconcile.Report, error) {
	return ask[*reconcile.Report](ctx, c, http.MethodPost, pathApply, req)
}

// Reconcile implements Service.
func (c *client) Reconcile(ctx context.Context) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, pathReconcile, struct{}{})
	return err
}

// Suspend implements Service.
func (c *client) Suspend(ctx context.Context, req SuspendRequest) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, pathSuspend, req)
	return err
}

// Resume implements Service.
func (c *client) Resume(ctx context.Context, req ResumeRequest) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, pathResume, req)
	return err
}

// Status implements Service.
func (c *client) Status(ctx context.Context) (*Status, error) {
	return read[*Status](ctx, c, pathStatus)
}

// VMs implements Service.
func (c *client) VMs(ctx context.Context) ([]reconcile.View, error) {
	return read[[]reconcile.View](ctx, c, pathVMs)
}

// Close implements Service.
func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// silence is the error of a daemon that listens and does not answer.
type silence struct{ socket string }

func (s silence) Error() string { return "the daemon on " + s.socket + " does not answer" }
func (s silence) Unwrap() error { return ErrUnreachable }

// read asks for what the daemon knows already, and does not wait for long.
func read[T any](ctx context.Context, c *client, path string) (T, error) {
	limited, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	out, err := ask[T](limited, c, http.MethodGet, path, nil)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return out, silence{c.socket}
	}
	return out, err
}

func ask[T any](ctx context.Context, c *client, method, path string, body any) (out T, err error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return out, err
		}
		r = bytes.NewReader(b)
	}
	res, err := c.send(ctx, method, path, r)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("answer of the daemon: %w", err)
	}
	return out, nil
}

// send returns an answer that is no error; its body is to be closed.
func (c *client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://vmsteward"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w on %s: %w", ErrUnreachable, c.socket, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, remoteError(res)
	}
	return res, nil
}

// remoteErrors gives errors that callers tell apart a name on the wire.
var remoteErrors = map[string]error{"plan-moved": reconcile.ErrPlanMoved}

func codeOf(err error) string {
	for code, known := range remoteErrors {
		if errors.Is(err, known) {
			return code
		}
	}
	return ""
}

func remoteError(res *http.Response) error {
	var e apiError
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRequest))
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil || e.Text == "" {
		text, _, _ := strings.Cut(string(body), "\n") // of the standard library
		return fmt.Errorf("the daemon answered %s: %q", res.Status, text)
	}
	if known, ok := remoteErrors[e.Code]; ok {
		return known
	}
	e.Status = res.StatusCode
	return &e
}
