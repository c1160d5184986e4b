package libvirt

import (
	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// idOf writes an id as this provider gives them.
func idOf(id golibvirt.UUID) string { return uuid.UUID(id).String() }
