package manifest

import (
	"strconv"
	"strings"
	"time"
)

// PowerState is On, Off or OffGraceful as written. Unquoted on, off, yes, no,
// true and false, which YAML 1.1 reads as booleans, are read as On and Off.
type PowerState string

// The power states that a manifest can ask for. Absent means On.
const (
	StateOn          PowerState = "On"
	StateOff         PowerState = "Off"
	StateOffGraceful PowerState = "OffGraceful"
)

// TPMVersion is "1.2" or "2.0"; the numbers 1.2 and 2 are read as these.
type TPMVersion string

// Duration is a length of time as Go writes it, such as "90s" or "1h30m".
type Duration string

// Value returns the duration, and 0 when d is empty or not a duration.
func (d Duration) Value() time.Duration {
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return 0
	}
	return v
}

// IntOrPercent is a count ("3") or a share of a whole ("25%").
type IntOrPercent struct {
	Value   int32
	Percent bool
}

// String returns it as written in a manifest.
func (p IntOrPercent) String() string {
	s := strconv.Itoa(int(p.Value))
	if p.Percent {
		s += "%"
	}
	return s
}

// parseIntOrPercent reads a string such as "25%"; a count must be a number in
// the manifest, not a string, so it is refused here.
func parseIntOrPercent(s string) (IntOrPercent, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	if !ok {
		return IntOrPercent{}, false
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 0 {
		return IntOrPercent{}, false
	}
	return IntOrPercent{Value: int32(n), Percent: true}, true
}

// Ignored stands where the API has fields that mean nothing outside
// Kubernetes: anything may be written there, nothing is kept.
type Ignored struct{}
