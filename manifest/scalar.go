package manifest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// scalar decodes a value that is not taken apart.
func (d *decoder) scalar(v any, f form, r *rules, target reflect.Value) {
	switch f {
	case formIgnored:
	case formBool:
		if b, ok := v.(bool); ok {
			target.SetBool(b)
			return
		}
		d.errorf(boolHint(v), "must be true or false, not %s", typeName(v))
	case formInt:
		d.integer(v, r, target)
	case formQuantity:
		d.quantity(v, target)
	case formIntOrPercent:
		d.intOrPercent(v, target)
	case formSecret, formBase64:
		d.secret(v, f, target)
	default:
		if s, ok := d.text(v, f); ok {
			d.checkText(s, r)
			target.SetString(d.words.text(s))
		}
	}
}

func boolHint(v any) string {
	if s, ok := v.(string); ok && (s == "true" || s == "false") {
		return "remove the quotes"
	}
	return ""
}

// text reads a string, and what else the two special forms admit.
func (d *decoder) text(v any, f form) (string, bool) {
	switch t := v.(type) {
	case string:
		return t, true
	case bool:
		if f == formPowerState {
			if t {
				return string(StateOn), true
			}
			return string(StateOff), true
		}
	case json.Number:
		if f == formTPMVersion {
			return tpmVersion(t), true
		}
	}
	if len(d.findings) < maxFindings {
		d.errorf(d.quoteHint(v), "must be a string, not %s", typeName(v))
		return "", false
	}
	d.full(Error)
	return "", false
}

// tpmVersion writes the number 2 as "2.0".
func tpmVersion(n json.Number) string {
	if n == "2" {
		return "2.0"
	}
	return n.String()
}

// quoteHint tells how to write a boolean or a number as a string.
func (d *decoder) quoteHint(v any) string {
	switch v.(type) {
	case bool, json.Number:
		if node, _ := locate(d.root, d.path); node != nil && node.Value != "" {
			return fmt.Sprintf("quote it: %q", clip(node.Value))
		}
		return "quote it"
	}
	return ""
}

func (d *decoder) checkText(s string, r *rules) {
	switch n := int64(utf8.RuneCountInString(s)); {
	case len(r.enum) > 0 && !slices.Contains(r.enum, s) && (r.pattern == "" || nearest(s, r.enum) != ""):
		hint := ""
		if near := nearest(s, r.enum); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		d.errorf(hint, "%q is not one of %s", clip(s), strings.Join(r.enum, ", "))
	case outside(n, r.minLen, r.maxLen):
		d.errorf("", "has %d characters, must have %s", n, boundsText(r.minLen, r.maxLen))
	case r.pattern != "" && !patterns[r.pattern].re.MatchString(s):
		hint := ""
		if s == "" {
			hint = "leave the field out"
		}
		d.errorf(hint, "%q must be %s", clip(s), patterns[r.pattern].says)
	case r.duration || r.durationWarn:
		d.checkDuration(s, r)
	}
}

func (d *decoder) checkDuration(s string, r *rules) {
	v, err := time.ParseDuration(s)
	if err == nil && v >= 0 {
		return
	}
	severity := Error
	if r.durationWarn {
		severity = Warning
	}
	hint := "write a number with a unit of s, m or h"
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			hint = fmt.Sprintf("write %dh", n*24)
		}
	}
	if d.full(severity) {
		return
	}
	d.add(d.finding(severity, d.path, fmt.Sprintf("%q is not a duration such as 90s or 1h30m", clip(s)), hint))
}

func (d *decoder) integer(v any, r *rules, target reflect.Value) {
	n, ok := v.(json.Number)
	if !ok {
		hint := ""
		if s, isText := v.(string); isText {
			if _, err := strconv.ParseInt(s, 10, 64); err == nil {
				hint = "remove the quotes"
			}
		}
		d.errorf(hint, "must be a whole number, not %s", typeName(v))
		return
	}
	i, ok := wholeNumber(n)
	switch {
	case !ok:
		d.errorf("", "%s is not a whole number", clip(n.String()))
	case target.OverflowInt(i):
		d.errorf("", "%d is too large", i)
	case outside(i, r.min, r.max):
		d.errorf("", "is %d, must be %s", i, boundsText(r.min, r.max))
	default:
		target.SetInt(i)
	}
}

// wholeNumber reads an integer, also where it is written as 4.0 or 1e3.
func wholeNumber(n json.Number) (int64, bool) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, true
	}
	f, err := n.Float64()
	const exact = 1 << 53
	if err != nil || f != float64(int64(f)) || f > exact || f < -exact {
		return 0, false
	}
	return int64(f), true
}

func (d *decoder) quantity(v any, target reflect.Value) {
	var text string
	switch t := v.(type) {
	case string:
		text = t
	case json.Number:
		text = t.String()
	default:
		d.errorf("", "must be a quantity such as 4Gi, not %s", typeName(v))
		return
	}
	q, err := ParseQuantity(text)
	if err != nil {
		hint := ""
		if trimmed, ok := strings.CutSuffix(text, "B"); ok {
			if _, err := ParseQuantity(trimmed); err == nil {
				hint = "write " + trimmed
			}
		}
		d.errorf(hint, "%q: %v, such as 4Gi or 500M", clip(text), err)
		return
	}
	if q.Bytes() < 0 {
		d.errorf("", "is %s, must not be negative", clip(text))
		return
	}
	target.Set(reflect.ValueOf(q))
}

func (d *decoder) intOrPercent(v any, target reflect.Value) {
	p, ok := IntOrPercent{}, false
	switch t := v.(type) {
	case string:
		p, ok = parseIntOrPercent(t)
	case json.Number:
		var n int64
		n, ok = wholeNumber(t)
		ok = ok && n >= 0 && n <= 1<<31-1
		p.Value = int32(n)
	}
	if !ok {
		d.errorf("", "must be a count such as 3 or a share such as \"25%%\"")
		return
	}
	target.Set(reflect.ValueOf(p))
}

// secret decodes a value that no message may repeat.
func (d *decoder) secret(v any, f form, target reflect.Value) {
	s, ok := v.(string)
	if !ok {
		hint := ""
		if typeName(v) != "a list" && typeName(v) != "an object" {
			hint = "quote it"
		}
		d.errorf(hint, "must be a string, not %s", typeName(v))
		return
	}
	if f == formSecret {
		target.Set(reflect.ValueOf(secret.New(s)))
		return
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		d.errorf("plain text goes into stringData", "is not base64")
		return
	}
	target.Set(reflect.ValueOf(Base64{secret.New(string(content))}))
}

const maxClip = 60

// clip makes a text fit for a message: a login in an address is taken out, and
// what is too long is cut.
func clip(s string) string {
	if scheme, rest, found := strings.Cut(s, "://"); found {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			s = scheme + "://…" + rest[i:]
		}
	}
	if utf8.RuneCountInString(s) <= maxClip {
		return s
	}
	return string([]rune(s)[:maxClip]) + "…"
}
