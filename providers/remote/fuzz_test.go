package remote

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/providers"
)

// FuzzEndpoint reads addresses: what is taken for one reads the same again, and
// no error repeats what may be a login.
func FuzzEndpoint(f *testing.F) {
	for _, text := range []string{
		"grpc://host:1", "grpc://[::1]:9443/", "unix:///run/p.sock", "grpc://user:secret@host:1", "unix:p", "grpc://host", "://", "grpc://%zz:1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEndpoint(text)
		if err != nil {
			if _, login, ok := strings.Cut(text, "://"); ok && len(login) > 8 && strings.Contains(err.Error(), login) {
				t.Errorf("the error of %q repeats it: %v", text, err)
			}
			return
		}
		again, err := parseEndpoint(e.String())
		if err != nil || again != e {
			t.Errorf("%q is %+v, which is written as %q and read as %+v, %v", text, e, e, again, err)
		}
	})
}

// FuzzTask reads references to tasks, which may be of any age and provider:
// what is taken for one of ours is written the same again.
func FuzzTask(f *testing.F) {
	for _, text := range []string{"polled:task-1", "off:vm-1", "deletes:vm-1 task-2", "creates:vm-1 task-2", "deletes:vm-1", "polled:", "off:", "UPID:pve:1", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		one := parseTask(providers.TaskRef(text))
		if one == (task{}) {
			return
		}
		if again := parseTask(one.ref()); again != one {
			t.Errorf("%q is %+v, which is written as %q and read as %+v", text, one, one.ref(), again)
		}
	})
}
