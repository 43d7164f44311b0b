package balance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever remembers an account's balances learns of a new one by the version of
// the account's row alone.
func TestTouch_whereverABalanceIsAdded(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		source := string(text)
		if !strings.Contains(source, "insert into bucket ") && !strings.Contains(source, `Identifier{"bucket"}`) {
			return nil
		}
		found++
		if !strings.Contains(source, "Touch(ctx, tx, ") {
			t.Errorf("%s adds balances and does not touch their accounts", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("nobody adds balances")
	}
}
