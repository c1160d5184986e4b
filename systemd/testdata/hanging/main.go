// Command hanging is a service whose loop makes progress until it is sent
// SIGUSR1, and hangs from then on, while the process itself is well.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vmsteward/vmsteward/internal/sdnotify"
)

func main() {
	n := sdnotify.FromEnv(os.Getenv)
	hang := make(chan os.Signal, 1)
	signal.Notify(hang, syscall.SIGUSR1)
	heart := sdnotify.NewHeart(n, 3*time.Second, func(silent time.Duration) {
		fmt.Println("the loop has been silent for more than a second:", silent > time.Second)
	})
	go heart.Run(context.Background())
	if err := n.Ready(); err != nil {
		fmt.Println(err)
	}
	for {
		select {
		case <-time.After(100 * time.Millisecond):
			heart.Beat()
		case <-hang:
			var never chan bool
			<-never
		}
	}
}
