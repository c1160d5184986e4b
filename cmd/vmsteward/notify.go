package main

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// notifier tells systemd how the service is. Without a socket it tells nobody.
type notifier struct{ socket string }

const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
)

// tell sends a state. A service manager that does not listen changes nothing
// about the service, so failures are not reported.
func (n notifier) tell(state string) {
	if n.socket == "" {
		return
	}
	conn, err := net.Dial("unixgram", n.socket)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// reloading tells that the configuration is being read; READY ends it.
func (n notifier) reloading() {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return
	}
	n.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", ts.Nano()/1000))
}
