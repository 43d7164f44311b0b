package admin

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tollhouse/billing/locale"
	"tollhouse/portal/text"
	"tollhouse/portal/ui"
)

// writers are the actions that a package's code writes into the audit: those
// named where an entry or a command is made, and those handed to functions that
// make one. What ends in a point is completed where the code runs.
type writers struct {
	actions map[string]token.Position
	takers  map[string]int // functions that take an action, and as which argument
	files   *token.FileSet
}

func (w *writers) note(n ast.Expr) {
	if sum, is := n.(*ast.BinaryExpr); is && sum.Op == token.ADD {
		n = sum.X
	}
	if lit, is := n.(*ast.BasicLit); is && lit.Kind == token.STRING {
		if action, err := strconv.Unquote(lit.Value); err == nil && action != "" {
			w.actions[action] = w.files.Position(lit.Pos())
		}
	}
}

// makers finds what a function writes, and whether it is handed the action.
func (w *writers) makers(f *ast.FuncDecl) {
	params := map[string]int{}
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			params[name.Name] = len(params)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		made, is := n.(*ast.CompositeLit)
		if !is || !isEntry(made.Type) {
			return true
		}
		for _, e := range made.Elts {
			field, is := e.(*ast.KeyValueExpr)
			if name, named := field.Key.(*ast.Ident); !is || !named || name.Name != "Action" {
				continue
			}
			w.note(field.Value)
			if name, is := field.Value.(*ast.Ident); is {
				if at, handed := params[name.Name]; handed {
					w.takers[f.Name.Name] = at
				}
			}
		}
		return true
	})
}

func isEntry(n ast.Expr) bool {
	of, is := n.(*ast.SelectorExpr)
	if !is {
		return false
	}
	from, is := of.X.(*ast.Ident)
	return is && (from.Name == "audit" && of.Sel.Name == "Entry" || from.Name == "command" && of.Sel.Name == "Command")
}

// readWriters reads the packages below some directories.
func readWriters(t *testing.T, roots ...string) map[string]token.Position {
	t.Helper()
	all := map[string]token.Position{}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			w := writers{actions: all, takers: map[string]int{}, files: token.NewFileSet()}
			sources, err := filepath.Glob(filepath.Join(path, "*.go"))
			if err != nil {
				return err
			}
			var parsed []*ast.File
			for _, source := range sources {
				if strings.HasSuffix(source, "_test.go") || strings.HasSuffix(source, "_templ.go") {
					continue
				}
				file, err := parser.ParseFile(w.files, source, nil, 0)
				if err != nil {
					return err
				}
				parsed = append(parsed, file)
				for _, one := range file.Decls {
					if f, is := one.(*ast.FuncDecl); is {
						w.makers(f)
					}
				}
			}
			for _, file := range parsed {
				ast.Inspect(file, func(n ast.Node) bool {
					call, is := n.(*ast.CallExpr)
					if !is {
						return true
					}
					name := ""
					switch f := call.Fun.(type) {
					case *ast.Ident:
						name = f.Name
					case *ast.SelectorExpr:
						name = f.Sel.Name
					}
					if at, takes := w.takers[name]; takes && at < len(call.Args) {
						w.note(call.Args[at])
					}
					return true
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Whatever the code writes into the audit is told in each language's words; an
// operation of the API by its name, which its callers know.
func TestAuditWords_areThereForEveryAction(t *testing.T) {
	t.Parallel()
	actions := readWriters(t, "../../../billing", "../../../portal", "../../../infra")
	if len(actions) < 100 {
		t.Fatalf("only %d actions are found", len(actions))
	}
	for which := range taxFields {
		actions["tax."+which] = token.Position{Filename: "tax.go"}
	}
	for _, work := range importWorks {
		actions["import."+work.verb] = token.Position{Filename: "import_work.go"}
	}
	for _, ended := range []string{"subscription.suspend", "subscription.resume", "subscription.end", "subscription.terminate"} {
		actions[ended] = token.Position{Filename: "state.go"}
	}
	for _, language := range []string{"en", "id", "ru"} {
		r := ui.Reader{Locale: locale.Locale{Language: language, Country: "DE"}}
		for _, action := range slices.Sorted(maps.Keys(actions)) {
			if strings.HasSuffix(action, ".") {
				continue // its whole names are added above, or written elsewhere too
			}
			if text.Of(language, "admin.act."+action) == "admin.act."+action {
				t.Errorf("%s: %s has no words (%s)", language, action, actions[action])
			}
		}
		if words := actionWords(r, "createSomethingNew"); !strings.Contains(words, "API") || !strings.Contains(words, "createSomethingNew") {
			t.Errorf("%s: an operation of the API is told as %q", language, words)
		}
	}
}
