package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker; empty: what the build information says.
var version string

func main() {
	// The first signal ends the command in good order, the second at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(int(execute(ctx, newApp(), os.Args[1:])))
}
