package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// DefaultConfigPath is where the host's configuration is looked for.
const DefaultConfigPath = "/etc/vmsteward/vmsteward.yaml"

// APIVersion and ConfigKind head every configuration file.
const (
	APIVersion = "vmsteward.dev/v1"
	ConfigKind = "Config"
)

// Config is the host's configuration: what to follow, when, and what is
// allowed. Unknown keys are errors. It holds no secret, only names of
// credentials.
type Config struct {
	APIVersion     string           `yaml:"apiVersion"`
	Kind           string           `yaml:"kind"`
	Fleet          string           `yaml:"fleet"`
	Source         SourceConfig     `yaml:"source"`
	Schedule       string           `yaml:"schedule"` // cron, five fields, or @every and the like
	Interval       Duration         `yaml:"interval"`
	TimeZone       string           `yaml:"timeZone"` // of the schedule and the windows; default UTC
	Drift          plan.DriftMode   `yaml:"drift"`
	Prune          PruneConfig      `yaml:"prune"`
	Disruption     DisruptionConfig `yaml:"disruption"`
	Strict         bool             `yaml:"strict"` // unknown fields of manifests are errors
	ProvidersDir   string           `yaml:"providersDir"`
	CredentialsDir string           `yaml:"credentialsDir"`
	StateDir       string           `yaml:"stateDir"`
	API            APIConfig        `yaml:"api"`
	Webhook        WebhookConfig    `yaml:"webhook"`
	Metrics        MetricsConfig    `yaml:"metrics"`
	Log            LogConfig        `yaml:"log"`

	path string // the file it was read from; for error messages
}

// SourceConfig names the one source. Exactly one of its parts is set.
type SourceConfig struct {
	Git *GitConfig `yaml:"git"`
	Dir *DirConfig `yaml:"dir"`
}

// GitConfig is a Git repository.
type GitConfig struct {
	URL            string    `yaml:"url"`
	Ref            RefConfig `yaml:"ref"`
	Path           string    `yaml:"path"` // subfolder
	Credentials    string    `yaml:"credentials"`
	FollowRewrites bool      `yaml:"followRewrites"` // follow a branch whose history was rewritten
	Timeout        Duration  `yaml:"timeout"`
}

// RefConfig chooses the revision. Default: the branch main.
type RefConfig struct {
	Branch string `yaml:"branch"`
	Tag    string `yaml:"tag"`
	SemVer string `yaml:"semver"`
	Commit string `yaml:"commit"`
}

// DirConfig is a plain folder.
type DirConfig struct {
	Path string `yaml:"path"`
}

// PruneConfig bounds what becomes of VMs that are not wanted any more.
type PruneConfig struct {
	Mode       plan.PruneMode `yaml:"mode"`
	Grace      *Duration      `yaml:"grace"`
	MaxCount   int            `yaml:"maxCount"`
	MaxPercent int            `yaml:"maxPercent"`
	AllowEmpty bool           `yaml:"allowEmpty"`
}

// DisruptionConfig bounds what changes may cost a guest.
type DisruptionConfig struct {
	Max plan.Disruption `yaml:"max"`
	// MaxCount is how many VMs one pass restarts; the others follow.
	MaxCount int            `yaml:"maxCount"`
	Windows  []WindowConfig `yaml:"windows"`
}

// WindowConfig is a recurring time in which guests may be restarted.
type WindowConfig struct {
	Start    string   `yaml:"start"` // cron, five fields
	Duration Duration `yaml:"duration"`
}

// APIConfig is the control socket.
type APIConfig struct {
	Socket string `yaml:"socket"`
}

// LogConfig shapes the log.
type LogConfig struct {
	Format string `yaml:"format"` // auto, text or json
	Level  string `yaml:"level"`  // debug, info, warn or error
}

// Duration is a Go duration in a configuration file: "5m", "24h".
type Duration time.Duration

// UnmarshalYAML reads a duration with its unit.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is not a duration such as 5m or 24h", n.Line, n.Value)
	}
	*d = Duration(v)
	return nil
}

// LoadConfig reads and checks a configuration file. Every error names the
// file, and the line where there is one.
func LoadConfig(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no configuration at %s; see \"vmsteward help config\" for an example, or name another file with --config", path)
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	cfg, err := ParseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	cfg.path = path
	return cfg, nil
}

// ParseConfig reads one configuration document, fills in the defaults and
// checks it.
func ParseConfig(b []byte) (*Config, error) {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	cfg := &Config{}
	if err := dec.Decode(cfg); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		}
		return nil, errors.New(plainYAML(err))
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document in the file")
	}
	cfg.defaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return cfg, nil
}

var (
	yamlType  = regexp.MustCompile(`field (\S+) not found in type \S+`)
	yamlAlias = regexp.MustCompile(`unknown anchor '.*' referenced`)
	yamlValue = regexp.MustCompile("(cannot unmarshal \\S+) `.*` into")
)

// plainYAML says a decoder's error in the reader's words, and without the
// values of the file: somebody may have written a secret there.
func plainYAML(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n")
	text = strings.TrimPrefix(text, "yaml: ")
	text = yamlAlias.ReplaceAllString(text, "an unquoted text that begins with * is an alias; quote it")
	var lines []string
	for line := range strings.Lines(text) {
		line = yamlValue.ReplaceAllString(strings.TrimSpace(line), "$1 into")
		lines = append(lines, yamlType.ReplaceAllString(line, "unknown key $1"))
	}
	return strings.Join(lines, "; ")
}

func (c *Config) defaults() {
	set(&c.TimeZone, "UTC")
	set(&c.Drift, plan.Enforce)
	set(&c.Prune.Mode, plan.PruneReport)
	if c.Prune.Grace == nil {
		c.Prune.Grace = new(Duration(24 * time.Hour))
	}
	set(&c.Prune.MaxCount, 5)
	set(&c.Prune.MaxPercent, 20)
	set(&c.Disruption.Max, plan.Restart)
	set(&c.Disruption.MaxCount, 5)
	set(&c.ProvidersDir, "/etc/vmsteward/providers.d")
	set(&c.StateDir, "/var/lib/vmsteward")
	set(&c.API.Socket, "/run/vmsteward/vmsteward.sock")
	set(&c.Log.Format, "auto")
	set(&c.Log.Level, "info")
	if g := c.Source.Git; g != nil && g.Ref == (RefConfig{}) {
		g.Ref.Branch = "main"
	}
	if c.Schedule == "" && c.Interval == 0 {
		c.Interval = Duration(5 * time.Minute)
	}
}

func set[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// credentialsDir returns where credentials are looked for.
func (c *Config) credentialsDir(systemd string) string {
	switch {
	case c.CredentialsDir != "":
		return c.CredentialsDir
	case systemd != "":
		return systemd
	}
	return filepath.Join(filepath.Dir(DefaultConfigPath), "credentials")
}
