package wire

import (
	"encoding/hex"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

var update = flag.Bool("update", false, "write the golden files")

const golden = "testdata/steward.txtar"

// TestBytes compares the bytes of every message of the extension, each with
// every field set, with those that were sent before: peers of other versions
// send and read them. Beside the bytes is what they say.
func TestBytes(t *testing.T) {
	messages := stewardv1.File_stewardv1_steward_proto.Messages()
	if *update {
		write(t, messages)
	}
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	for i := range messages.Len() {
		name := string(messages.Get(i).Name())
		want := blank(t, messages.Get(i))
		full(want)
		said, raw := blank(t, messages.Get(i)), blank(t, messages.Get(i))
		if err := prototext.Unmarshal([]byte(files[name+".txt"]), said); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		b, err := hex.DecodeString(strings.ReplaceAll(files[name+".hex"], "\n", ""))
		if err == nil {
			err = proto.Unmarshal(b, raw)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for what, got := range map[string]proto.Message{"text": said, "bytes": raw} {
			if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
				t.Errorf("%s is not what the %s in %s says; a change of the schema adds to it, and -update writes it\n%s", name, what, golden, d)
			}
		}
		if now := inHex(t, want); now != files[name+".hex"] {
			t.Errorf("%s is written as\n%sand was\n%s", name, now, files[name+".hex"])
		}
	}
	if len(archive.Files) != 2*messages.Len() {
		t.Errorf("%d files for %d messages", len(archive.Files), messages.Len())
	}
}

func blank(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

func inHex(t *testing.T, m proto.Message) string {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for len(b) > 0 {
		n := min(len(b), 32)
		lines.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return lines.String()
}

// spaces are of random number in what prototext writes.
var spaces = regexp.MustCompile(`(?m)^( *\w+): +`)

func write(t *testing.T, messages protoreflect.MessageDescriptors) {
	t.Helper()
	archive := &txtar.Archive{Comment: []byte("Every message of the extension with every field set: what it says, and its bytes.\n")}
	for i := range messages.Len() {
		m := blank(t, messages.Get(i))
		full(m)
		text := spaces.ReplaceAllString(prototext.MarshalOptions{Multiline: true, Indent: "  "}.Format(m), "$1: ")
		name := string(messages.Get(i).Name())
		archive.Files = append(archive.Files,
			txtar.File{Name: name + ".txt", Data: []byte(text)}, txtar.File{Name: name + ".hex", Data: []byte(inHex(t, m))})
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}
