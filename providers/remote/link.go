package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
)

const (
	// mostReceived bounds one message: an answer of a server that knows no
	// pages has all VMs of its endpoint in it, 20,000 and more.
	mostReceived = 256 << 20
	// pingEvery and pingPatience find a line that was cut while calls wait for
	// answers. Without calls nothing is sent: servers end such connections.
	pingEvery    = 10 * time.Second
	pingPatience = 10 * time.Second
)

// link is one connection and what both sides agreed on at its beginning. gRPC
// is never let connect again by itself: another connection may lead to another
// server, which has to say first who it is.
type link struct {
	cc   *grpc.ClientConn
	conn *conn
	peer peer

	calls int // under way; guarded by the session's mu
}

// errSpent says that a link has had its connection. It reaches nobody: the
// call that met it is made on another link.
var errSpent = errors.New("the connection is not used any more")

// newLink gives a connection to gRPC.
func newLink(c *conn, authority string, settle time.Duration) (*link, error) {
	var spent atomic.Bool
	cc, err := grpc.NewClient("passthrough:///server",
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			if spent.Swap(true) {
				return nil, errSpent
			}
			return c, nil
		}),
		grpc.WithTransportCredentials(credentialsOf(c)),
		grpc.WithAuthority(authority),
		grpc.WithUserAgent("vmsteward"),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingPatience}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: settle}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(mostReceived), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithIdleTimeout(0), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithDisableHealthCheck(),
		grpc.WithStatsHandler(sentHandler{}),
	)
	if err != nil {
		return nil, err
	}
	return &link{cc: cc, conn: c}, nil
}

// usable tells whether another call can be made. A server that ends its
// connections after a while says so beforehand, and lets calls under way end.
func (l *link) usable() bool { return l.cc.GetState() == connectivity.Ready }

// handshaken are credentials of a connection whose handshake is over.
type handshaken struct{ state tls.ConnectionState }

func credentialsOf(c *conn) credentials.TransportCredentials {
	if secured, ok := c.Conn.(*tls.Conn); ok {
		return &handshaken{secured.ConnectionState()}
	}
	return insecure.NewCredentials()
}

func (h *handshaken) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c, credentials.TLSInfo{
		State: h.state, CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
	}, nil
}

func (h *handshaken) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("this side serves nobody")
}

func (h *handshaken) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

func (h *handshaken) Clone() credentials.TransportCredentials { return h }

func (h *handshaken) OverrideServerName(string) error { return nil }

// sentKey is the key of an *atomic.Bool in a call's context, which is set when a
// request of the call leaves.
type sentKey struct{}

// noteSent returns a context that notes whether anything was sent.
func noteSent(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, sent), sent
}

// sentHandler is told by gRPC what leaves.
type sentHandler struct{}

func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (sentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, leaves := s.(*stats.OutHeader); !leaves {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}
