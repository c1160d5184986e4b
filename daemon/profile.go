package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"
)

// pathProfiles is where the Go runtime's profiles of the daemon are, as
// net/http/pprof lays them out. That package also puts itself into
// http.DefaultServeMux, which no listener of ours serves.
const pathProfiles = "/debug/pprof/"

// Profile is one thing that the Go runtime tells of itself.
type Profile struct {
	Name   string
	About  string
	Reader string // the command that reads its file
	// Spans tells that it is taken over a time, and not of a moment.
	Spans bool
	path  string // below pathProfiles
	text  string // what has it be text; empty: it is never text
}

// Profiles are those that a daemon can tell.
var Profiles = []Profile{
	{Name: "heap", About: "what holds memory now, by a sample of each 4 MiB that were taken", Reader: readPprof, path: "heap?gc=1", text: "debug=1"},
	{Name: "allocs", About: "what has taken memory since the start, by the same samples", Reader: readPprof, path: "allocs?", text: "debug=1"},
	{Name: "goroutine", About: "what every goroutine is doing", Reader: readPprof, path: "goroutine?", text: "debug=2"},
	{Name: "cpu", About: "where time goes", Reader: readPprof, Spans: true, path: "profile?"},
	{Name: "trace", About: "what ran when", Reader: "go tool trace", Spans: true, path: "trace?"},
}

const readPprof = "go tool pprof"

// HasText tells whether a person can read it without a tool.
func (p Profile) HasText() bool { return p.text != "" }

// ProfileOptions says how a profile is taken.
type ProfileOptions struct {
	Text bool          // only where HasText
	Span time.Duration // only where Spans; in whole seconds
}

func (p Profile) query(opts ProfileOptions) string {
	q := pathProfiles + p.path
	if opts.Text {
		q += "&" + p.text
	}
	if p.Spans {
		q += "&seconds=" + strconv.Itoa(max(1, int(opts.Span.Seconds())))
	}
	return q
}

// TakeProfile asks the daemon that listens on the socket for a profile, which
// the caller reads and closes. It holds names of functions, numbers and
// addresses, and no value of a variable.
func TakeProfile(ctx context.Context, socket string, p Profile, opts ProfileOptions) (io.ReadCloser, error) {
	c, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	res, err := c.send(ctx, http.MethodGet, p.query(opts), nil)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return lastAnswer{res.Body, c}, nil
}

// lastAnswer ends the connection that it came over.
type lastAnswer struct {
	io.ReadCloser
	from *client
}

// Close implements io.Closer.
func (a lastAnswer) Close() error { return errors.Join(a.ReadCloser.Close(), a.from.Close()) }

// profiles serves the profiles to those who may act: a profile costs time, and
// tells more of the process than who only looks needs. One that is being taken
// is cut short when ending is done.
func (d *Daemon) profiles(ending context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathProfiles, pprof.Index)
	mux.HandleFunc("GET "+pathProfiles+"profile", pprof.Profile)
	mux.HandleFunc("GET "+pathProfiles+"trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uid, ok := mayAct(r)
		if !ok {
			refuse(w, &apiError{Status: http.StatusForbidden, Text: fmt.Sprintf("user %d may take no profile; run it as root or as the daemon's user", uid)})
			return
		}
		d.log.Info("asked over the socket", "uid", uid, "path", r.URL.Path)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ending, cancel)()
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}
