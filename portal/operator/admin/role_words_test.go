package admin

import (
	"strings"
	"testing"

	"tollhouse/billing/identity"
	"tollhouse/billing/intake"
	"tollhouse/billing/locale"
	"tollhouse/portal/ui"
)

// Whoever makes a role sees every right that one can be given, once.
func TestAreas_holdEveryPermissionOnce(t *testing.T) {
	t.Parallel()
	seen := map[identity.Permission]int{}
	for _, a := range areas {
		for _, p := range a.Permissions {
			seen[p]++
			if !identity.KnownPermission(p) {
				t.Errorf("%s is no permission", p)
			}
		}
	}
	for _, p := range identity.Owner.Permissions() {
		if seen[p] != 1 {
			t.Errorf("%s stands in %d areas", p, seen[p])
		}
	}
}

func TestKindOf_tellsFilesByTheirColumns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, header string
		want         string
	}{
		"by its columns":            {"kunden.csv", "account;kind;party_kind;name;next_bill\n", "subscribers"},
		"another order":             {"x.csv", "open,amount,due_date,issue_date,number,account\n", "open_items"},
		"a mark at the beginning":   {"x.csv", "\ufeffaccount,email\n", "users"},
		"an archive":                {"old.dat", "PK\x03\x04…", "archive"},
		"broken, told by its name":  {"services-1.csv", "konto,dienst\n", "services"},
		"neither columns nor names": {"notes.csv", "a,b\n", ""},
		"a page":                    {"page.html", "<html><body>", ""},
	} {
		if kind, _ := kindOf(c.file, []byte(c.header)); string(kind) != c.want {
			t.Errorf("%s: %q, want %q", name, kind, c.want)
		}
	}
}

// Each column of a file to import is told in each language, in English as the
// check tells it.
func TestColumnWords_areThereForEveryColumn(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "id", "ru"} {
		r := ui.Reader{Locale: locale.Locale{Language: language, Country: "DE"}}
		for _, kind := range intake.Kinds {
			for _, column := range intake.Columns(kind) {
				words := columnWords(r, kind, column.Name)
				if words == column.Name || language == "en" && words != column.Want || language != "en" && words == column.Want && strings.Contains(words, " ") {
					t.Errorf("%s: %s of %s is told as %q, the check says %q", language, column.Name, kind, words, column.Want)
				}
			}
		}
	}
}
