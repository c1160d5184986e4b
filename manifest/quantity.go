package manifest

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Quantity is an amount as Kubernetes writes it: "4Gi", "1500M", "4294967296",
// "1e9", "500m". It is kept as a whole number, a fraction being rounded away
// from zero, together with the text.
type Quantity struct {
	value int64
	text  string
}

const (
	maxQuantityLen = 64 // no honest quantity is longer, and it bounds the arithmetic
	maxExponent    = 24
	gibibyte       = int64(1) << 30
	mebibyte       = int64(1) << 20
)

var (
	errQuantityForm  = errors.New("not a quantity")
	errQuantityRange = errors.New("quantity does not fit into 63 bits")
)

// ParseQuantity reads s. The suffixes are Ki Mi Gi Ti Pi Ei (powers of 1024),
// n u m k M G T P E (powers of 1000) and a decimal exponent (e9, E9).
func ParseQuantity(s string) (Quantity, error) {
	if len(s) > maxQuantityLen {
		return Quantity{}, errQuantityForm
	}
	number, suffix := splitQuantity(s)
	mantissa, decimals, ok := parseDecimal(number)
	if !ok {
		return Quantity{}, errQuantityForm
	}
	scale10, scale2, ok := quantityScale(suffix)
	if !ok {
		return Quantity{}, errQuantityForm
	}
	mantissa.Lsh(mantissa, uint(scale2))
	v := scaleDecimal(mantissa, scale10-decimals)
	if !v.IsInt64() {
		return Quantity{}, errQuantityRange
	}
	return Quantity{value: v.Int64(), text: s}, nil
}

// Bytes returns the amount.
func (q Quantity) Bytes() int64 { return q.value }

// String returns the quantity as written.
func (q Quantity) String() string {
	if q.text == "" {
		return strconv.FormatInt(q.value, 10)
	}
	return q.text
}

// MarshalText writes the quantity as it was written.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// splitQuantity cuts s where the sign, digits and point end.
func splitQuantity(s string) (number, suffix string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || i == 0 && (s[i] == '+' || s[i] == '-')) {
		i++
	}
	return s[:i], s[i:]
}

// parseDecimal reads a signed decimal number into an integer and the number of
// digits behind its point.
func parseDecimal(s string) (n *big.Int, decimals int, ok bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	digits := strings.TrimLeft(whole, "+-") + fraction
	if digits == "" || strings.Contains(fraction, ".") {
		return nil, 0, false
	}
	n, ok = new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, 0, false
	}
	if strings.HasPrefix(whole, "-") {
		n.Neg(n)
	}
	return n, len(fraction), true
}

// quantityScale returns the powers of ten and of two that a suffix stands for.
func quantityScale(suffix string) (scale10, scale2 int, ok bool) {
	switch suffix {
	case "":
		return 0, 0, true
	case "n":
		return -9, 0, true
	case "u":
		return -6, 0, true
	case "m":
		return -3, 0, true
	}
	if i := strings.Index("kMGTPE", suffix); i >= 0 && len(suffix) == 1 {
		return 3 * (i + 1), 0, true
	}
	if i := strings.Index("KMGTPE", suffix[:1]); i >= 0 && suffix[1:] == "i" {
		return 0, 10 * (i + 1), true
	}
	if suffix[0] == 'e' || suffix[0] == 'E' {
		n, err := strconv.Atoi(suffix[1:])
		return n, 0, err == nil && n >= -maxExponent && n <= maxExponent
	}
	return 0, 0, false
}

// scaleDecimal returns n × 10^exp, rounded away from zero.
func scaleDecimal(n *big.Int, exp int) *big.Int {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		return n.Mul(n, power)
	}
	quotient, rest := new(big.Int).QuoRem(n, power, new(big.Int))
	if rest.Sign() != 0 {
		quotient.Add(quotient, big.NewInt(int64(n.Sign())))
	}
	return quotient
}
