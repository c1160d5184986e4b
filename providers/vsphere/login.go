package vsphere

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
)

const (
	userAgent             = "vmsteward"
	defaultConnectTimeout = 30 * time.Second
	// idleConnections are kept open. Fewer than there are calls at once would
	// mean a handshake for every few calls.
	idleConnections = 16
)

// login is one session of the server, with the cookie that stands for it.
type login struct {
	soap    *soap.Client
	content types.ServiceContent
}

// door is where logins are made: the server's address, how it is known, and
// the account.
type door struct {
	host     string
	base     *soap.Client // has the transport, and never a cookie
	username string
	password secret.Text
	timeout  time.Duration
}

// newDoor checks the settings. It does not dial.
func newDoor(settings providers.Settings, log *slog.Logger) (*door, error) {
	u, err := parseEndpoint(settings.Endpoint)
	if err != nil {
		return nil, err
	}
	user, password := settings.Credentials["username"], settings.Credentials["password"]
	if user.Empty() || password.Empty() {
		return nil, errors.New(`the credential lacks "username" or "password"`)
	}
	config, blind, err := newTrust(settings.Credentials, settings.InsecureSkipVerify)
	if err != nil {
		return nil, err
	}
	if blind {
		log.Warn("the server's certificate is not checked, so whoever answers gets the password; set ca.crt or thumbprint in the credential instead of insecureSkipVerify")
	}
	d := &door{host: u.Host, username: user.Reveal(), password: password, timeout: settings.ConnectTimeout}
	if d.timeout <= 0 {
		d.timeout = defaultConnectTimeout
	}
	d.base = soap.NewClient(u, false) // which uses the proxy that the environment names, as all of Go does
	d.base.UserAgent = userAgent
	t := d.base.DefaultTransport()
	t.TLSClientConfig = config
	t.DialTLSContext = nil // govmomi's own ignores the context, and knows other ways to trust
	t.DialContext = (&net.Dialer{Timeout: d.timeout, KeepAliveConfig: keepalives}).DialContext
	t.TLSHandshakeTimeout = d.timeout
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, idleConnections
	if settings.MaxConnections > 0 {
		t.MaxConnsPerHost = settings.MaxConnections + 2 // one listens to changes, one may carry a file
	}
	return d, nil
}

// keepalives let the kernel notice a server that is gone without a word.
var keepalives = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}

// login makes a new session.
func (d *door) login(ctx context.Context) (*login, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	// A client of its own: a login that is sent with the cookie of another
	// session is refused, and the cookie of a session must be sent with its
	// calls alone.
	c, err := vim25.NewClient(ctx, d.base.NewServiceClient(vim25.Path, vim25.Namespace))
	if err != nil {
		return nil, d.failed(err)
	}
	if !c.IsVC() {
		return nil, &providers.Error{
			Op: "connect", Subject: d.host, Kind: providers.NotSupported,
			Err: fmt.Errorf("%s is no vCenter but %s; name the vCenter that manages it", d.host, c.ServiceContent.About.FullName),
		}
	}
	_, err = methods.Login(ctx, c, &types.Login{
		This: *c.ServiceContent.SessionManager, UserName: d.username, Password: d.password.Reveal(),
	})
	if err != nil {
		return nil, d.failed(err)
	}
	return &login{soap: c.Client, content: c.ServiceContent}, nil
}

// beat makes the cheapest call that counts as one.
func (d *door) beat(ctx context.Context, l *login) error {
	_, err := methods.GetCurrentTime(ctx, l.soap)
	return err
}

// logout ends a session. The server would end it by itself after a while.
func (d *door) logout(ctx context.Context, l *login) error {
	_, err := methods.Logout(ctx, l.soap, &types.Logout{This: *l.content.SessionManager})
	return err
}

// failed gives the error of a login its kind.
func (d *door) failed(err error) error {
	if e := distrust(d.host, err); e != nil {
		return e
	}
	e := &providers.Error{Op: "connect", Subject: d.host, Kind: kindOf(err), Err: fmt.Errorf("log in to %s: %w", d.host, plain(err))}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case isFault[*types.InvalidLogin](err):
		e.Kind = providers.Unauthorized
		e.Err = fmt.Errorf("%s refused the login of %q; check \"username\" and \"password\" in the credential, and whether the account is locked: %w", d.host, d.username, err)
	case e.Kind == providers.Timeout || e.Kind == providers.Unrecognised:
		e.Kind = providers.Unavailable // nothing was asked for yet
	}
	return e
}

// close gives the connections up.
func (d *door) close() { d.base.DefaultTransport().CloseIdleConnections() }

// plain takes off what the HTTP client puts around an error: the method, and
// an address that is known already.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
