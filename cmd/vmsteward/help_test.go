package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
)

func TestEveryCommandTeaches(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Runnable() && c.Name() != "help" {
			if c.Long == "" || c.Example == "" {
				t.Errorf("%s: a long text and an example are needed", c.CommandPath())
			}
			if c.Short == "" || strings.HasSuffix(c.Short, ".") {
				t.Errorf("%s: short text %q", c.CommandPath(), c.Short)
			}
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if columns(line) > 81 {
				t.Errorf("%s: %d columns: %q", c.CommandPath(), columns(line)-1, line)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newApp().root())
}

func TestConfigExampleWorks(t *testing.T) {
	if _, err := daemon.ParseConfig([]byte(configExample)); err != nil {
		t.Error(err)
	}
	// What is commented out is the default, and is understood too.
	all := regexp.MustCompile(`(?m)^(\s*)# (\s*\w+: )`).ReplaceAllString(configExample, "$1$2")
	all = strings.Replace(all, "  interval: 5m\n", "", 1)
	cfg, err := daemon.ParseConfig([]byte(all))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, all)
	}
	least, err := daemon.ParseConfig([]byte("apiVersion: vmsteward.dev/v1\nkind: Config\nfleet: lab\nsource: {dir: {path: /srv}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Prune.MaxCount != least.Prune.MaxCount || cfg.Prune.MaxPercent != least.Prune.MaxPercent || *cfg.Prune.Grace != *least.Prune.Grace ||
		cfg.Prune.Mode != least.Prune.Mode || cfg.Drift != least.Drift || cfg.API != least.API || cfg.Log != least.Log ||
		cfg.StateDir != least.StateDir || cfg.ProvidersDir != least.ProvidersDir {
		t.Error("the example shows other defaults than there are")
	}
}

func TestNoColour(t *testing.T) {
	tests := []struct {
		name          string
		env           map[string]string
		flag, tty, on bool
	}{
		{"terminal", nil, false, true, true},
		{"pipe", nil, false, false, false},
		{"flag", nil, true, true, false},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, false, true, false},
		{"dumb", map[string]string{"TERM": "dumb"}, false, true, false},
	}
	for _, tt := range tests {
		a := &app{outTTY: tt.tty, columns: 300, getenv: func(k string) string { return tt.env[k] }, flags: globals{noColor: tt.flag}}
		if got := a.style().colour; got != tt.on {
			t.Errorf("%s: want %v, got %v", tt.name, tt.on, got)
		}
		if got := a.style().width; tt.tty && got != mostColumns || !tt.tty && got != 0 {
			t.Errorf("%s: width %d", tt.name, got)
		}
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(wrap("one two  three-is-longer-than-it-may four", 9), "|")
	if want := "one two|three-is-longer-than-it-may|four"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
	var b bytes.Buffer
	tb := table{style: style{width: 40, colour: true}, prose: true}
	tb.row(tb.bold("name"), "a text that is longer than the line has room for it")
	tb.print(&b)
	fits(t, b.String(), 40)
}
