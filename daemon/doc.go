// Package daemon is life: New, Start, Reload and Stop; the configuration of the
// host; which sources and providers exist and how they are wired; what wakes a
// pass; the control socket. It must not decide anything about a VM. It is
// tested by starting the real thing on ephemeral sockets and counting
// goroutines afterwards.
package daemon
