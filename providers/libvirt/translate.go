package libvirt

import (
	"context"
	"errors"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// errorKinds is what libvirt's error numbers mean for the one who has to act. A
// number that is not here is Unrecognised.
var errorKinds = map[golibvirt.ErrorNumber]providers.Kind{
	golibvirt.ErrNoDomain: providers.NotFound,
}

// translate gives err its kind: libvirt's errors by their number, and what a
// call and a subject were. nil, context errors and errors that have a kind
// already are returned as they are.
func translate(op, subject string, err error) error {
	var own *providers.Error
	var theirs golibvirt.Error
	if err == nil || errors.As(err, &own) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	kind := providers.Unrecognised
	if errors.As(err, &theirs) {
		if k, ok := errorKinds[golibvirt.ErrorNumber(theirs.Code)]; ok {
			kind = k
		}
	}
	return &providers.Error{Op: op, Subject: subject, Kind: kind, Err: err}
}
