package enrol_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tollhouse/provisioning/machine"
)

var tokenLine = regexp.MustCompile(`(?m)^token='(thenrol_[A-Z2-7]+)'$`)

// tokenIn finds the token in user-data.
func tokenIn(t *testing.T, userData string) string {
	t.Helper()
	found := tokenLine.FindStringSubmatch(userData)
	if found == nil {
		t.Fatal("no token in the user-data")
	}
	return found[1]
}

func TestScript_isCleanShell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forPeople, err := w.Installer()
	if err != nil {
		t.Fatal(err)
	}
	forCloud, err := w.UserData(machine.Host, "nordnetz", "thenrol_ABC")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(forPeople, "token='") || strings.Contains(forPeople+forCloud, "@TOKEN@") || tokenIn(t, forCloud) != "thenrol_ABC" {
		t.Error("the token is where it should not be, or not where it should")
	}
	if !strings.HasPrefix(forCloud, "#!/bin/sh\n") {
		t.Error("cloud-init runs only what begins with #!")
	}
	for name, script := range map[string]string{"people": forPeople, "cloud": forCloud} {
		file := filepath.Join(t.TempDir(), name+".sh")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		checks := [][]string{{"sh", "-n", file}}
		if _, err := exec.LookPath("shellcheck"); err == nil { // as the house's machines have it
			checks = append(checks, []string{"shellcheck", "--shell=sh", file})
		}
		for _, check := range checks {
			if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %v\n%s", name, check, err, out)
			}
		}
	}
}
