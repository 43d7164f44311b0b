package main

import (
	"os"
	"regexp"
	"slices"
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
	var explained []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\S[^|]*?) \|`).FindAllStringSubmatch(string(listed), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			explained = append(explained, strings.Fields(name)[0])
		}
	}
	for _, r := range required {
		name := strings.TrimPrefix(strings.TrimPrefix(r[1], "github.com/"), "golang.org/x/")
		if !slices.ContainsFunc(explained, func(e string) bool {
			e = strings.TrimPrefix(e, "golang.org/x/")
			return name == e || strings.HasPrefix(name, e+"/")
		}) {
			t.Errorf("%s is not in docs/dependencies.md", r[1])
		}
	}
}
