package api

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

// draft saves an offering without publishing it.
func (w *world) draft(token, text string) string {
	w.t.Helper()
	return w.send(request{method: "POST", path: w.path("/offerings"), token: token, key: uuid.NewString(), raw: text, contentType: "application/yaml"}).want(w.t, 201).text("id")
}

func TestCatalog_diffTellsWhatChanged(t *testing.T) {
	w := newWorld(t)
	marketer := w.user(w.db, identity.Marketer, nil)
	old := w.publish(marketer, plan)
	dearer := w.draft(marketer, strings.NewReplacer("11.90", "12.90", "names: {en: Start}", "names: {en: Start, id: Mulai}").Replace(plan))
	diff := w.get(marketer, w.path("/offerings/"+old+"/diff?to="+dearer)).want(t, 200)
	found := false
	for n := 0; diff.at("changes", n) != nil; n++ {
		if diff.text("changes", n, "part") == "recurring" {
			found = true
			if diff.text("changes", n, "sort") != "changed" || diff.text("changes", n, "code") != "fee" || diff.text("changes", n, "before") != "11.9" || diff.text("changes", n, "after") != "12.9" {
				t.Errorf("the fee: %s", diff.raw)
			}
		}
	}
	if !found {
		t.Errorf("no word of the fee: %s", diff.raw)
	}
	if same := w.get(marketer, w.path("/offerings/"+old+"/diff?to="+old)).want(t, 200); same.at("changes", 0) != nil {
		t.Errorf("nothing changed, and yet %s", same.raw)
	}
	w.get(marketer, w.path("/offerings/"+old+"/diff?to="+uuid.NewString())).want(t, 404)
	w.get(marketer, w.path("/offerings/"+old+"/diff")).want(t, 400)
	w.get(marketer, w.path("/offerings/"+old+"/diff?to=x")).want(t, 400)
}

// What is exported comes back in another stack as it was.
func TestCatalog_goesFromOneStackToAnother(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, plan)
	w.publish(owner, prepaid)
	archive := w.get(owner, w.path("/offering-catalog")).want(t, 200)
	if archive.at("offerings", 1) == nil || archive.at("offerings", 2) != nil {
		t.Fatalf("exported: %s", archive.raw)
	}
	other := w.db.Place(t, 1)
	w.setUp(other)
	foreign := w.user(other, identity.Owner, nil)
	there := "/t/" + other.Ref.Name + "/v1/offering-catalog"
	body := map[string]any{"offerings": archive.at("offerings")}
	taken := w.put(foreign, there, body).want(t, 200)
	if taken.text("items", 0, "state") != "draft" || taken.at("items", 1) == nil {
		t.Errorf("imported: %s", taken.raw)
	}
	back := w.get(foreign, "/t/"+other.Ref.Name+"/v1/offerings/"+taken.text("items", 0, "id")).want(t, 200)
	if !strings.Contains(string(back.raw), `"11.90"`) && !strings.Contains(string(back.raw), `"1.19`) {
		t.Errorf("one of them: %s", back.raw)
	}
	first, _ := archive.at("offerings", 0).(map[string]any)
	broken := maps.Clone(first)
	broken["currency"] = "XQQ"
	refused := w.put(foreign, there, map[string]any{"offerings": []any{broken}})
	if fields, err := refused.faults(); refused.status != 400 || err != nil || len(fields) == 0 || !strings.Contains(strings.Join(fields, " "), "currency") {
		t.Errorf("a broken one: %d %s (%v)", refused.status, refused.raw, err)
	}
	w.put(foreign, there, map[string]any{"offerings": []any{}}).want(t, 400)
	w.put(w.user(other, identity.Clerk, nil), there, body).want(t, 403)
}

func TestCatalog_schemaIsAJSONSchema(t *testing.T) {
	w := newWorld(t)
	schema := w.get(w.user(w.db, identity.Marketer, nil), w.path("/offering-schema")).want(t, 200)
	if !strings.HasPrefix(schema.text("$schema"), "https://json-schema.org/") || schema.at("properties", "usage") == nil {
		t.Errorf("the schema: %.300s", schema.raw)
	}
}

func TestSpecifications_overHTTP(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	spec := map[string]any{"names": map[string]string{"en": "Router"}, "services": []string{"internet"}}
	made := w.put(owner, w.path("/specifications/router"), spec).want(t, 200)
	if made.text("code") != "router" || made.text("names", "en") != "Router" {
		t.Errorf("made: %s", made.raw)
	}
	if listed := w.get(owner, w.path("/specifications")).want(t, 200); listed.text("items", 0, "code") != "router" {
		t.Errorf("listed: %s", listed.raw)
	}
	if shown := w.get(owner, w.path("/specifications/router")).want(t, 200); shown.text("services", 0) != "internet" {
		t.Errorf("shown: %s", shown.raw)
	}
	for field, wrong := range map[string]any{"names": map[string]any{"names": map[string]string{}}, "services": map[string]any{"names": spec["names"], "services": []string{"fax"}},
		"colour": map[string]any{"names": spec["names"], "colour": "red"}} {
		refused := w.put(owner, w.path("/specifications/broken"), wrong)
		if fields, err := refused.faults(); refused.status != 400 || err != nil || !strings.Contains(strings.Join(fields, " "), field) {
			t.Errorf("%s: %d %s (%v)", field, refused.status, refused.raw, err)
		}
	}
	w.get(owner, w.path("/specifications/broken")).want(t, 404)
	w.put(w.user(w.db, identity.Clerk, nil), w.path("/specifications/router"), spec).want(t, 403)
	drop := func() response {
		return w.send(request{method: "DELETE", path: w.path("/specifications/router"), token: owner, key: uuid.NewString()})
	}
	drop().want(t, 204)
	drop().want(t, 404)
	w.get(owner, w.path("/specifications/router")).want(t, 404)
}

func TestPartners_overHTTP(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	body := map[string]any{"name": "Cine World", "active": true}
	if made := w.put(owner, w.path("/partners/cine"), body).want(t, 200); made.text("code") != "cine" || made.text("share") != "0" {
		t.Errorf("made: %s", made.raw)
	}
	body["active"] = false
	w.put(owner, w.path("/partners/cine"), body).want(t, 200)
	if listed := w.get(owner, w.path("/partners")).want(t, 200); listed.text("items", 0, "active") != "false" || listed.at("items", 1) != nil {
		t.Errorf("listed: %s", listed.raw)
	}
	w.put(owner, w.path("/partners/cine"), map[string]any{"name": "", "active": true}).refusedAt(w, 400, "name")
	w.put(owner, w.path("/partners/cine"), map[string]any{"name": "x"}).refusedAt(w, 400, "active")
	w.put(w.user(w.db, identity.Support, nil), w.path("/partners/cine"), body).want(t, 403)
}

// A draft is tried on what was really used: 1 GB at 1.19 would have cost twice
// as much.
func TestTrials_overHTTP(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publishAndConnect(owner)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": []any{usageEvent("a", 1, 1_000_000_000)}}}).want(t, 200)
	dearer := w.draft(owner, strings.Replace(plan, "price: 1.19", "price: 2.38", 1))
	w.post(owner, w.path("/clock/advance"), map[string]any{"to": "2026-05-20T00:00:00Z"}).want(t, 200)
	asked := w.post(owner, w.path("/trials"), map[string]any{"offering_version": dearer, "from": "2026-05-01", "to": "2026-05-20"}).want(t, 202)
	path := w.path("/trials/" + asked.text("id"))
	w.eventually("the trial is done", func() bool { return w.get(owner, path).text("state") == "done" })
	done := w.get(owner, path).want(t, 200)
	if done.number("records") != 1 || done.text("code") != "start" || done.text("currency") != "EUR" || done.number("accounts_done") != 1 || done.at("total") == nil {
		t.Errorf("done: %s", done.raw)
	}
	if done.text("total", "difference") != "1" || done.text("fees", "difference") != "0" {
		t.Errorf("the difference: %s, of fees %s; want 1 net, nothing of fees", done.at("total"), done.at("fees"))
	}
	if listed := w.get(owner, w.path("/trials")).want(t, 200); listed.text("items", 0, "id") != asked.text("id") {
		t.Errorf("listed: %s", listed.raw)
	}
	w.post(owner, path+"/cancel", nil).want(t, 409) // it is over
	w.get(owner, w.path("/trials/"+uuid.NewString())).want(t, 404)
	for field, body := range map[string]map[string]any{
		"to":               {"offering_version": dearer, "from": "2026-05-01", "to": "2026-04-01"},
		"offering_version": {"offering_version": "x", "from": "2026-05-01", "to": "2026-05-20"},
		"kind":             {"offering_version": dearer, "from": "2026-05-01", "to": "2026-05-20", "kind": "free"},
		"spent_from":       {"offering_version": dearer, "from": "2026-05-01", "to": "2026-05-20", "spent_from": "much"},
	} {
		refused := w.post(owner, w.path("/trials"), body)
		if fields, err := refused.faults(); refused.status != 400 && refused.status != 422 || err != nil || len(fields) != 1 || fields[0] != field {
			t.Errorf("%s: %d %s (%v)", field, refused.status, refused.raw, err)
		}
	}
	w.post(owner, w.path("/trials"), map[string]any{"offering_version": uuid.NewString(), "from": "2026-05-01", "to": "2026-05-20"}).want(t, 404)
	w.post(w.user(w.db, identity.Clerk, nil), w.path("/trials"), map[string]any{"offering_version": dearer, "from": "2026-05-01", "to": "2026-05-20"}).want(t, 403)
}

// Sold versions are moved to another on a day, but for who wants to stay.
func TestMigrations_overHTTP(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	old := w.publish(owner, plan)
	first, second := w.connect(owner, 1), w.connect(owner, 2)
	fresh := w.publish(owner, strings.Replace(plan, "11.90", "12.90", 1))
	w.publish(owner, strings.Replace(prepaid, "code: prepaid", "code: other", 1))
	plan := map[string]any{"to": fresh, "from": []string{old}, "starts_on": "2026-06-15", "notice_days": 14, "reason": "dearer power"}
	preview := w.send(request{method: "POST", path: w.path("/migrations/preview"), token: owner, body: plan}).want(t, 200)
	if !strings.Contains(string(preview.raw), old) {
		t.Errorf("preview: %s", preview.raw)
	}
	planned := w.post(owner, w.path("/migrations"), plan).want(t, 201)
	path := w.path("/migrations/" + planned.text("id"))
	if planned.text("state") != "planned" || planned.text("reason") != "dearer power" || planned.number("notice_days") != 14 {
		t.Errorf("planned: %s", planned.raw)
	}
	subscription := func(account string) string {
		return w.get(owner, w.path("/accounts/"+account)).want(t, 200).text("subscriptions", 0, "id")
	}
	stays := map[string]string{"subscription": subscription(second), "reason": "a promise"}
	w.post(owner, path+"/opt-out", stays).want(t, 204)
	w.post(owner, path+"/opt-out", map[string]string{"subscription": uuid.NewString()}).want(t, 404)
	if listed := w.get(owner, w.path("/migrations")).want(t, 200); listed.text("items", 0, "id") != planned.text("id") {
		t.Errorf("listed: %s", listed.raw)
	}
	w.post(owner, w.path("/clock/advance"), map[string]any{"to": "2026-07-02T00:00:00Z"}).want(t, 200)
	w.eventually("the migration is done", func() bool { return w.get(owner, path).text("state") == "done" })
	shown := w.get(owner, path).want(t, 200)
	if shown.number("progress", "changed") != 1 || shown.number("progress", "opted_out") != 1 {
		t.Errorf("done: %s", shown.raw)
	}
	for account, version := range map[string]string{first: fresh, second: old} {
		if got := w.get(owner, w.path("/accounts/"+account)).want(t, 200); !strings.Contains(string(got.raw), version) {
			t.Errorf("account %s is at %s, want version %s", account, got.at("subscriptions"), version)
		}
	}
	w.post(owner, path+"/cancel", nil).want(t, 409)
	plan["starts_on"] = "2026-09-01"
	next := w.path("/migrations/" + w.post(owner, w.path("/migrations"), plan).want(t, 201).text("id"))
	if cancelled := w.post(owner, next+"/cancel", nil).want(t, 200); cancelled.text("state") != "cancelled" {
		t.Errorf("cancelled: %s", cancelled.raw)
	}
	w.post(owner, next+"/opt-out", stays).want(t, 409)
	w.get(owner, w.path("/migrations/"+uuid.NewString())).want(t, 404)
	w.post(owner, w.path("/migrations"), map[string]any{"to": fresh, "from": []string{}, "starts_on": "2026-09-01"}).refusedAt(w, 400, "from")
	w.post(owner, w.path("/migrations"), map[string]any{"to": fresh, "from": []string{old}, "starts_on": "soon"}).refusedAt(w, 400, "starts_on")
	w.post(owner, w.path("/migrations"), map[string]any{"to": uuid.NewString(), "from": []string{old}, "starts_on": "2026-09-01"}).want(t, 404)
	w.post(w.user(w.db, identity.Clerk, nil), w.path("/migrations"), plan).want(t, 403)
}

// A retired version is not sold any more, and one that is published is not
// published again.
func TestOfferings_checkPublishRetire(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.draft(owner, plan)
	w.send(request{method: "POST", path: w.path("/offerings/" + id + "/check"), token: owner}).want(t, 200)
	w.post(owner, w.path("/offerings/"+id+"/publish"), map[string]any{}).want(t, 200)
	w.post(owner, w.path("/offerings/"+id+"/publish"), map[string]any{}).want(t, 409)
	w.post(owner, w.path("/offerings/"+id+"/retire"), nil).want(t, 200)
	w.post(owner, w.path("/orders"), map[string]any{"offering": "start", "facts": facts(1)}).want(t, 404)
	for _, act := range []string{"publish", "retire"} {
		w.post(owner, w.path("/offerings/"+uuid.NewString()+"/"+act), map[string]any{}).want(t, 404)
		w.post(w.user(w.db, identity.Clerk, nil), w.path("/offerings/"+id+"/"+act), map[string]any{}).want(t, 403)
	}
}
