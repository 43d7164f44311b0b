package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every module we chose stands in docs/dependencies.md with its reason and
// licence.
func TestDependencies_eachIsExplained(t *testing.T) {
	modules, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	listed, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+) v\S+$`).FindAllStringSubmatch(string(modules), -1)
	if len(required) < 10 {
		t.Fatalf("only %d modules were found in go.mod", len(required))
	}
	version := regexp.MustCompile(`/v\d+$`)
	for _, r := range required {
		name := version.ReplaceAllString(strings.TrimPrefix(r[1], "github.com/"), "")
		name = strings.TrimPrefix(name, "golang.org/x/") // these are told in one line
		if !strings.Contains(string(listed), name) {
			t.Errorf("%s is not in docs/dependencies.md", r[1])
		}
	}
}
