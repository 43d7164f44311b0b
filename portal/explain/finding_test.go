package explain

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tollhouse/billing/locale"
	"tollhouse/portal/ui"
)

func reader(language string) ui.Reader {
	return ui.Reader{Locale: locale.Locale{Language: language, Country: "DE"}}
}

var verb = regexp.MustCompile(`%[sdqv]`)

// worded are the literal formats in which the catalog's check words findings
// and what would be right.
func worded(t *testing.T) (formats []string) {
	t.Helper()
	files, err := filepath.Glob("../../billing/catalog/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the catalog's files: %v", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_file.go") { // files of decks and rates have findings of their own
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is {
				return true
			}
			method, is := call.Fun.(*ast.SelectorExpr)
			if !is {
				return true
			}
			at := map[string][]int{"add": {1}, "say": {1}, "warn": {1, 2}, "fault": {1, 2}}[method.Sel.Name]
			for _, i := range at {
				if i >= len(call.Args) {
					continue
				}
				if literal, is := call.Args[i].(*ast.BasicLit); is && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil && text != "%v" {
						formats = append(formats, text)
					}
				}
			}
			return true
		})
	}
	return formats
}

// Whatever the catalog's check says is said in every language: a new finding
// needs its words.
func TestFinding_everyOneIsTold(t *testing.T) {
	t.Parallel()
	formats := worded(t)
	if len(formats) < 80 {
		t.Fatalf("only %d findings were found in the catalog", len(formats))
	}
	for _, language := range []string{"en", "id", "ru"} {
		r := reader(language)
		for _, format := range formats {
			n := 0
			message := verb.ReplaceAllStringFunc(format, func(v string) string {
				n++
				if v == "%q" {
					return fmt.Sprintf("%q", "x"+strconv.Itoa(n))
				}
				return "x" + strconv.Itoa(n)
			})
			words, known := Finding(r, message)
			if !known || language != "en" && words == message {
				t.Errorf("%s: %q is not told", language, message)
			}
			for i := 1; i <= n; i++ {
				if !strings.Contains(words, "x"+strconv.Itoa(i)) {
					t.Errorf("%s: %q lost a part of %q", language, words, message)
				}
			}
		}
	}
}

func TestFinding_inWords(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"leaves a gap on mon from 22:00 to 24:00 for prefix 49":  "оставляет пробел: понедельник с 22:00 до 24:00 (префикс 49)",
		`the tax category "odd" has no rate on 2026-05-01`:       "у налоговой категории «odd» нет ставки на 2026-05-01",
		`"5 min" counts seconds; this usage is counted in bytes`: "«5 min» считается в единицах «секунды», а это использование в единицах «байты»",
		"something new": "something new",
	} {
		if got, _ := Finding(reader("ru"), message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
