package manifest

import "regexp"

// pattern is a named form of strings.
type pattern struct {
	re   *regexp.Regexp
	says string // completes "must be …"
}

const (
	octet    = `(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])`
	ipv4Form = octet + `(\.` + octet + `){3}`
)

// patterns are the forms that a check tag can name.
var patterns = map[string]pattern{
	"dnsLabel":  {regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`), "lower-case letters, digits and '-', with a letter or digit at both ends"},
	"subdomain": {regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`), "lower-case letters, digits, '-' and '.', with a letter or digit at both ends"},
	"ipv4":      {regexp.MustCompile(`^` + ipv4Form + `$`), "an IPv4 address such as 192.0.2.10"},
	"cidr4":     {regexp.MustCompile(`^` + ipv4Form + `/(3[0-2]|[12]?[0-9])$`), "an IPv4 address with a prefix length such as 192.0.2.10/24"},
	"mac":       {regexp.MustCompile(`^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$`), "six hexadecimal pairs separated by ':' or '-'"},
	"word":      {regexp.MustCompile(`^[a-zA-Z0-9_-]+$`), "letters, digits, '-' and '_'"},
	"hostname":  {regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`), "letters, digits and '-', with a letter or digit at both ends"},
	"vmbr":      {regexp.MustCompile(`^vmbr[0-9]+$`), "a bridge name such as vmbr0"},
	"httpURL":   {regexp.MustCompile(`^https?://.*`), "an http or https address"},
	"fetchURL":  {regexp.MustCompile(`^(https?|ftp)://.*`), "an http, https or ftp address"},
	"ovaURL":    {regexp.MustCompile(`^https?://.*\.(ova|ovf)$`), "an http or https address that ends in .ova or .ovf"},
	"taggedImage": {regexp.MustCompile(`^[a-zA-Z0-9._/-]+:[a-zA-Z0-9._-]+$`),
		"an image name with a tag such as registry/name:1.0"},
	"containerImage": {regexp.MustCompile(`^[a-zA-Z0-9._/-]+(:[a-zA-Z0-9._-]+)?(@[a-zA-Z0-9]+:[a-fA-F0-9]{64})?$`),
		"a container image such as registry/name:1.0"},
	"endpoint": {regexp.MustCompile(`^((https?://[a-zA-Z0-9.-]+(:[0-9]+)?(/.*)?|(tcp|grpc)://([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\]):[0-9]+(/.*)?)` +
		`|qemu(\+ssh|\+tcp|\+tls|\+unix)?://(([a-zA-Z0-9._-]+@)?([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?)?(/.*)` +
		`|memory://.+|unix:///.+)$`),
		"an address such as https://vcenter/sdk, qemu:///system, qemu+ssh://user@host/system or grpc://host:9443"},
	"snapshotName": {regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?$`),
		"letters, digits, '-' and '_', with a letter or digit at both ends"},
	"volumeSize": {regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(Ei?|Pi?|Ti?|Gi?|Mi?|Ki?)$`), "a size such as 100Gi"},
	"cron": {regexp.MustCompile(`^(@(annually|yearly|monthly|weekly|daily|hourly|reboot))|(@every (\d+(ns|us|µs|ms|s|m|h))+)` +
		`|((((\d+,)+\d+|(\d+(/|-)\d+)|\d+|\*) ?){5,7})$`), "a cron expression such as '0 3 * * *'"},
}
