package manifest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
)

func secretText(name, data string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\nstringData: " + data + "\n"
}

func TestFirstBootData(t *testing.T) {
	for _, tc := range []struct {
		reason, spec, secret string
		user, meta, ignition string
	}{
		{"inline", `{userData: {cloudInit: {inline: "a"}}, metaData: {cloudInit: {inline: "b"}}}`, "{x: y}", "a", "b", ""},
		{"from a Secret", `{userData: {cloudInit: {secretRef: {name: s}}}}`, "{user-data: u}", "u", "", ""},
		{"the first key that is there", `{userData: {cloudInit: {secretRef: {name: s}}}}`, "{cloud-config: c, user-data: u}", "u", "", ""},
		{"metadata of both", `{metaData: {cloudInit: {inline: "a: 1\n", secretRef: {name: s}}}}`, "{meta_data: \"b: 2\"}", "", "a: 1\nb: 2", ""},
		{"ignition", `{userData: {ignition: {secretRef: {name: s}}}}`, "{ignition: i}", "", "", "i"},
		{"nothing", `{userData: {}}`, "{x: y}", "", "", ""},
	} {
		files := fleet()
		files["vm.yaml"] = vmText("web", strings.TrimSuffix(strings.ReplaceAll("  "+tc.spec[1:], "}, metaData", "}\n  metaData"), "}")+"\n")
		files["secret.yaml"] = secretText("s", tc.secret)
		ci := onlyVM(t, files).CloudInit
		if ci.UserData.Reveal() != tc.user || ci.MetaData.Reveal() != tc.meta || ci.Ignition.Reveal() != tc.ignition {
			t.Errorf("%s: user %q, meta %q, ignition %q", tc.reason, ci.UserData.Reveal(), ci.MetaData.Reveal(), ci.Ignition.Reveal())
		}
		if (ci.Digest == "") != ci.Empty() {
			t.Errorf("%s: digest %q", tc.reason, ci.Digest)
		}
	}
}

func TestFirstBootDataIsHeldWithoutItsText(t *testing.T) {
	for _, tc := range []struct{ reason, more, want string }{
		{"a Secret without the keys", "  userData: {cloudInit: {secretRef: {name: s}}}\n", "Secret default/s has none of the keys userdata, user-data"},
		{"ignition cannot be joined", "  userData: {ignition: {inline: a, secretRef: {name: i}}}\n", "cannot be joined"},
	} {
		files := fleet()
		files["vm.yaml"] = vmText("web", tc.more)
		files["secret.yaml"] = secretText("s", "{password: hunter2}") + "---\n" + secretText("i", "{ignition: hunter2}")
		d := resolveTree(t, files)
		if len(d.Held) != 1 || !strings.Contains(lines(d.Held[0].Reasons), tc.want) {
			t.Errorf("%s: findings\n%swant %q", tc.reason, lines(d.Findings), tc.want)
		}
	}
}

func TestInlineAndSecretBecomeOneMIMEDocument(t *testing.T) {
	files := fleet()
	files["vm.yaml"] = vmText("web", "  userData:\n    cloudInit:\n      inline: |\n        #cloud-config\n        a: ü\n      secretRef: {name: s}\n")
	files["secret.yaml"] = secretText("s", `{userdata: "#!/bin/sh\ntrue\n"}`)
	text := onlyVM(t, files).CloudInit.UserData.Reveal()
	if again := onlyVM(t, files).CloudInit.UserData.Reveal(); again != text {
		t.Error("the document differs from run to run")
	}
	message, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("type %q, %v", kind, err)
	}
	var got bytes.Buffer
	for r := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s: %q\n", part.Header.Get("Content-Type"), body)
	}
	want := "text/cloud-config; charset=\"utf-8\": \"#cloud-config\\na: ü\\n\"\n" +
		"text/x-shellscript; charset=\"utf-8\": \"#!/bin/sh\\ntrue\\n\"\n"
	if got.String() != want {
		t.Errorf("parts\n%swant\n%s", got.String(), want)
	}
}

func TestSecretsOfTheHost(t *testing.T) {
	files := fleet()
	files["vm.yaml"] = vmText("web", "  userData: {cloudInit: {secretRef: {name: s}}}\n")
	files["secret.yaml"] = secretText("s", "{userdata: tree}")
	for _, tc := range []struct {
		reason  string
		secrets map[Key]secret.Set
		want    string
	}{
		{"the tree's when the host has none", nil, "tree"},
		{"the host's by its key", map[Key]secret.Set{{"default", "s"}: {"userdata": secret.New("host")}}, "host"},
		{"the host's by its name", map[Key]secret.Set{{"", "s"}: {"userdata": secret.New("host")}}, "host"},
		{"not the host's of another namespace", map[Key]secret.Set{{"x", "s"}: {"userdata": secret.New("host")}}, "tree"},
	} {
		opts := host()
		opts.Secrets = tc.secrets
		d := Resolve(Load(tree(files), Options{}), opts)
		if len(d.VMs) != 1 || d.VMs[0].CloudInit.UserData.Reveal() != tc.want {
			t.Errorf("%s: want %q\n%s", tc.reason, tc.want, lines(d.Findings))
		}
	}
}

func TestNothingPrintsFirstBootData(t *testing.T) {
	files := fleet()
	files["vm.yaml"] = vmText("web", "  userData: {cloudInit: {inline: hunter2, secretRef: {name: s}}}\n  metaData: {cloudInit: {inline: [hunter2]}}\n")
	files["secret.yaml"] = secretText("s", "{userdata: [hunter2]}")
	set := Load(tree(files), Options{})
	d := Resolve(set, host())
	var printed strings.Builder
	fmt.Fprintf(&printed, "%v %+v %#v", d, d.Held, d.Findings)
	for _, doc := range set.Documents {
		fmt.Fprintf(&printed, "%+v", doc.Object)
	}
	files["vm.yaml"] = vmText("web", "  userData: {cloudInit: {inline: hunter2}}\n")
	fmt.Fprintf(&printed, "%+v", *onlyVM(t, files))
	if strings.Contains(printed.String(), "hunter2") {
		t.Errorf("first-boot data is printed:\n%s", printed.String())
	}
}
