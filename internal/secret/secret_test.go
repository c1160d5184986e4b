package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestEveryPrintedFormIsARedaction(t *testing.T) {
	const content = "hunter2"
	type holder struct {
		Password Text
		Set      Set
	}
	h := holder{New(content), Set{"token": New(content)}}
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&printed, verb+"\n", h)
		fmt.Fprintf(&printed, verb+"\n", h.Password)
		fmt.Fprintf(&printed, verb+"\n", &h.Password)
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("text", "secret", h.Password, "holder", h)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("text", "secret", h.Password, "holder", h)
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(encoded)
	for _, leak := range []string{content, fmt.Sprintf("%x", content), fmt.Sprintf("%X", content)} {
		if strings.Contains(printed.String(), leak) {
			t.Errorf("printed form contains %q:\n%s", leak, printed.String())
		}
	}
	if got := h.Password.Reveal(); got != content {
		t.Errorf("Reveal() = %q, want %q", got, content)
	}
}

func TestFirstSkipsEmptyEntries(t *testing.T) {
	s := Set{"identity": New(""), "ssh-privatekey": New("key")}
	if got := s.First("identity", "ssh-privatekey").Reveal(); got != "key" {
		t.Errorf("First = %q, want the first entry with content", got)
	}
	if !s.First("absent").Empty() {
		t.Error("an absent entry is not empty")
	}
}
