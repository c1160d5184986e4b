package manifest

import (
	"bytes"
	"mime/multipart"
	"strings"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// The keys of a Secret that first-boot data is looked up under, in order.
var (
	userDataKeys = []string{"userdata", "user-data", "cloud-init", "cloud-config"}
	metaDataKeys = []string{"metadata", "meta-data", "meta_data"}
	ignitionKeys = []string{"ignition", "config.ign", "userdata", "user-data"}
)

func (b *builder) cloudInit() {
	ci := &b.vm.CloudInit
	if u := b.spec.UserData; u != nil {
		if inline, stored := b.texts("spec.userData.cloudInit", u.CloudInit, userDataKeys); !inline.Empty() && !stored.Empty() {
			ci.UserData = mimeDocument(inline, stored)
		} else {
			ci.UserData = either(inline, stored)
		}
		inline, stored := b.texts("spec.userData.ignition", u.Ignition, ignitionKeys)
		if !inline.Empty() && !stored.Empty() {
			b.holdf("spec.userData.ignition", "keep one", "both inline and secretRef are written, which cannot be joined")
		}
		ci.Ignition = either(inline, stored)
	}
	if m := b.spec.MetaData; m != nil {
		inline, stored := b.texts("spec.metaData.cloudInit", m.CloudInit, metaDataKeys)
		ci.MetaData = either(inline, stored)
		if !inline.Empty() && !stored.Empty() {
			ci.MetaData = joinLines(inline, stored)
		}
	}
	if !ci.Empty() {
		ci.Digest = cloudInitDigest(*ci)
	}
}

func either(a, b secret.Text) secret.Text {
	if a.Empty() {
		return b
	}
	return a
}

func joinLines(a, b secret.Text) secret.Text {
	return secret.New(strings.TrimSuffix(a.Reveal(), "\n") + "\n" + b.Reveal())
}

// texts returns the inline text and the one from the Secret; either may be empty.
func (b *builder) texts(field string, t *TextSource, keys []string) (inline, stored secret.Text) {
	if t == nil {
		return inline, stored
	}
	if t.SecretRef == nil {
		return t.Inline, stored
	}
	field += ".secretRef"
	key := t.SecretRef.In(b.ns)
	values, reason := b.secrets(field, key)
	if reason != nil {
		b.hold(*reason)
		return t.Inline, stored
	}
	stored = values.First(keys...)
	if stored.Empty() {
		b.holdf(field, "", "Secret %s has none of the keys %s", key, strings.Join(keys, ", "))
	}
	return t.Inline, stored
}

// secrets finds a Secret: the host's by its full key, then by its name, then
// the tree's.
func (b *builder) secrets(field string, key Key) (secret.Set, *Finding) {
	if s, ok := b.opts.Secrets[key]; ok {
		return s, nil
	}
	if s, ok := b.opts.Secrets[Key{Name: key.Name}]; ok {
		return s, nil
	}
	ob, reason := b.lookup(field, KindSecret, key)
	if reason != nil {
		return nil, reason
	}
	object, ok := ob.docs[0].Object.(*Secret)
	if !ok {
		return nil, nil
	}
	return object.Values(), nil
}

// mimeDocument joins user data into one MIME document, which cloud-init takes
// apart. The boundary follows from the content, so that equal parts give equal
// documents.
func mimeDocument(parts ...secret.Text) secret.Text {
	encoding := newEncoding("mime")
	for _, p := range parts {
		encoding = appendText(encoding, p.Reveal())
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	boundary := "vmsteward-" + sumOf(encoding)[:32]
	_ = w.SetBoundary(boundary) // hexadecimal digits are always admitted
	for _, p := range parts {
		text := p.Reveal()
		part, err := w.CreatePart(map[string][]string{
			"Content-Type": {mimeType(text) + `; charset="utf-8"`},
			"MIME-Version": {"1.0"},
		})
		if err == nil { // a buffer takes everything
			_, _ = part.Write([]byte(text))
		}
	}
	_ = w.Close()
	head := "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\nMIME-Version: 1.0\r\n\r\n"
	return secret.New(head + body.String())
}

// mimeType tells the type of user data from its first line, as cloud-init does.
func mimeType(text string) string {
	for _, form := range []struct{ prefix, mime string }{
		{"#cloud-config-archive", "text/cloud-config-archive"},
		{"#cloud-config", "text/cloud-config"},
		{"#cloud-boothook", "text/cloud-boothook"},
		{"#include-once", "text/x-include-once-url"},
		{"#include", "text/x-include-url"},
		{"#part-handler", "text/part-handler"},
		{"#!", "text/x-shellscript"},
		{"## template: jinja", "text/jinja2"},
	} {
		if strings.HasPrefix(text, form.prefix) {
			return form.mime
		}
	}
	return "text/cloud-config"
}
