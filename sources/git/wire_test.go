package git

import (
	"fmt"
	"testing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// A clone, ordinary fetches and one after a rewrite, with the haves of the old
// history; each answer has another mixture of ACK and NAK.
func TestMultiAck(t *testing.T) {
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1"})
	ssh := sourcetest.ServeSSH(t, r)
	web := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
	for _, insist := range []bool{false, true} {
		for _, srv := range []Config{{URL: web.URL, Auth: web.Auth}, {URL: ssh.URL, Auth: ssh.Auth}} {
			s := build(t, r, func(c *Config) { c.URL, c.Auth, c.FollowRewrites = srv.URL, srv.Auth, true })
			switch o := s.remote.(type) {
			case *overHTTP:
				o.multiAck = insist
			case *overSSH:
				o.multiAck = insist
			}
			want(t, s, r.Tip("main"))
			for i := range 3 {
				want(t, s, r.Commit(map[string]string{"a.yaml": fmt.Sprint(srv.URL, insist, i)}))
			}
			base := r.Tip("main")
			r.Commit(map[string]string{"a.yaml": "lost"})
			want(t, s, r.Tip("main"))
			r.Reset("main", base)
			want(t, s, r.Commit(map[string]string{"a.yaml": "kept" + srv.URL}))
			want(t, s, r.ForcePush(map[string]string{"a.yaml": "other" + srv.URL}))
		}
	}
}
