package text

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// forms are the plural forms that whole numbers need (CLDR).
var forms = map[string][]string{"en": {"one", "other"}, "id": {"other"}, "ru": {"one", "few", "many"}}

var place = regexp.MustCompile(`\{[a-z]+\}`)

// form parts a plural message's key into its stem and form.
func form(key string) (stem, of string) {
	i := strings.LastIndexByte(key, '.')
	if i > 0 && slices.Contains([]string{"one", "few", "many", "other"}, key[i+1:]) {
		return key[:i], key[i+1:]
	}
	return key, ""
}

// isCounted says whether a key's other form is there: "other" may end a key
// that counts nothing.
func isCounted(catalog map[string]string, stem, language string) bool {
	for _, f := range forms[language] {
		if _, found := catalog[stem+"."+f]; !found {
			return false
		}
	}
	return true
}

func TestEveryLanguageHasEveryMessage(t *testing.T) {
	t.Parallel()
	stems := map[string][]string{}
	for key, message := range catalogs["en"] {
		stem, of := form(key)
		if of == "" || !isCounted(catalogs["en"], stem, "en") {
			stem = key
		}
		stems[stem] = place.FindAllString(message, -1)
	}
	for language, catalog := range catalogs {
		seen := map[string]bool{}
		for stem, places := range stems {
			keys := []string{stem}
			if isCounted(catalogs["en"], stem, "en") {
				keys = nil
				for _, f := range forms[language] {
					keys = append(keys, stem+"."+f)
				}
			}
			for _, key := range keys {
				seen[key] = true
				message, found := catalog[key]
				if !found || message == "" {
					t.Errorf("%s: %s is missing", language, key)
					continue
				}
				got := place.FindAllString(message, -1)
				slices.Sort(got)
				want := slices.Clone(places)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s: %s has the places %v, English has %v", language, key, got, want)
				}
			}
		}
		for key := range catalog {
			if !seen[key] {
				t.Errorf("%s: %s is not in English", language, key)
			}
		}
	}
}

// built are the beginnings of keys whose end is put on where they are used.
var built = []string{"contract.", "hosting.kind.", "hosting.place.", "machine.", "hardware.", "alarm.", "col.", "wall.", "admin.severity.", "admin.import.what.", "admin.import.holds.", "admin.import.state.", "admin.import.code.", "admin.import.total.",
	"desk.act.", "desk.actor.", "desk.book.", "desk.do.", "desk.effect.", "desk.event.", "desk.fact.", "desk.filter.", "desk.hint.", "desk.kind.", "desk.language.", "desk.ledger.",
	"desk.message.", "desk.method.", "desk.move.", "desk.option.", "desk.order.", "desk.origin.", "desk.owing.", "desk.refused.", "desk.state.", "desk.step.", "desk.tab.", "desk.topic.", "desk.want.",
	"con.banner.", "desk.voucher.pin.", "admin.audit.by.", "admin.chain.part.", "admin.access.want.", "admin.done.", "admin.document.", "admin.preset.", "admin.format.", "admin.set.want.", "admin.set.tab.", "admin.company.want.", "admin.brand.preview.", "admin.perm.", "admin.role.", "admin.area.", "admin.act.", "admin.kind.", "admin.message.", "admin.event.", "admin.find.", "admin.of.", "landing.", "con.nav.", "con.group.", "theme.", "nav.", "unit.", "count.", "usage.byday.", "usage.", "service.", "kind.", "entry.", "statement.", "fail.", "pay.done.", "pay.refused.",
	"biz.advice.", "biz.reason.", "biz.susp.state.", "biz.susp.detail.", "biz.susp.unit.", "biz.offer.", "biz.kind.", "biz.fail.", "biz.refund.state.", "biz.month.", "biz.use.", "biz.identity.",
	"biz.method.", "biz.kept.", "biz.bill.kind.", "biz.differ.kind.", "biz.actor.", "biz.age.", "biz.purpose.", "biz.task.", "biz.file.state.",
	"every.", "catalog.", "admin.quota.kind.", "admin.quota.units.", "admin.quota.action.", "desk.sessions.state.", "desk.sessions.kind.", "replay.",
	"sales.done.", "sales.share.", "sales.mig.", "promo.done.", "promo.on.", "value.", "wallet.alert.", "wallet.auto.", "wallet.done.", "wallet.give.limit.", "wallet.pin.",
	"money.", "cards.local.", "told.way.",
	"books.want.", "books.refused.", "books.every.", "books.tab.", "books.state.", "books.sum.", "cycle.every.", "cycle.when.", "hook.done.", "hook.want.", "hook.delivery.", "hook.state.",
	"papers.code.", "papers.treat.", "papers.kind.", "papers.service.", "papers.rounding.", "desk.done.tax", "correct.", "bill.note.", "admin.late.segment.", "admin.late.kind.", "admin.numbers.void.",
	"ladder.", "bank.", "mandate.", "plan.done.", "plan.do.", "plan.when.", "more.parent.effect.", "finding.", "product.", "rule.", "approval.", "kept.", "offered.", "shared.", "ref.change.", "ref.delimiter.", "ref.diff.", "ref.done.", "ref.header.", "ref.name.", "ref.state.", "ref.step.", "ref.trim.",
	"staff.backup.do.", "staff.backup.fault.", "staff.backup.kind.", "staff.backup.state.", "staff.backup.step.",
	"staff.move.do.", "staff.move.next.", "staff.move.state.", "staff.move.wish.", "staff.takeout.state.",
	"staff.cap.done.", "staff.cap.what.", "staff.site.", "staff.size.kind.", "staff.up.member.", "staff.up.state.",
	"staff.audit.", "staff.copy.", "staff.done.", "staff.field.", "staff.rate.", "staff.role.", "staff.stack.", "staff.state.", "staff.want.",
	"door.lead.", "door.factor.wrong", "door.code.wrong", "signin.wrong", "settings.done.", "door.elsewhere.", "door.done.", "door.event."}

func TestEveryMessageIsUsed(t *testing.T) {
	t.Parallel()
	used := literals(t, "..")
	for key := range catalogs["en"] {
		stem, _ := form(key)
		if used[key] || used[stem] || slices.ContainsFunc(built, func(b string) bool { return strings.HasPrefix(key, b) }) {
			continue
		}
		t.Errorf("%s is used nowhere", key)
	}
	for word := range used {
		if !regexp.MustCompile(`^(shell|door|menu|day|due|topup|pay|left|why|bills|home|signin|landing|statement|con|desk|biz|admin|staff|ref)\.[a-z.]+$`).MatchString(word) {
			continue
		}
		if _, found := catalogs["en"][word]; !found && word != "day.close" && !strings.HasSuffix(word, ".templ") && !isCounted(catalogs["en"], word, "en") && !strings.HasSuffix(word, ".") {
			t.Errorf("%s is used and not there", word)
		}
	}
}

// literals are all texts in the portals' code, tests and catalogs left out.
func literals(t *testing.T, folder string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "text/") {
			return err
		}
		source, err := os.ReadFile(folder + "/" + name)
		if err != nil {
			return err
		}
		var s scanner.Scanner
		files := token.NewFileSet()
		s.Init(files.AddFile(name, files.Base(), len(source)), source, nil, 0)
		for {
			_, kind, literal := s.Scan()
			if kind == token.EOF {
				return nil
			}
			if kind == token.STRING {
				if text, err := strconv.Unquote(literal); err == nil {
					found[text] = true
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAKeyStandsInOneArea(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, area := range []map[string]string{shellEN, subscriberEN, doorEN, deskEN, businessEN, adminEN, staffEN, referenceEN} {
		for key := range area {
			if seen[key] {
				t.Errorf("%s stands twice", key)
			}
			seen[key] = true
		}
	}
}
