package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/reconcile/plan"
)

var fleetName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// check returns everything that is wrong, each with the key that it is about.
func (c *Config) check() error {
	return errors.Join(c.checkHead(), c.checkSource(), c.checkSchedule(), c.checkPolicy(), c.Log.Check())
}

func (c *Config) checkHead() error {
	var errs []error
	if c.APIVersion != APIVersion || c.Kind != ConfigKind {
		errs = append(errs, fmt.Errorf("the file must begin with apiVersion: %s and kind: %s", APIVersion, ConfigKind))
	}
	if len(c.Fleet) > 63 || !fleetName.MatchString(c.Fleet) {
		errs = append(errs, fmt.Errorf("fleet: %q is not a name of at most 63 lower-case letters, digits and dashes; it marks the VMs that are ours", c.Fleet))
	}
	return errors.Join(errs...)
}

func (c *Config) checkSource() error {
	switch {
	case c.Source.Git == nil && c.Source.Dir == nil:
		return errors.New("source: name a repository (source.git.url) or a folder (source.dir.path)")
	case c.Source.Git != nil && c.Source.Dir != nil:
		return errors.New("source: git and dir are both set; there is one source")
	case c.Source.Git != nil && c.Source.Git.URL == "":
		return errors.New("source.git.url: is missing")
	case c.Source.Dir != nil && c.Source.Dir.Path == "":
		return errors.New("source.dir.path: is missing")
	}
	if g := c.Source.Git; g != nil {
		set := 0
		for _, s := range []string{g.Ref.Branch, g.Ref.Tag, g.Ref.SemVer, g.Ref.Commit} {
			if s != "" {
				set++
			}
		}
		if set > 1 {
			return errors.New("source.git.ref: set one of branch, tag, semver and commit")
		}
	}
	return nil
}

func (c *Config) checkSchedule() error {
	var errs []error
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		errs = append(errs, fmt.Errorf("timeZone: %q is not known on this host", c.TimeZone))
	}
	if c.Schedule != "" && c.Interval != 0 {
		errs = append(errs, errors.New("schedule and interval are both set; choose one"))
	}
	if c.Schedule != "" {
		if _, err := cronParser.Parse(c.Schedule); err != nil {
			errs = append(errs, fmt.Errorf("schedule: %w", err))
		}
	}
	if c.Interval < 0 || c.Interval > 0 && c.Interval < Duration(time.Second) {
		errs = append(errs, errors.New("interval: the least is 1s"))
	}
	for i, w := range c.Disruption.Windows {
		if _, err := cronParser.Parse(w.Start); err != nil {
			errs = append(errs, fmt.Errorf("disruption.windows[%d].start: %w", i, err))
		}
		if w.Duration <= 0 {
			errs = append(errs, fmt.Errorf("disruption.windows[%d].duration: say how long it is open, such as 4h", i))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) checkPolicy() error {
	return errors.Join(
		oneOf("drift", c.Drift, plan.Enforce, plan.ReportOnly),
		oneOf("prune.mode", c.Prune.Mode, plan.PruneOff, plan.PruneReport, plan.PruneDelete),
		oneOf("disruption.max", c.Disruption.Max, plan.Nothing, plan.Live, plan.Restart),
		atLeast("prune.grace", int64(*c.Prune.Grace), 0),
		atLeast("prune.maxCount", int64(c.Prune.MaxCount), 1),
		atLeast("prune.maxPercent", int64(c.Prune.MaxPercent), 1),
		atLeast("disruption.maxCount", int64(c.Disruption.MaxCount), 1),
	)
}

// Check returns what is wrong with the shape of a log.
func (c LogConfig) Check() error {
	var level slog.Level
	var err error
	if level.UnmarshalText([]byte(c.Level)) != nil {
		err = fmt.Errorf("log.level: %q is not one of debug, info, warn, error", c.Level)
	}
	return errors.Join(oneOf("log.format", c.Format, "auto", "text", "json"), err)
}

func oneOf[T ~string](key string, got T, allowed ...T) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return fmt.Errorf("%s: %q is not one of %v", key, string(got), allowed)
}

func atLeast(key string, got, least int64) error {
	if got >= least {
		return nil
	}
	return fmt.Errorf("%s: the least is %d", key, least)
}
