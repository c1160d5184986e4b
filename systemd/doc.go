// Package systemd holds what systemd is given: the unit, the user, the folders.
// It is configuration without code, and knows no more of the daemon than its
// name and its paths. It is tested by systemd itself: by its own verdict on the
// unit, and in a machine that it boots.
package systemd
