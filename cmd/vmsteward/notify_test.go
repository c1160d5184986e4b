package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := notifier{socket}
	n.tell(notifyReady)
	n.reloading()
	for _, want := range []string{"READY=1", "RELOADING=1\nMONOTONIC_USEC="} {
		buf := make([]byte, 200)
		if err := l.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		k, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(buf[:k]), want) {
			t.Errorf("want %q, got %q", want, buf[:k])
		}
	}
	notifier{}.tell(notifyReady) // nobody to tell
	notifier{socket + ".gone"}.tell(notifyReady)
}
