package manifest

import (
	"math/big"
	"strings"
	"testing"
)

func TestParseQuantity(t *testing.T) {
	for _, tc := range []struct {
		text   string
		want   int64
		reason string
	}{
		{"0", 0, "nothing"},
		{"4294967296", 4294967296, "plain bytes"},
		{"+5", 5, "a sign is admitted"},
		{"-5", -5, "the parser reads negatives; fields refuse them"},
		{"1Ki", 1 << 10, "binary kilo"},
		{"4096Mi", 4 << 30, "binary mega"},
		{"4Gi", 4 << 30, "binary giga"},
		{"1Ti", 1 << 40, "binary tera"},
		{"1Pi", 1 << 50, "binary peta"},
		{"7Ei", 7 << 60, "the largest whole binary exa"},
		{"1k", 1000, "decimal kilo is a small k"},
		{"4G", 4e9, "decimal giga"},
		{"2T", 2e12, "decimal tera"},
		{"3P", 3e15, "decimal peta"},
		{"9E", 9e18, "decimal exa: an E without digits is a suffix"},
		{"1e9", 1e9, "exponent"},
		{"1E9", 1e9, "exponent with a capital"},
		{"1.5e3", 1500, "fraction and exponent"},
		{"25e-1", 3, "a fraction is rounded away from zero"},
		{"1.5Gi", 3 << 29, "a fraction of a binary unit is exact"},
		{".5Gi", 1 << 29, "no digit before the point"},
		{"5.", 5, "no digit behind the point"},
		{"0.1", 1, "less than one byte is one"},
		{"-0.1", -1, "rounding is away from zero on both sides"},
		{"1500m", 2, "milli rounds up"},
		{"2000000u", 2, "micro"},
		{"1000000000n", 1, "nano"},
		{"9223372036854775807", 1<<63 - 1, "the largest"},
	} {
		q, err := ParseQuantity(tc.text)
		if err != nil || q.Bytes() != tc.want {
			t.Errorf("%s: ParseQuantity(%q) = %d, %v, want %d", tc.reason, tc.text, q.Bytes(), err, tc.want)
		}
		if q.String() != tc.text {
			t.Errorf("%s: String() = %q, want %q as written", tc.reason, q.String(), tc.text)
		}
	}
}

func TestParseQuantityRefuses(t *testing.T) {
	for _, tc := range []struct{ text, reason string }{
		{"", "empty"},
		{"Gi", "no number"},
		{".", "no digit"},
		{"+", "no digit"},
		{"4 Gi", "blank"},
		{"4GB", "bytes are not a suffix"},
		{"4gi", "suffixes mind case"},
		{"4K", "decimal kilo is a small k"},
		{"4ki", "binary kilo is a capital K"},
		{"1.2.3", "two points"},
		{"1e", "E alone is exa, e alone is nothing"},
		{"1e99", "exponent out of bounds"},
		{"1e1.5", "exponent with a fraction"},
		{"--1", "two signs"},
		{"1-", "sign behind"},
		{"8Ei", "past 63 bits"},
		{"9223372036854775808", "past 63 bits"},
		{"0x10", "hexadecimal"},
		{"١", "digits of another script"},
		{strings.Repeat("1", 65), "too long"},
	} {
		if q, err := ParseQuantity(tc.text); err == nil {
			t.Errorf("%s: ParseQuantity(%q) = %d, want an error", tc.reason, tc.text, q.Bytes())
		}
	}
}

func FuzzQuantity(f *testing.F) {
	for _, s := range []string{"4Gi", "1.5e3", "1E", "9E", "500m", "-1", ".", "1e-24", "0.0000001Ei"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuantity(s)
		if err != nil {
			return
		}
		if q.String() != s {
			t.Errorf("String() = %q, want %q", q, s)
		}
		again, err := ParseQuantity(big.NewInt(q.Bytes()).String())
		if err != nil || again.Bytes() != q.Bytes() {
			t.Errorf("%q is %d bytes, which reads back as %d, %v", s, q.Bytes(), again.Bytes(), err)
		}
		if r, ok := new(big.Rat).SetString(s); ok && !strings.ContainsAny(s, "xXoObBpP_/") {
			difference := r.Sub(r, new(big.Rat).SetInt64(q.Bytes()))
			if difference.Abs(difference).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Errorf("%q reads as %d", s, q.Bytes())
			}
		}
	})
}
