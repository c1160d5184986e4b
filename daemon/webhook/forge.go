package webhook

import (
	"net/http"
	"strings"
)

// Forge names what sent a delivery.
type Forge string

// The forges whose deliveries are understood.
const (
	GitHub      Forge = "github"
	GitLab      Forge = "gitlab"
	Gitea       Forge = "gitea"
	Forgejo     Forge = "forgejo"
	Gogs        Forge = "gogs"
	BitbucketDC Forge = "bitbucket-data-center"
	Bitbucket   Forge = "bitbucket-cloud"
	AzureDevOps Forge = "azure-devops"
	// Generic is anything that signs its body, or "<timestamp>.<body>" when it
	// sends X-Vmsteward-Timestamp. The body may be empty.
	Generic      Forge = "generic"
	unknownForge Forge = "unknown"
)

// Headers that more than one place asks for.
const (
	hubSignature  = "X-Hub-Signature"
	hubSignature2 = "X-Hub-Signature-256"
	stampHeader   = "X-Vmsteward-Timestamp"
	gitlabToken   = "X-Gitlab-Token"
	idempotency   = "Idempotency-Key"
	hookUUID      = "X-Hook-Uuid"
	requestUUID   = "X-Request-Uuid"
	eventKey      = "X-Event-Key"
	authorization = "Authorization"
)

// dialect is how one forge speaks in headers. Where several headers are named,
// the first that is present counts.
type dialect struct {
	forge     Forge
	marks     []string // any of them tells the forge
	event     string
	delivery  []string
	signature []string // empty: a token or a password instead
	prefix    string   // before the hexadecimal digits
}

// dialects is in the order of asking: the forges that also send the headers of
// others come before those others.
var dialects = [...]dialect{
	{Generic, []string{"X-Vmsteward-Signature"}, "",
		[]string{"X-Vmsteward-Delivery"}, []string{"X-Vmsteward-Signature"}, "sha256="},
	{Forgejo, []string{"X-Forgejo-Event", "X-Forgejo-Signature"}, "X-Forgejo-Event",
		[]string{"X-Forgejo-Delivery"}, []string{"X-Forgejo-Signature", "X-Gitea-Signature", hubSignature2}, ""},
	{Gitea, []string{"X-Gitea-Event", "X-Gitea-Signature"}, "X-Gitea-Event",
		[]string{"X-Gitea-Delivery"}, []string{"X-Gitea-Signature", hubSignature2}, ""},
	{Gogs, []string{"X-Gogs-Event", "X-Gogs-Signature"}, "X-Gogs-Event",
		[]string{"X-Gogs-Delivery"}, []string{"X-Gogs-Signature", hubSignature2}, ""},
	{GitLab, []string{"X-Gitlab-Event", gitlabToken}, "X-Gitlab-Event",
		[]string{idempotency, "X-Gitlab-Event-Uuid"}, nil, ""},
	{Bitbucket, []string{hookUUID, requestUUID}, eventKey,
		[]string{requestUUID}, []string{hubSignature}, "sha256="},
	{BitbucketDC, []string{eventKey}, eventKey,
		[]string{"X-Request-Id"}, []string{hubSignature}, "sha256="},
	{GitHub, []string{"X-Github-Event", hubSignature2, hubSignature}, "X-Github-Event",
		[]string{"X-Github-Delivery"}, []string{hubSignature2}, "sha256="},
	{AzureDevOps, []string{authorization}, "", nil, nil, ""},
}

// dialectOf tells which forge speaks; false: none that is known.
func dialectOf(h http.Header) (dialect, bool) {
	for _, d := range dialects {
		if d.forge == Bitbucket && h.Get(eventKey) == "" {
			continue // others send a request id too
		}
		for _, mark := range d.marks {
			if h.Get(mark) != "" {
				return d, true
			}
		}
	}
	return dialect{forge: unknownForge}, false
}

// deliveryOf is the id the forge gave this delivery, empty when it gave none.
func (d dialect) deliveryOf(h http.Header) string {
	for _, name := range d.delivery {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// kind is what an event is about.
type kind int

const (
	kindOther  kind = iota
	kindPush        // refs moved
	kindCreate      // a ref was made
	kindPing        // somebody tries the address
	kindInBody      // the headers do not say
)

// kindOf reads the kind from the headers, and the word the forge uses for it.
func (d dialect) kindOf(h http.Header) (kind, string) {
	if d.event == "" {
		if d.forge == Generic {
			return kindPush, "wake"
		}
		return kindInBody, ""
	}
	word := h.Get(d.event)
	switch strings.ToLower(word) {
	case "push", "push hook", "tag push hook", "repo:push", "repo:refs_changed":
		return kindPush, word
	case "create":
		return kindCreate, word
	case "ping", "diagnostics:ping":
		return kindPing, word
	case "system hook":
		return kindInBody, word
	}
	return kindOther, word
}
