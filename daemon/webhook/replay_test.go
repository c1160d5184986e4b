package webhook

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestReplayIsIgnoredForADay(t *testing.T) {
	for _, d := range deliveries() {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, withTags)
				results := func() string { return r.send(t, d.request(t, theSecret)).Result }
				if got := results(); got != "accepted" {
					t.Errorf("at first: %s, want accepted", got)
				}
				time.Sleep(24*time.Hour - time.Second) // of the bubble
				if got := results(); got != "already seen" {
					t.Errorf("within the day: %s, want already seen", got)
				}
				time.Sleep(time.Second)
				if got := results(); got != "accepted" {
					t.Errorf("after a day: %s, want accepted", got)
				}
				if pushes, _ := r.counts(); pushes != 2 {
					t.Errorf("%d notified, want 2", pushes)
				}
			})
		})
	}
}

func TestReplayWithoutIDIsKnownByItsBody(t *testing.T) {
	r := newRig(t)
	send := func(file string) string {
		body := fixture(t, file)
		return r.send(t, post(bytes.NewReader(body), map[string]string{
			"X-GitHub-Event": "push", hubSignature2: "sha256=" + sign(theSecret, body)})).Result
	}
	for i, want := range []string{"accepted", "already seen"} {
		if got := send("github-push.json"); got != want {
			t.Errorf("delivery %d: %s, want %s", i, got, want)
		}
	}
	if got := send("github-delete.json"); got != "ignored" {
		t.Errorf("another body: %s, want it to be looked at", got)
	}
}

func TestGitLabEventsOfOnePushShareAnID(t *testing.T) {
	r := newRig(t, withTags)
	for _, file := range []string{"gitlab-push.json", "gitlab-tag.json"} {
		req := post(bytes.NewReader(fixture(t, file)), map[string]string{
			"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": id, gitlabToken: theSecret})
		if a := r.send(t, req); a.Status != http.StatusAccepted {
			t.Errorf("%s: answer %+v, want accepted", file, a)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory()
	key := func(n int) (d digest) {
		binary.BigEndian.PutUint64(d[:], uint64(n))
		return d
	}
	for n := range rememberMax + 500 {
		m.first(key(n))
		if m.first(key(0)) {
			t.Fatalf("the one in use was forgotten after %d others", n)
		}
	}
	if len(m.known) != rememberMax || m.order.Len() != rememberMax {
		t.Errorf("%d and %d remembered, want %d", len(m.known), m.order.Len(), rememberMax)
	}
	if !m.first(key(1)) {
		t.Error("the one not used for longest is still known")
	}
}
