package webhook

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// minSecret is what New insists on: tokens and passwords can be guessed at
// leisure, and a signature of a known body can be guessed at home.
const minSecret = 16

// Push is a genuine, new delivery about us. Its strings are fit for a log, and
// only a hint: what the repository holds is for the repository to say.
type Push struct {
	Forge      string
	Repository string // host and path, as Normalise gives it; empty: not said
	Ref        string // as in refs/heads/main; empty: not said
	Commit     string // hexadecimal; empty: not said
	Delivery   string // the forge's id; empty: none
}

// Config says what is ours. Secret and Notify are needed; everything else has a
// default.
type Config struct {
	Secret       secret.Text // at least 16 bytes
	Path         string      // default /webhook
	Repositories []string    // addresses in any form; empty: any repository
	Branch       string      // short or refs/heads/...; empty: any
	TagsToo      bool        // tags wake as well, whatever Branch is
	// Notify is called once for each accepted delivery, from the goroutine of
	// that delivery, with no lock and no turn held. It must not block: the
	// answer waits for it, though no other delivery does.
	Notify func(Push)
	Log    *slog.Logger // nil: nothing is logged

	MaxBody           int64         // bytes, default 1 MiB
	BodyTimeout       time.Duration // to receive a body, default 10 s, a fifth of it for a source that keeps failing
	MaxConcurrent     int           // bodies at once, default 8; half of them for one source
	MaxWaiting        int           // deliveries waiting for that, default 64
	WaitTimeout       time.Duration // of a waiting delivery, default 5 s
	FailureBurst      int           // failed proofs of a source before it is suspect, default 10
	FailuresPerSecond float64       // that are forgiven a source, default 0.2
}

// Receiver is the http.Handler of deliveries.
type Receiver struct {
	cfg    Config
	wants  interest
	auth   authenticator
	gate   *gate
	memory *memory
	log    *slog.Logger
	tally  tally
	parse  func(Forge, kind, string, []byte) (event, error)
}

// New builds a Receiver.
func New(cfg Config) (*Receiver, error) {
	cfg.setDefaults()
	switch {
	case authenticator{cfg.Secret}.short():
		return nil, fmt.Errorf("webhook secret: at least %d bytes are needed", minSecret)
	case cfg.Notify == nil:
		return nil, errors.New("webhook: nobody to notify")
	case !strings.HasPrefix(cfg.Path, "/"):
		return nil, fmt.Errorf("webhook path %q: it must begin with a slash", cfg.Path)
	case strings.HasPrefix(cfg.Branch, "refs/"):
		return nil, fmt.Errorf("webhook branch %q: it is not a branch", cfg.Branch)
	}
	wants := interest{branch: cfg.Branch, tagsToo: cfg.TagsToo}
	for n, address := range cfg.Repositories {
		name := Normalise(address)
		if name == "" { // the address may hold a password, so it is not named
			return nil, fmt.Errorf("webhook repository %d: not the address of a repository", n+1)
		}
		wants.repositories = append(wants.repositories, name)
	}
	return &Receiver{
		cfg: cfg, wants: wants, auth: authenticator{cfg.Secret}, memory: newMemory(),
		log: cfg.Log, parse: parse,
		gate: &gate{
			slots: cfg.MaxConcurrent, queue: cfg.MaxWaiting, wait: cfg.WaitTimeout,
			burst: float64(cfg.FailureBurst), perSec: cfg.FailuresPerSecond, sources: map[string]*source{},
		},
	}, nil
}

func (c *Config) setDefaults() {
	orDefault(&c.Path, "/webhook")
	orDefault(&c.MaxBody, 1<<20)
	orDefault(&c.BodyTimeout, 10*time.Second)
	orDefault(&c.MaxConcurrent, 8)
	orDefault(&c.MaxWaiting, 64)
	orDefault(&c.WaitTimeout, 5*time.Second)
	orDefault(&c.FailureBurst, 10)
	orDefault(&c.FailuresPerSecond, 0.2)
	c.Branch = strings.TrimPrefix(c.Branch, heads)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func orDefault[T comparable](v *T, usual T) {
	var zero T
	if *v == zero {
		*v = usual
	}
}

// ServeHTTP answers a delivery, and notifies when it is accepted.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	o := r.receive(w, req)
	r.tally.add(o.verdict)
	r.report(req, o)
	if o.verdict == accepted {
		r.cfg.Notify(o.push)
	}
	answer(w, req, o)
}

// receive is the order of things: what costs nothing first, what is not proven
// never parsed.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) outcome {
	if req.URL.Path != r.cfg.Path {
		return outcome{verdict: misplaced, status: http.StatusNotFound, reason: "nothing is here"}
	}
	if req.Method != http.MethodPost {
		return outcome{verdict: misplaced, status: http.StatusMethodNotAllowed, reason: "only POST is understood"}
	}
	c, err := claimOf(req.Header, time.Now())
	if err != nil {
		return refusal(c, err.Error())
	}
	if c.mac == nil && !r.auth.knows(c) {
		return refusal(c, "wrong token or password")
	}
	if o := r.unreadable(c, req); o.verdict != undecided {
		return o
	}
	body, o := r.readProven(w, req, c)
	if o.verdict != undecided {
		return o
	}
	return r.judge(c, req.Header, body)
}

// unreadable refuses bodies that would not be understood, before reading them.
func (r *Receiver) unreadable(c claim, req *http.Request) outcome {
	o := c.outcome(malformed, 0, "")
	encoding := req.Header.Get("Content-Encoding")
	form := strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	switch {
	case req.ContentLength > r.cfg.MaxBody:
		o.status = http.StatusRequestEntityTooLarge
		o.reason = fmt.Sprintf("the body is longer than %d bytes", r.cfg.MaxBody)
	case encoding != "" && encoding != "identity":
		o.status, o.reason = http.StatusUnsupportedMediaType, "the body is encoded"
	case form && c.forge != GitHub && c.forge != Generic:
		o.status, o.reason = http.StatusUnsupportedMediaType, "the body is a form: set the content type to application/json"
	default:
		return outcome{}
	}
	return o
}

// readProven reads the body, in a turn of its own, and proves it.
func (r *Receiver) readProven(w http.ResponseWriter, req *http.Request, c claim) ([]byte, outcome) {
	from := sourceOf(req.RemoteAddr)
	if !r.gate.enter(req.Context(), from) {
		return nil, c.outcome(busy, http.StatusServiceUnavailable, "too many deliveries at once")
	}
	defer r.gate.leave(from)
	within := r.cfg.BodyTimeout
	if r.gate.suspect(from) {
		within /= 5
	}
	deadline := http.NewResponseController(w)
	if deadline.SetReadDeadline(time.Now().Add(within)) == nil {
		defer deadline.SetReadDeadline(time.Time{})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, r.cfg.MaxBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, c.outcome(malformed, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", r.cfg.MaxBody))
	case err != nil:
		return nil, c.outcome(malformed, http.StatusRequestTimeout, "the body did not arrive in time")
	case c.mac != nil && !r.auth.signed(c, body):
		return nil, refusal(c, "wrong signature")
	}
	return body, outcome{}
}

// judge decides about a delivery whose sender is known.
func (r *Receiver) judge(c claim, h http.Header, body []byte) outcome {
	o := c.outcome(undecided, http.StatusOK, "")
	k, word := c.kindOf(h)
	o.event = word
	switch k {
	case kindPing:
		o.verdict, o.reason = pinged, "the address and the secret are right"
		return o
	case kindOther:
		o.verdict, o.reason = ignored, "event kind ignored: "+clean(word)
		return o
	}
	key := keyOf(c, body)
	if !r.memory.first(key) {
		o.verdict, o.reason = seen, "already seen"
		if c.forge == Generic && c.delivery == "" && c.stamp == "" {
			o.reason += ": send " + stampHeader + ", and sign it, to tell deliveries apart"
		}
		return o
	}
	e, err := r.parse(c.forge, k, word, body)
	if err != nil {
		r.memory.forget(key)
		o.verdict, o.status, o.reason = malformed, http.StatusBadRequest, err.Error()
		return o
	}
	return r.weigh(o, e)
}

// weigh decides whether what was said is about us.
func (r *Receiver) weigh(o outcome, e event) outcome {
	o.event = e.word
	if o.delivery == "" {
		o.delivery = e.delivery
	}
	if e.kind == kindOther {
		o.verdict, o.reason = ignored, "event kind ignored: "+clean(e.word)
		return o
	}
	repository, c, reason := r.wants.match(e)
	o.push = Push{string(o.forge), clean(repository), clean(c.ref), cleanCommit(c.commit), clean(o.delivery)}
	if reason != "" {
		o.verdict, o.reason = ignored, reason
		return o
	}
	o.verdict, o.status, o.reason = accepted, http.StatusAccepted, "a pass was woken"
	return o
}
