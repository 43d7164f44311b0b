package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestWalk runs docs/walk.md as a person would who copies block after block
// into one shell. What it prints has to be the lines marked "# => ".
func TestWalk(t *testing.T) {
	d := shared(t)
	text, err := os.ReadFile("../docs/walk.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	var want []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script.WriteString(block[1])
	}
	for _, l := range strings.Split(script.String(), "\n") {
		if expected, marked := strings.CutPrefix(l, "# => "); marked {
			want = append(want, expected)
		}
	}
	if len(want) < 30 {
		t.Fatalf("docs/walk.md has only %d marked lines", len(want))
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script.String())
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "BASE="+d.base, "DATA="+d.dir, "TENANT=nordnetz")
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	err = cmd.Run()
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("line %d of the output: got %q, want %q", i+1, at(got, i), at(want, i))
			break
		}
	}
	if err != nil || faults.Len() > 0 {
		t.Errorf("the walk ended with %v\n%s", err, faults.String())
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
