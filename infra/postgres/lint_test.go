package postgres_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// roleCommands is what could take a transaction out of its tenant, or send
// several statements at once.
var roleCommands = regexp.MustCompile(`(?i)\bset\s+(local\s+|session\s+)?(role|search_path|session\s+authorization)\b|\breset\s+role\b|set_config\s*\(|BeginQuery|QueryExecModeSimpleProtocol|QueryExecModeExec\b|PgConn\(\)\s*\.\s*Exec\b`)

// mayUse lists the only places, each with its reason.
var mayUse = map[string]string{
	"billing/tenant":                   "opens tenant transactions",
	"infra/postgres/server.go":         "gives the login role set_config and takes it from PUBLIC",
	"infra/postgres/migrate.go":        "sets the control role's path, as administrator",
	"infra/postgres/move.go":           "gives the follower of a move, which may do nothing else, a path",
	"infra/postgres/isolation_test.go": "attacks the locks",
	"infra/postgres/lint_test.go":      "is this test",
}

func TestSource_roleCommandsStandInTenantOnly(t *testing.T) {
	forEachFile(t, func(path, text string) {
		for place := range mayUse {
			if path == place || strings.HasPrefix(path, place+"/") {
				return
			}
		}
		for n, line := range strings.Split(text, "\n") {
			if found := roleCommands.FindString(line); found != "" && !strings.HasPrefix(strings.TrimSpace(line), "//") {
				t.Errorf("%s:%d: %q belongs into billing/tenant", path, n+1, found)
			}
		}
	})
}

var (
	businessClock = regexp.MustCompile(`(?i)\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|\bcurrent_(date|timestamp)\b`)
	sqlText       = regexp.MustCompile("(?is)`[^`]*\\b(select|insert|update|delete)\\b[^`]*`")
	selectStar    = regexp.MustCompile(`(?i)\bselect\s+\*`)
	advisory      = regexp.MustCompile(`(?i)\bpg_(try_)?advisory_`)
)

// Business time comes in as a parameter; columns are named; business rules lock rows.
func TestSource_sqlOfTheDomain(t *testing.T) {
	forEachFile(t, func(path, text string) {
		if !strings.HasPrefix(path, "billing/") || strings.HasSuffix(path, "_test.go") {
			return
		}
		statements := sqlText.FindAllString(text, -1)
		if strings.HasSuffix(path, ".sql") {
			statements = []string{text}
		}
		for _, sql := range statements {
			for _, forbidden := range []*regexp.Regexp{businessClock, selectStar, advisory} {
				if found := forbidden.FindString(sql); found != "" {
					t.Errorf("%s: %q in SQL", path, found)
				}
			}
		}
	})
}

var packageClause = regexp.MustCompile(`(?m)^package (\w+)`)

// Each package says what it owns, what it does not, and what is always true.
func TestPackages_haveADoc(t *testing.T) {
	documented := map[string]bool{}
	packages := map[string]bool{}
	forEachFile(t, func(path, text string) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "tools/") {
			return
		}
		dir := filepath.Dir(path)
		packages[dir] = true
		at := packageClause.FindStringIndex(text)
		if at != nil && (strings.Contains(text[:at[0]], "\n// It owns") || strings.Contains(text[:at[0]], "// Command ") || strings.Contains(text[:at[0]], "DO NOT EDIT")) {
			documented[dir] = true
		}
	})
	for dir := range packages {
		if !documented[dir] {
			t.Errorf("%s has no package documentation that says what it owns", dir)
		}
	}
}

func forEachFile(t *testing.T, fn func(path, text string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path, _ = filepath.Rel(root, path)
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != "." || entry.Name() == "data" || entry.Name() == "bin" || entry.Name() == "vendor") {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(path); entry.IsDir() || ext != ".go" && ext != ".sql" {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err == nil {
			fn(path, string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
