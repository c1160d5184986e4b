package server

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// guard is where what the provider throws ends up.
type guard struct {
	log   *slog.Logger
	meter *meter
}

var errPanic = errors.New("the provider panicked; the log of its server says where")

// caught returns the error for what recover returned. The stack stays here.
func (g guard) caught(method string, p any) error {
	g.meter.panics.Inc()
	g.log.Error("the provider panicked", logkey.Method, method, logkey.Reason, fmt.Sprint(p), "stack", string(debug.Stack()))
	return &providers.Error{Op: method, Kind: providers.Unrecognised, Err: errPanic}
}
