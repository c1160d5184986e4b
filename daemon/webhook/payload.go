package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// event is what a body says, as far as it is needed.
type event struct {
	kind       kind
	word       string   // the forge's word for the kind
	addresses  []string // of the repository, in every form the forge gave
	tail       string   // project/repository, from a forge that gives no address
	changes    []change
	delivery   string // an id that only the body has
	incomplete bool   // what is missing is not held against it
}

// change is one ref that moved.
type change struct {
	ref     string
	commit  string
	deleted bool
}

var errNotJSON = errors.New("the body is not the JSON of a delivery")

// parse reads the few needed fields of a body whose sender is known. Fields of
// another type than expected count as missing.
func parse(forge Forge, k kind, word string, body []byte) (event, error) {
	e := event{kind: k, word: word}
	var err error
	switch forge {
	case GitLab:
		err = e.readGitLab(body)
	case Bitbucket:
		err = e.readBitbucketCloud(body)
	case BitbucketDC:
		err = e.readBitbucketDC(body)
	case AzureDevOps:
		err = e.readAzure(body)
	case Generic:
		err = e.readGeneric(body)
	default:
		err = e.readGitHub(body)
	}
	return e, err
}

// decode is lenient about types, and strict about being a JSON object.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var otherType *json.UnmarshalTypeError
	if errors.As(err, &otherType) && otherType.Field != "" {
		return nil
	}
	if err != nil {
		return errNotJSON
	}
	return nil
}

// readGitHub also reads Gitea, Forgejo and Gogs, which write the same fields.
func (e *event) readGitHub(body []byte) error {
	if form, ok := strings.CutPrefix(string(body), "payload="); ok {
		text, err := url.QueryUnescape(form)
		if err != nil {
			return errNotJSON
		}
		body = []byte(text)
	}
	var p struct {
		Ref        string `json:"ref"`
		RefType    string `json:"ref_type"`
		After      string `json:"after"`
		SHA        string `json:"sha"`
		Deleted    bool   `json:"deleted"`
		Repository struct {
			CloneURL string `json:"clone_url"`
			SSHURL   string `json:"ssh_url"`
			HTMLURL  string `json:"html_url"`
		} `json:"repository"`
	}
	if err := decode(body, &p); err != nil {
		return err
	}
	e.addresses = []string{p.Repository.CloneURL, p.Repository.SSHURL, p.Repository.HTMLURL}
	if e.kind == kindCreate {
		e.changes = []change{{ref: fullRef(p.RefType, p.Ref), commit: p.SHA}}
		return nil
	}
	e.changes = []change{{p.Ref, p.After, p.Deleted || zeros(p.After)}}
	return nil
}

func (e *event) readGitLab(body []byte) error {
	type addresses struct {
		HTTP string `json:"git_http_url"`
		SSH  string `json:"git_ssh_url"`
		Web  string `json:"web_url"`
	}
	var p struct {
		EventName  string    `json:"event_name"`
		Ref        string    `json:"ref"`
		After      string    `json:"after"`
		Project    addresses `json:"project"`
		Repository addresses `json:"repository"`
	}
	if err := decode(body, &p); err != nil {
		return err
	}
	if e.kind == kindInBody {
		e.kind, e.word = kindOther, p.EventName
		if p.EventName == "push" || p.EventName == "tag_push" {
			e.kind = kindPush
		}
	}
	e.addresses = []string{p.Project.HTTP, p.Project.SSH, p.Project.Web, p.Repository.HTTP, p.Repository.SSH}
	e.changes = []change{{p.Ref, p.After, zeros(p.After)}}
	return nil
}

func (e *event) readBitbucketCloud(body []byte) error {
	type ref struct {
		Type   string `json:"type"`
		Name   string `json:"name"`
		Target struct {
			Hash string `json:"hash"`
		} `json:"target"`
	}
	var p struct {
		Repository struct {
			FullName string `json:"full_name"`
			Links    struct {
				HTML struct {
					Href string `json:"href"`
				} `json:"html"`
			} `json:"links"`
		} `json:"repository"`
		Push struct {
			Changes []struct {
				Old *ref `json:"old"`
				New *ref `json:"new"`
			} `json:"changes"`
		} `json:"push"`
	}
	if err := decode(body, &p); err != nil {
		return err
	}
	e.addresses = []string{p.Repository.Links.HTML.Href}
	if p.Repository.FullName != "" {
		e.addresses = append(e.addresses, "https://bitbucket.org/"+p.Repository.FullName)
	}
	for _, c := range p.Push.Changes {
		switch {
		case c.New != nil:
			e.changes = append(e.changes, change{ref: fullRef(c.New.Type, c.New.Name), commit: c.New.Target.Hash})
		case c.Old != nil:
			e.changes = append(e.changes, change{ref: fullRef(c.Old.Type, c.Old.Name), deleted: true})
		}
	}
	return nil
}

func (e *event) readBitbucketDC(body []byte) error {
	type link struct {
		Href string `json:"href"`
	}
	var p struct {
		Repository struct {
			Slug    string `json:"slug"`
			Project struct {
				Key string `json:"key"`
			} `json:"project"`
			Links struct {
				Clone []link `json:"clone"`
			} `json:"links"`
		} `json:"repository"`
		Changes []struct {
			RefID  string `json:"refId"`
			ToHash string `json:"toHash"`
			Type   string `json:"type"`
			Ref    struct {
				ID string `json:"id"`
			} `json:"ref"`
		} `json:"changes"`
	}
	if err := decode(body, &p); err != nil {
		return err
	}
	for _, l := range p.Repository.Links.Clone {
		e.addresses = append(e.addresses, l.Href)
	}
	if r := p.Repository; r.Slug != "" && r.Project.Key != "" {
		e.tail = strings.ToLower(r.Project.Key + "/" + r.Slug)
	}
	for _, c := range p.Changes {
		name := c.RefID
		if name == "" {
			name = c.Ref.ID
		}
		e.changes = append(e.changes, change{name, c.ToHash, c.Type == "DELETE" || zeros(c.ToHash)})
	}
	return nil
}

func (e *event) readAzure(body []byte) error {
	var p struct {
		ID        string `json:"id"`
		EventType string `json:"eventType"`
		Resource  struct {
			RefUpdates []struct {
				Name        string `json:"name"`
				NewObjectID string `json:"newObjectId"`
			} `json:"refUpdates"`
			Repository struct {
				RemoteURL string `json:"remoteUrl"`
				SSHURL    string `json:"sshUrl"`
			} `json:"repository"`
		} `json:"resource"`
	}
	if err := decode(body, &p); err != nil {
		return err
	}
	e.kind, e.word, e.delivery = kindOther, p.EventType, p.ID
	if p.EventType == "git.push" {
		e.kind = kindPush
	}
	e.addresses = []string{p.Resource.Repository.RemoteURL, p.Resource.Repository.SSHURL}
	for _, u := range p.Resource.RefUpdates {
		e.changes = append(e.changes, change{u.Name, u.NewObjectID, zeros(u.NewObjectID)})
	}
	return nil
}

// readGeneric takes an empty body as a wish to wake, whatever has changed.
func (e *event) readGeneric(body []byte) error {
	e.incomplete = true
	if strings.TrimSpace(string(body)) == "" {
		return nil
	}
	var p struct {
		Repository string `json:"repository"`
		Ref        string `json:"ref"`
		Commit     string `json:"commit"`
	}
	if err := decode(body, &p); err != nil {
		return fmt.Errorf(`%w: {"repository", "ref", "commit"} or nothing is needed`, err)
	}
	if p.Repository != "" {
		e.addresses = []string{p.Repository}
	}
	if p.Ref != "" || p.Commit != "" {
		e.changes = []change{{p.Ref, p.Commit, zeros(p.Commit)}}
	}
	return nil
}

// fullRef makes refs/heads/x or refs/tags/x of a kind and a name.
func fullRef(kind, name string) string {
	if name == "" || strings.HasPrefix(name, "refs/") {
		return name
	}
	if strings.HasSuffix(kind, "tag") { // Mercurial's bookmarks are gone
		return tags + name
	}
	return heads + name
}

// zeros tells the commit that stands for none.
func zeros(commit string) bool {
	return commit != "" && strings.Trim(commit, "0") == ""
}
