package main

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/vmsteward/vmsteward/daemon"
)

// app is the process as its commands see it.
type app struct {
	in       io.Reader
	out, err io.Writer
	inTTY    bool
	outTTY   bool
	errTTY   bool
	columns  int // of the terminal; 0: unknown
	getenv   func(string) string
	now      func() time.Time

	// service opens the way to the steward; a test puts its own here.
	service opener

	once  sync.Once // says that no daemon answers
	flags globals
}

// globals are the flags of every command.
type globals struct {
	config  string
	output  string
	noColor bool
	local   bool
}

const (
	configEnv    = "VMSTEWARD_CONFIG"
	outputText   = "text"
	outputJSON   = "json"
	outputWide   = "wide"
	outputName   = "name"
	mostColumns  = 120 // text is hard to read beyond
	leastColumns = 40
)

// newApp returns the app of this process.
func newApp() *app {
	a := &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		outTTY: term.IsTerminal(int(os.Stdout.Fd())),
		errTTY: term.IsTerminal(int(os.Stderr.Fd())),
		getenv: os.Getenv, now: time.Now,
	}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		a.columns = w
	}
	a.service = a.connect
	return a
}

// configPath is the flag, the environment or the default, in this order.
func (a *app) configPath() string {
	switch {
	case a.flags.config != "":
		return a.flags.config
	case a.getenv(configEnv) != "":
		return a.getenv(configEnv)
	}
	return daemon.DefaultConfigPath
}

// style is how standard output looks.
func (a *app) style() style { return a.styleOf(a.outTTY) }

// errStyle is how standard error looks.
func (a *app) errStyle() style { return a.styleOf(a.errTTY) }

func (a *app) styleOf(terminal bool) style {
	s := style{colour: terminal && !a.flags.noColor && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"}
	if terminal && a.columns > 0 {
		s.width = min(max(a.columns, leastColumns), mostColumns)
	}
	return s
}

// json tells whether a script reads the output.
func (a *app) json() bool { return a.flags.output == outputJSON }
