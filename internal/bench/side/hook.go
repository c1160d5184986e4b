package side

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
)

// hookSecret signs the deliveries of Hook.
const hookSecret = "the secret of the bench"

// Hook is a webhook that a daemon listens on.
type Hook struct {
	Address string
	sent    int
}

// NewHook chooses a free port of the loopback.
func NewHook() (*Hook, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &Hook{Address: l.Addr().String()}, l.Close()
}

// Config is the line of the daemon's configuration.
func (h *Hook) Config() string {
	return fmt.Sprintf("webhook: {listen: %q, secret: forge}", h.Address)
}

// Deliver sends a signed delivery without a body, each under its own name.
func (h *Hook) Deliver() error {
	h.sent++
	req, err := http.NewRequest(http.MethodPost, "http://"+h.Address+"/webhook", http.NoBody)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	req.Header.Set("X-Vmsteward-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("X-Vmsteward-Delivery", fmt.Sprint(h.sent))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the delivery was answered with %s", res.Status)
	}
	return nil
}
