package usage

import (
	"os"
	"regexp"
	"testing"
)

func TestReasons_areAClosedListInWords(t *testing.T) {
	source, err := os.ReadFile("reason.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`Reason = "([a-z_]+)"`).FindAllSubmatch(source, -1)
	if len(declared) != len(Reasons) {
		t.Errorf("%d reasons are declared, %d described", len(declared), len(Reasons))
	}
	for _, d := range declared {
		advice, ok := Describe(Reason(d[1]))
		if !ok || advice.Means == "" || advice.Do == "" {
			t.Errorf("%s has no words", d[1])
		}
	}
}
