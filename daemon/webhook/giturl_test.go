package webhook

import (
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	for want, forms := range map[string][]string{
		"github.com/acme/machines": {
			"https://github.com/acme/machines", "https://github.com/acme/machines.git", "https://github.com/Acme/Machines/",
			"http://github.com:80/acme/machines", "https://mira:token@github.com/acme/machines.git", "git://github.com/acme/machines.git",
			"ssh://git@github.com/acme/machines.git", "ssh://git@github.com:22/acme/machines", "ssh://git@ssh.github.com:443/acme/machines.git",
			"git@github.com:acme/machines.git", "github.com:acme/machines", "git@github.com:/acme/machines.git", "git+ssh://git@GitHub.com/acme/machines",
			" https://github.com//acme/./machines?x=1#y ", "https://github.com./acme/machines",
		},
		"gitlab.example.org/a/b/c/machines": {
			"https://gitlab.example.org/a/b/c/machines.git", "ssh://git@gitlab.example.org:2222/a/b/c/machines.git", "git@gitlab.example.org:a/b/c/machines",
		},
		"stash.example.org/acme/machines": {
			"https://stash.example.org/scm/acme/machines.git", "ssh://git@stash.example.org:7999/acme/machines.git", "https://stash.example.org/scm/ACME/machines.git",
		},
		"dev.azure.com/acme/virtual infra/machines": {
			"https://dev.azure.com/acme/Virtual%20Infra/_git/machines", "https://acme@dev.azure.com/acme/Virtual%20Infra/_git/machines",
			"git@ssh.dev.azure.com:v3/acme/Virtual%20Infra/machines", "git@ssh.dev.azure.com:v3/acme/Virtual Infra/machines",
			"https://acme.visualstudio.com/Virtual%20Infra/_git/machines", "https://acme.visualstudio.com/DefaultCollection/Virtual%20Infra/_git/machines",
			"acme@vs-ssh.visualstudio.com:v3/acme/Virtual%20Infra/machines", "ssh://git@ssh.dev.azure.com/v3/acme/Virtual%20Infra/machines",
		},
		"dev.azure.com/acme/machines/machines": {"https://dev.azure.com/acme/_git/machines", "git@ssh.dev.azure.com:v3/acme/machines/machines"},
		"fd00::1/acme/machines":                {"ssh://git@[fd00::1]:22/acme/machines.git", "git@[fd00::1]:acme/machines", "https://[FD00:0::1]/acme/machines"},
		"file:/srv/git/Machines":               {"/srv/git/Machines.git", "file:///srv/git/Machines.git", "file://localhost/srv/git/Machines/", "/srv/git/../git/Machines"},
		"": {
			"", "machines", "https://", "https://github.com", "https://github.com/", "https://github.com/.git", "https:///acme/x", ":acme/x", "git@:x",
			"./machines", "../a:b", "https://github.com/a\nb", "https://[::1/x", "/", "file:///", "ssh://[not an address]/x",
		},
	} {
		for _, form := range forms {
			if got := Normalise(form); got != want {
				t.Errorf("Normalise(%q) = %q, want %q", form, got, want)
			}
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"https://u:p@host:1/a/b.git", "git@host:a/b", "[::1]:x", "file:///x", "acme@vs-ssh.visualstudio.com:v3/a/b/c", "https://a.visualstudio.com/defaultcollection", "ssh://dev.azure.com/_git/x/%2e%2e/.git.git"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Normalise(s)
		if got == "" {
			return
		}
		if strings.ContainsFunc(got, unprintable) || strings.HasSuffix(got, "/") {
			t.Errorf("Normalise(%q) = %q", s, got)
		}
		if host, _, ok := strings.Cut(got, "/"); !ok || host == "" || strings.Contains(host, "@") {
			t.Errorf("Normalise(%q) = %q, which has no clean host", s, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	forges := []Forge{GitHub, GitLab, Gitea, Bitbucket, BitbucketDC, AzureDevOps, Generic}
	for i, name := range []string{"github-push.json", "gitlab-push.json", "gitea-push.json", "bitbucket-cloud-push.json", "bitbucket-dc-push.json", "azure-push.json", "generic-push.json"} {
		f.Add(uint8(i), uint8(kindPush), fixture(f, name))
	}
	f.Add(uint8(0), uint8(kindCreate), fixture(f, "github-create.json"))
	f.Add(uint8(0), uint8(kindPush), []byte("payload=%7B%7D"))
	f.Add(uint8(3), uint8(kindPush), []byte(`{"push":{"changes":[{"new":null,"old":null},{"new":7}]},"repository":{"links":[]}}`))
	wants := interest{repositories: []string{"github.com/acme/machines"}, branch: "main"}
	f.Fuzz(func(t *testing.T, forge, k uint8, body []byte) {
		e, err := parse(forges[int(forge)%len(forges)], kind(k%5), "word", body)
		if err != nil {
			return
		}
		repository, c, reason := wants.match(e)
		if strings.ContainsFunc(reason, unprintable) {
			t.Errorf("reason %q", reason)
		}
		if reason != "" {
			return
		}
		if repository != "" && repository != wants.repositories[0] || c.deleted && c.ref != "" {
			t.Errorf("woken by %q, %+v", repository, c)
		}
		if got := c.ref; got != "" && got != "main" && got != "refs/heads/main" {
			t.Errorf("woken by %q", got)
		}
	})
}
