package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// inForm sends a form with a file and other fields.
func (b *browser) inForm(path string, from page, content string, pairs ...string) page {
	b.t.Helper()
	return b.upload(path, from, "file", map[string][]byte{"file.csv": []byte(content)}, pairs...)
}

func TestDecks_marketerTakesAFileLive(t *testing.T) {
	w := newWorld(t, hanse)
	b := w.works(identity.Marketer)
	form := b.get(w.console("decks"))
	refused := b.inForm(w.console("decks"), form, "prefix,zone\n49,de\n49,fr\n", "code", "world")
	if refused.status != http.StatusUnprocessableEntity || !strings.Contains(refused.words(), "one zone for a prefix: 49 stands for de in line 2") {
		t.Fatalf("%d %s", refused.status, refused.words())
	}
	if p := b.inForm(w.console("decks"), form, "49,de\n", "code", "World!"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "lower-case letters") {
		t.Fatalf("%d %s", p.status, p.words())
	}
	sent := b.inForm(w.console("decks"), form, "prefix,zone,price\n49,de,1\n44,uk,1\n44,uk,1\n", "code", "world", "name_en", "World")
	if sent.status != http.StatusSeeOther {
		t.Fatalf("%d %s", sent.status, sent.words())
	}
	version := b.get(sent.header.Get("Location"))
	for _, want := range []string{"2 prefixes", "price", "1 line said again", "Draft", "Prefixes added 2"} {
		if !strings.Contains(version.words(), want) {
			t.Errorf("no %q in %s", want, version.words())
		}
	}
	at, _, _ := strings.Cut(sent.header.Get("Location"), "?")
	if p := b.post(at+"/switch", version, "key", "early"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a draft went live: %d", p.status)
	}
	checked := b.follow(at+"/check", version, "key", "check")
	if p := b.post(at+"/switch", checked, "key", "past", "from", "2020-01-01T00:00"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "That moment is over") {
		t.Errorf("%d %s", p.status, p.words())
	}
	if live := b.follow(at+"/switch", checked, "key", "live", "from", ""); !strings.Contains(live.words(), "Live") {
		t.Error(live.words())
	}
	if p := b.get(w.console("decks/world") + "?number=%2B49+30+1234"); !strings.Contains(p.words(), "49301234 is in de by prefix 49") {
		t.Error(p.words())
	}
	if p := b.get(at + "/entries.csv"); !strings.Contains(p.text, "prefix,zone,network") || !strings.Contains(p.text, "49,de") {
		t.Error(p.text)
	}
	if p := b.get(w.console("decks")); !strings.Contains(p.words(), "World") {
		t.Error(p.words())
	}
}

func TestCalendars_daysByHandAndByFile(t *testing.T) {
	w := newWorld(t, hanse)
	b := w.works(identity.Marketer)
	form := b.get(w.console("calendars"))
	one := b.follow(w.console("calendars"), form, "key", "a", "code", "de", "name_en", "Germany")
	at := w.console("calendars/de")
	if p := b.post(at+"/days", one, "key", "b", "day", "soon"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "A date such as") {
		t.Errorf("%d %s", p.status, p.words())
	}
	b.follow(at+"/days", one, "key", "c", "day", "2030-12-25", "yearly", "on", "name_en", "Christmas")
	b.follow(at+"/days", one, "key", "d", "day", "2031-04-11", "name_en", "Good Friday")
	if p := b.inForm(at+"/file", one, "day,name\n2031-10-03,Unity\n"); p.status != http.StatusSeeOther {
		t.Fatalf("%d %s", p.status, p.words())
	}
	year := b.get(at + "?year=2031")
	for _, want := range []string{"Good Friday", "Unity", "Christmas", "every year"} {
		if !strings.Contains(year.words(), want) {
			t.Errorf("no %q in %s", want, year.words())
		}
	}
	b.follow(at+"/days/remove", year, "key", "e", "day", "2031-12-25", "year", "2031")
	if p := b.get(at + "?year=2032"); strings.Contains(p.words(), "Christmas") {
		t.Error("what ended comes back")
	}
	if p := b.get(at + "?year=2030"); !strings.Contains(p.words(), "Christmas") {
		t.Error("the year before lost it")
	}
	if p := b.follow(at+"/remove", one, "key", "f"); !strings.Contains(p.words(), "The calendar is removed") {
		t.Error(p.words())
	}
}

func TestRates_byHandAndByFile(t *testing.T) {
	w := newWorld(t, hanse)
	b := w.works(identity.Marketer)
	form := b.get(w.console("rates"))
	if p := b.post(w.console("rates"), form, "key", "a", "from", "EUR", "to", "USD", "day", "2030-01-01", "value", "x"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "A number above 0") {
		t.Errorf("%d %s", p.status, p.words())
	}
	if p := b.post(w.console("rates"), form, "key", "b", "from", "EUR", "to", "USD", "day", "2020-01-01", "value", "1.1"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "days that are over") {
		t.Errorf("%d %s", p.status, p.words())
	}
	if p := b.follow(w.console("rates"), form, "key", "c", "from", "eur", "to", "USD", "day", "2030-01-01", "value", "1.0825"); !strings.Contains(p.words(), "1,0825") {
		t.Error(p.words())
	}
	if p := b.inForm(w.console("rates/file"), form, "Date, USD, IDR, \n2 January 2030, 1.09, 17654.12, \n", "base", "EUR"); p.status != http.StatusSeeOther {
		t.Fatalf("%d %s", p.status, p.words())
	}
	list := b.get(w.console("rates") + "?from=EUR&to=IDR")
	if !strings.Contains(list.words(), "17.654,12") || strings.Contains(list.words(), "1,0825") {
		t.Error(list.words())
	}
	if p := b.follow(w.console("rates/remove"), list, "key", "d", "from", "EUR", "to", "IDR", "day", "2030-01-02"); strings.Contains(p.words(), "17.654,12") {
		t.Error(p.words())
	}
}
