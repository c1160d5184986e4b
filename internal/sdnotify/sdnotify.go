// Package sdnotify tells a service manager how the service is: ready,
// reloading, stopping, alive. It owns the protocol of NOTIFY_SOCKET and of the
// watchdog, and knows neither what the service does nor which one it is. It is
// tested with a real datagram socket, and its watchdog in a synctest bubble.
package sdnotify

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// States that carry no value.
const (
	stateReady     = "READY=1"
	stateReloading = "RELOADING=1"
	stateStopping  = "STOPPING=1"
	stateAlive     = "WATCHDOG=1"
	stateHangs     = "WATCHDOG=trigger"
)

// patience bounds one message. A service manager whose queue is full must not
// hold up the service.
const patience = time.Second

// maxStatus is the length of the longest status, in bytes.
const maxStatus = 1024

// Notifier speaks to the service manager. The zero Notifier has nobody to
// speak to, and every call on it succeeds. It may be used by many goroutines.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// FromEnv returns the notifier of this process, by the variables NOTIFY_SOCKET,
// WATCHDOG_USEC and WATCHDOG_PID. It leaves them in the environment: the unit
// has NotifyAccess=main, so what a child says there is not heard.
func FromEnv(getenv func(string) string) Notifier {
	n := Notifier{socket: getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if n.socket == "" || err != nil || usec <= 0 || usec > int64(1<<62)/1000 {
		return n
	}
	if pid := getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// Enabled tells whether there is a service manager to speak to.
func (n Notifier) Enabled() bool { return n.socket != "" }

// WatchdogInterval is how often the service manager wants to hear that the
// service is alive; zero: it does not ask.
func (n Notifier) WatchdogInterval() time.Duration { return n.watchdog }

// Notify sends assignments such as "READY=1" in one message. It takes a second
// at most.
func (n Notifier) Notify(state ...string) error {
	if n.socket == "" || len(state) == 0 {
		return nil
	}
	if n.socket[0] != '/' && n.socket[0] != '@' {
		return fmt.Errorf("notify: the address %q is neither a path nor abstract", n.socket)
	}
	// The net package reads a leading @ as an abstract address too.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	err = conn.SetWriteDeadline(time.Now().Add(patience))
	if err == nil {
		_, err = conn.Write([]byte(strings.Join(state, "\n")))
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// Ready tells that the start, or a reload, is done.
func (n Notifier) Ready() error { return n.Notify(stateReady) }

// Reloading tells that the configuration is being read again; Ready ends it.
func (n Notifier) Reloading() error {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return fmt.Errorf("notify: monotonic clock: %w", err)
	}
	return n.Notify(stateReloading, fmt.Sprintf("MONOTONIC_USEC=%d", ts.Nano()/1000))
}

// Stopping tells that the service has begun to end.
func (n Notifier) Stopping() error { return n.Notify(stateStopping) }

// Status puts one line of text beside the state, for "systemctl status".
func (n Notifier) Status(text string) error {
	line := strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(line) > maxStatus {
		line = strings.ToValidUTF8(line[:maxStatus], "") + "…"
	}
	return n.Notify("STATUS=" + line)
}

// Watchdog tells that the service is alive. Heart says it for a loop.
func (n Notifier) Watchdog() error {
	if n.watchdog == 0 {
		return nil
	}
	return n.Notify(stateAlive)
}
