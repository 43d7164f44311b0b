package problem

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
)

// sentinels finds the exported errors of the domain in its source.
func sentinels(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, root := range []string{"../../billing", "../../tenants", "../../provisioning"} {
		err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, name := range exportedErrors(parsed) {
				found[path.Base(filepath.ToSlash(filepath.Dir(file)))+"."+name] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func exportedErrors(file *ast.File) []string {
	var names []string
	for _, declaration := range file.Decls {
		group, is := declaration.(*ast.GenDecl)
		if !is || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if strings.HasPrefix(name.Name, "Err") {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// tabled are the names that the table's source mentions.
func tabled(t *testing.T) map[string]bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(parsed, func(node ast.Node) bool {
		if selector, is := node.(*ast.SelectorExpr); is {
			if left, is := selector.X.(*ast.Ident); is {
				found[left.Name+"."+selector.Sel.Name] = true
			}
		}
		return true
	})
	return found
}

func TestTable_hasEveryErrorOfTheDomain(t *testing.T) {
	known := tabled(t)
	all := sentinels(t)
	if len(all) < 50 {
		t.Fatalf("only %d errors were found", len(all))
	}
	for name := range all {
		if !known[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func TestTable_givesEachErrorItsOwnRule(t *testing.T) {
	for _, r := range table {
		for _, sentinel := range r.errors {
			p, known := Of(fmt.Errorf("do something: %w", sentinel))
			if !known || p.Type != "/problems/"+r.kind.name || p.Status != r.kind.status {
				t.Errorf("%v: got %s %d", sentinel, p.Type, p.Status)
			}
			if strings.Contains(p.Detail, "do something") {
				t.Errorf("%v: the detail tells what was being done: %q", sentinel, p.Detail)
			}
		}
	}
	for _, err := range ours {
		if p, known := Of(err); known || p.Status != 500 || p.Detail != "" || p.Errors != nil {
			t.Errorf("%v: got %+v, known %t", err, p, known)
		}
	}
}

func TestOf_saysNothingOfTheUnforeseen(t *testing.T) {
	p, known := Of(errors.New(`relation "secret" does not exist`))
	if known || p.Status != 500 || p.Detail != "" || len(p.Errors) != 0 {
		t.Errorf("got %+v, known %t", p, known)
	}
}

func TestOf_tellsWhatOnlyTheDatabaseFinds(t *testing.T) {
	for code, status := range map[string]int{"22021": 400, "22P05": 400, "22003": 422, "23505": 500} {
		p, _ := Of(fmt.Errorf("do something: %w", &pgconn.PgError{Code: code, Message: "secret"}))
		if p.Status != status || p.Detail != "" {
			t.Errorf("%s: got %+v", code, p)
		}
	}
}

func TestOf_namesFieldsAndWhatIsRight(t *testing.T) {
	cases := map[string]struct {
		err    error
		status int
		field  string
	}{
		"a field of the domain":    {&account.FieldError{Field: "zone", Want: "an IANA zone"}, 400, "zone"},
		"an order that lacks":      {&onboarding.IncompleteError{Findings: []onboarding.Finding{{Field: "party.name", Fault: onboarding.IsMissing, Want: "a name"}}}, 422, "party.name"},
		"a sentinel with a field":  {payment.ErrAmount, 422, "amount"},
		"a refund above the rest":  {&payment.RefundError{}, 422, "amount"},
		"a fact that is not known": {&onboarding.FactError{Findings: []onboarding.Finding{{Field: "x", Fault: onboarding.IsUnknown, Want: "another"}}}, 400, "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, known := Of(fmt.Errorf("wrapped: %w", c.err))
			if !known || p.Status != c.status || len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Want == "" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestKinds_areToldToIntegrators(t *testing.T) {
	page, err := os.ReadFile("../../docs/integrator.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := []Kind{InvalidRequest, Unauthenticated, Forbidden, NotFound, NotAllowed, TooLarge, Unavailable, internal}
	for _, r := range table {
		kinds = append(kinds, r.kind)
	}
	for _, kind := range kinds {
		if !strings.Contains(string(page), "`"+kind.name+"`") {
			t.Errorf("docs/integrator.md does not tell of %s", kind.name)
		}
	}
}
