package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
)

const (
	maxProof  = 512             // bytes of a signature, token or password header
	stampSlop = 5 * time.Minute // how far a signed time may be from ours
)

// claim is what a delivery shows to be let in. Making one neither reads the
// body nor touches the secret.
type claim struct {
	dialect
	mac      []byte // of the body; nil: word is the proof
	word     string // a token or a password
	stamp    string // signed before the body, with a dot between; empty: none
	delivery string
	unique   bool // the id is of this delivery alone
}

// claimOf reads the claim from the headers. The error says what is missing or
// malformed, in words the sender may see.
func claimOf(h http.Header, now time.Time) (claim, error) {
	d, ok := dialectOf(h)
	if !ok {
		return claim{dialect: d}, errors.New("no signature: no header of a known forge")
	}
	c := claim{dialect: d, delivery: d.deliveryOf(h)}
	c.unique = d.forge != GitLab || h.Get(idempotency) != ""
	switch d.forge {
	case GitLab:
		return c, c.readToken(h)
	case AzureDevOps:
		return c, c.readPassword(h)
	case Generic:
		if err := c.readStamp(h, now); err != nil {
			return c, err
		}
	}
	return c, c.readSignature(h)
}

func (c *claim) readToken(h http.Header) error {
	c.word = h.Get(gitlabToken)
	switch {
	case c.word == "" && h.Get("Webhook-Signature") != "":
		return errors.New("no X-Gitlab-Token: set the secret token of the webhook; its signing token is not understood")
	case c.word == "":
		return errors.New("no X-Gitlab-Token: set the secret token of the webhook")
	}
	return onlyOne(h, gitlabToken)
}

func (c *claim) readPassword(h http.Header) error {
	_, password, ok := (&http.Request{Header: h}).BasicAuth()
	if !ok || password == "" {
		return errors.New("no password: basic authentication, with the secret as its password, is needed")
	}
	c.word = password
	return onlyOne(h, authorization)
}

func (c *claim) readStamp(h http.Header, now time.Time) error {
	c.stamp = h.Get(stampHeader)
	if c.stamp == "" {
		return nil
	}
	unix, err := strconv.ParseInt(c.stamp, 10, 64)
	if err != nil {
		return errors.New("malformed " + stampHeader + ": seconds since 1970 are needed")
	}
	if off := now.Sub(time.Unix(unix, 0)); off > stampSlop || off < -stampSlop {
		return errors.New(stampHeader + " is more than five minutes from the time here")
	}
	return onlyOne(h, stampHeader)
}

func (c *claim) readSignature(h http.Header) error {
	for _, name := range c.signature {
		value := h.Get(name)
		if value == "" {
			continue
		}
		digits, found := strings.CutPrefix(value, "sha256=")
		if !found && strings.HasPrefix(value, "sha1=") {
			return errors.New("SHA-1 signature refused: let the forge sign with SHA-256")
		}
		mac, err := hex.DecodeString(digits)
		if err != nil || len(mac) != sha256.Size || c.prefix != "" && !found {
			return errors.New("malformed " + name + ": " + c.prefix + "<64 hexadecimal digits> is needed")
		}
		c.mac = mac
		return onlyOne(h, name)
	}
	if h.Get(hubSignature) != "" {
		return errors.New("SHA-1 signature refused: " + c.signature[0] + " is needed")
	}
	return errors.New("no " + c.signature[0] + ": set a secret in the webhook of the forge")
}

// onlyOne refuses a header that is long or there twice.
func onlyOne(h http.Header, name string) error {
	if v := h.Values(name); len(v) != 1 || len(v[0]) > maxProof {
		return errors.New("malformed " + name + ": one short value is needed")
	}
	return nil
}

// authenticator compares claims with the secret, in constant time.
type authenticator struct{ secret secret.Text }

// knows tells whether the claim's token or password is the secret. Digests are
// compared, so that the time taken does not tell the length either.
func (a authenticator) knows(c claim) bool {
	want := sha256.Sum256([]byte(a.secret.Reveal()))
	got := sha256.Sum256([]byte(c.word))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// signed tells whether the claim's signature is of this body.
func (a authenticator) signed(c claim, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(a.secret.Reveal()))
	if c.stamp != "" {
		mac.Write([]byte(c.stamp + "."))
	}
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), c.mac)
}

// short tells a secret that could be guessed.
func (a authenticator) short() bool { return len(a.secret.Reveal()) < minSecret }
