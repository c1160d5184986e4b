package git

import (
	"context"
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/vmsteward/vmsteward/sources"
)

// errNotThere marks the answer that the server has no such object to give: a
// reference has moved since it was looked at, or a configured commit is wrong.
var errNotThere = errors.New("what was asked for is not there any more")

func refuse(a address, hint string, err error) error {
	return fail(sources.Denied, hint, "%s: %w", a, err)
}

// explainGit gives the errors of Git's protocol and of go-git v5.19 their kinds.
// Texts are matched only where there is nothing else.
func explainGit(a address, err error) error {
	var e *sources.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return refuse(a, "check the credential: username and password, or bearerToken", err)
	case errors.Is(err, transport.ErrAuthorizationFailed), errors.Is(err, transport.ErrInvalidAuthMethod):
		return refuse(a, "give the credential read access to the repository", err)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fail(sources.Missing, "correct url; private repositories look like missing ones without a valid credential", "%s: %w", a, err)
	}
	if strings.Contains(err.Error(), "not our ref") {
		return fail(sources.Unavailable, "the next fetch will see the new state", "%s: %w: %v", a, errNotThere, err)
	}
	for _, known := range complaints {
		if strings.Contains(err.Error(), known.text) {
			return fail(known.kind, known.hint, "%s: %w", a, err)
		}
	}
	return fail(sources.Unavailable, "", "%s: %w", a, err)
}

// complaints are texts of git 2.39 and of forges, and what they mean.
var complaints = []struct {
	text string
	kind sources.Kind
	hint string
}{
	{"no space after hash", sources.Invalid, "use a repository with SHA-1 hashes; those with SHA-256 are not supported"},
	{"does not appear to be a git repository", sources.Missing, "correct url"},
	{"epository not found", sources.Missing, "correct url, or give the key read access"},
	{"epository does not exist", sources.Missing, "correct url, or give the key read access"},
	{"project you were looking for could not be found", sources.Missing, "correct url, or give the key read access"},
	{"no such repository", sources.Missing, "correct url"},
	{"ermission denied", sources.Denied, "give the key read access to the repository"},
	{"ccess denied", sources.Denied, "give the key read access to the repository"},
	{"dubious ownership", sources.Denied, "let the serving account own the repository, or list it there under safe.directory"},
}
