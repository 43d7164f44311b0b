package api

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

func (w *world) file(token, path, content string) response {
	w.t.Helper()
	return w.send(request{method: "POST", path: w.path(path), token: token, key: uuid.NewString(), raw: content, contentType: "text/csv"})
}

func TestDecks_fromFileToSwitchAndBack(t *testing.T) {
	w := newWorld(t)
	marketer, clerk := w.user(w.db, identity.Marketer, nil), w.user(w.db, identity.Clerk, nil)
	bad := w.file(marketer, "/decks/world/versions?name=bad.csv", "prefix;zone\n49;de\n49;fr\nx;uk\n").want(t, 400)
	if fields, err := bad.faults(); err != nil || strings.Join(fields, "|") != "line 3, zone|line 4, prefix" {
		t.Errorf("%v %v: %s", fields, err, bad.raw)
	}
	w.file(clerk, "/decks/world/versions", "49,de\n").want(t, 403)
	w.send(request{method: "PUT", path: w.path("/decks/world"), token: marketer, key: uuid.NewString(), body: map[string]any{"names": map[string]string{"en": "World"}}}).want(t, 200)
	w.get(clerk, w.path("/decks/world/zone?destination=%2B49301")).want(t, 404)
	live := func(content string) string {
		draft := w.file(marketer, "/decks/world/versions?name=world.csv&delimiter=comma&header=no&trim=plus", content).want(t, 201)
		at := w.path("/deck-versions/" + draft.text("id"))
		w.post(marketer, at+"/switch", nil).want(t, 409)
		w.post(marketer, at+"/check", nil).want(t, 200)
		if got := w.post(marketer, at+"/switch", map[string]any{}).want(t, 200); got.text("state") != "live" {
			t.Errorf("%s", got.raw)
		}
		return draft.text("id")
	}
	first := live("+49,de,Telekom\n44,uk\n")
	draft := w.file(marketer, "/decks/world/versions", "prefix,zone,price\n49,de-new,1\n4915,de-mobile,2\n44,uk,3\n").want(t, 201)
	if draft.text("ignored_columns", 0) != "price" {
		t.Errorf("%s", draft.raw)
	}
	second := "/deck-versions/" + draft.text("id")
	changes := w.get(clerk, w.path(second+"/changes?limit=1")).want(t, 200)
	if changes.text("items", 0, "before", "zone") != "de" || changes.text("items", 0, "after", "zone") != "de-new" {
		t.Errorf("%s", changes.raw)
	}
	if more := w.get(clerk, w.path(second+"/changes?limit=1&cursor="+changes.text("next"))).want(t, 200); more.text("items", 0, "prefix") != "4915" || more.at("next") != nil {
		t.Errorf("%s", more.raw)
	}
	if check := w.post(marketer, w.path(second+"/check"), nil).want(t, 200); check.at("added") != 1.0 || check.at("moved") != 1.0 || check.at("same") != 1.0 {
		t.Errorf("%s", check.raw)
	}
	if past := w.post(marketer, w.path(second+"/switch"), map[string]any{"from": "2020-01-01T00:00:00Z"}).want(t, 422); !strings.Contains(string(past.raw), "from") {
		t.Errorf("%s", past.raw)
	}
	w.post(marketer, w.path(second+"/switch"), map[string]any{"from": "2030-01-01T00:00:00Z"}).want(t, 200)
	if found := w.get(clerk, w.path("/decks/world/zone?destination=%2B49151&at=2030-01-01T00:00:00Z")).want(t, 200); found.text("entry", "zone") != "de-mobile" {
		t.Errorf("%s", found.raw)
	}
	w.post(marketer, w.path(second+"/take-back"), nil).want(t, 200)
	w.post(marketer, w.path(second+"/switch"), nil).want(t, 200)
	if back := w.post(marketer, w.path("/deck-versions/"+first+"/restore"), nil).want(t, 200); back.at("restores") != 1.0 {
		t.Errorf("%s", back.raw)
	}
	if found := w.get(clerk, w.path("/decks/world/zone?destination=49151")).want(t, 200); found.text("entry", "zone") != "de" || found.text("entry", "network") != "Telekom" {
		t.Errorf("%s", found.raw)
	}
	third := w.file(marketer, "/decks/world/versions", "1,us\n").want(t, 201).text("id")
	w.post(marketer, w.path("/deck-versions/"+third+"/discard"), nil).want(t, 200)
	w.get(clerk, w.path("/deck-versions/"+third+"/entries")).want(t, 404)
	if entries := w.get(clerk, w.path(second+"/entries?prefix=49&zone=de-mobile")).want(t, 200); entries.text("items", 0, "prefix") != "4915" || entries.at("items", 1) != nil {
		t.Errorf("%s", entries.raw)
	}
	if all := w.get(clerk, w.path("/decks/world")).want(t, 200); all.at("versions", 3) == nil || all.at("deck", "live", "version") != 3.0 {
		t.Errorf("%s", all.raw)
	}
	if all := w.get(clerk, w.path("/decks")).want(t, 200); all.text("items", 0, "names", "en") != "World" {
		t.Errorf("%s", all.raw)
	}
	w.get(clerk, w.path(second)).want(t, 200)
}

func TestHolidayCalendars_byHandAndByFile(t *testing.T) {
	w := newWorld(t)
	marketer := w.user(w.db, identity.Marketer, nil)
	put := func(body map[string]any, status int) response {
		return w.send(request{method: "PUT", path: w.path("/holiday-calendars/de"), token: marketer, key: uuid.NewString(), body: body}).want(t, status)
	}
	put(map[string]any{"names": map[string]string{"en": "Germany"}, "put": []any{map[string]any{"day": "2030-12-26", "names": map[string]string{"en": "Boxing Day"}}},
		"yearly": []any{map[string]any{"month": 12, "day": 25, "from": 2027}}}, 200)
	put(map[string]any{"yearly": []any{map[string]any{"month": 2, "day": 30, "from": 2027}}}, 400)
	if got := w.file(marketer, "/holiday-calendars/de/file", "day,name\n2030-04-19,Good Friday\n10-03,Unity\n").want(t, 200); got.text("days", 0, "day") != "2030-04-19" || got.at("yearly", 1) == nil {
		t.Errorf("%s", got.raw)
	}
	w.file(marketer, "/holiday-calendars/de/file", "day\nsoon\n").want(t, 400)
	put(map[string]any{"remove": []string{"2030-04-19"}}, 200)
	if got := w.get(marketer, w.path("/holiday-calendars/de")).want(t, 200); got.text("days", 0, "names", "en") != "Boxing Day" || got.at("days", 1) != nil {
		t.Errorf("%s", got.raw)
	}
	if got := w.get(marketer, w.path("/holiday-calendars")).want(t, 200); got.text("items", 0, "code") != "de" {
		t.Errorf("%s", got.raw)
	}
	w.send(request{method: "DELETE", path: w.path("/holiday-calendars/de"), token: marketer, key: uuid.NewString()}).want(t, 204)
	w.get(marketer, w.path("/holiday-calendars/de")).want(t, 404)
}

func TestExchangeRates_byHandAndByFile(t *testing.T) {
	w := newWorld(t)
	marketer := w.user(w.db, identity.Marketer, nil)
	rate := func(day, value string) map[string]any {
		return map[string]any{"rates": []any{map[string]any{"from": "EUR", "to": "USD", "day": day, "value": value}}}
	}
	if got := w.post(marketer, w.path("/exchange-rates"), rate("2030-01-01", "1.0825")).want(t, 200); got.at("changed") != 1.0 {
		t.Errorf("%s", got.raw)
	}
	w.post(marketer, w.path("/exchange-rates"), rate("2020-01-01", "1.0825")).want(t, 422)
	w.post(marketer, w.path("/exchange-rates"), rate("2030-01-01", "0")).want(t, 400)
	if got := w.file(marketer, "/exchange-rates/file?both_ways=true&name=daily.csv", "Date, USD, IDR, \n2 January 2030, 1.09, 17654.12, \n").want(t, 200); got.at("changed") != 2.0 {
		t.Errorf("%s", got.raw)
	}
	w.file(marketer, "/exchange-rates/file", "from,to,day,rate\nEUR,XXQ,2030-01-01,1\n").want(t, 400)
	w.get(marketer, w.path("/exchange-rates/EUR/USD")).want(t, 422)
	w.get(marketer, w.path("/exchange-rates/USD/EUR?day=2030-01-01")).want(t, 422)
	if got := w.get(marketer, w.path("/exchange-rates/USD/EUR?day=2030-01-05")).want(t, 200); got.text("numerator") != "1" || got.text("denominator") != "1.09" {
		t.Errorf("%s", got.raw)
	}
	page := w.get(marketer, w.path("/exchange-rates?limit=2")).want(t, 200)
	if page.text("items", 0, "to") != "IDR" || page.text("items", 1, "source") != "daily.csv" {
		t.Errorf("%s", page.raw)
	}
	if more := w.get(marketer, w.path("/exchange-rates?limit=2&cursor="+page.text("next"))).want(t, 200); more.text("items", 0, "day") != "2030-01-01" {
		t.Errorf("%s", more.raw)
	}
	w.send(request{method: "DELETE", path: w.path("/exchange-rates/EUR/USD/2030-01-01"), token: marketer, key: uuid.NewString()}).want(t, 204)
	w.send(request{method: "DELETE", path: w.path("/exchange-rates/EUR/USD/2030-01-01"), token: marketer, key: uuid.NewString()}).want(t, 422)
}
