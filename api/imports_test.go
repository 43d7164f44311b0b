package api

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

const (
	importedPeople = "account,kind,currency,party_kind,name,email,phone,birth_date,id_document,id_verified,street,postcode,city,country,cycle_months,anchor,next_bill\n" +
		"KF-10100,postpaid,EUR,individual,Annika Asmussen,annika@post.example,+494841200100,1955-01-01,Personalausweis L01X1000,post,Hafenstrasse 1,25813,Husum,DE,1,2024-01-01,2026-06-01\n"
	importedServices = "account,service,offering,activated_on,charged_through,state,msisdn,imsi\n" +
		"KF-10100,KF-10100/1,start,2022-01-10,,active,+4915771200000,262031000000000\n"
)

func TestImports_fromFileToUndo(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, plan)
	open := request{method: "POST", path: w.path("/imports"), token: owner, key: uuid.NewString(),
		body: map[string]any{"name": "May", "expected": map[string]any{"counts": map[string]int{"subscribers": 2}}}}
	made := w.send(open).want(t, 201)
	if again := w.send(open).want(t, 201); again.text("id") != made.text("id") {
		t.Errorf("a repeat opened another: %s", again.raw)
	}
	at := w.path("/imports/" + made.text("id"))
	upload := func(kind, name, content string, status int) response {
		return w.send(request{method: "POST", path: at + "/files?kind=" + kind + "&name=" + url.QueryEscape(name), token: owner, key: uuid.NewString(), raw: content, contentType: "text/csv"}).want(t, status)
	}
	upload("subscribers", "people.csv", importedPeople, 201)
	services := upload("services", "services.csv", strings.Replace(importedServices, "start", "none", 1), 201)
	upload("riddles", "x.csv", "x", 400)
	if fields, err := upload("services", "../x.csv", "x", 400).faults(); err != nil || fields[0] != "file" {
		t.Errorf("a path as a name: %v (%v)", fields, err)
	}

	checked := w.post(owner, at+"/check", nil).want(t, 200)
	if checked.text("state") != "checked" || checked.at("errors") == 0.0 || checked.at("totals", "counts", "subscribers") != 1.0 {
		t.Errorf("checked: %s", checked.raw)
	}
	first := w.get(owner, at+"/findings?limit=1").want(t, 200)
	second := w.get(owner, at+"/findings?limit=1&cursor="+first.text("next")).want(t, 200)
	if first.text("items", 0, "code") == "<nil>" || second.at("items", 0) == nil || string(first.raw) == string(second.raw) {
		t.Errorf("findings: %s %s", first.raw, second.raw)
	}
	w.post(owner, at+"/commit", nil).want(t, 409)

	w.send(request{method: "DELETE", path: at + "/files/" + services.text("id"), token: owner, key: uuid.NewString()}).want(t, 204)
	upload("services", "services.csv", importedServices, 201)
	w.patch(owner, at, map[string]any{"expected": map[string]any{}}).want(t, 200)
	if checked := w.post(owner, at+"/check", nil).want(t, 200); checked.at("errors") != 0.0 {
		t.Fatalf("checked: %s %s", checked.raw, w.get(owner, at+"/findings").raw)
	}
	w.post(owner, at+"/commit", nil).want(t, 200)
	w.eventually("a committed import", func() bool { return w.get(owner, at).text("state") == "committed" })
	found := w.get(owner, w.path("/accounts?q=KF-10100")).want(t, 200)
	if found.text("items", 0, "name") != "Annika Asmussen" {
		t.Errorf("found: %s", found.raw)
	}
	if undone := w.post(owner, at+"/undo", nil).want(t, 200); undone.text("state") != "undone" {
		t.Errorf("undone: %s", undone.raw)
	}
	w.get(owner, w.path("/accounts/"+found.text("items", 0, "id"))).want(t, 404)
	w.post(owner, at+"/undo", nil).want(t, 409)
	if list := w.get(owner, w.path("/imports")).want(t, 200); list.text("items", 0, "id") != made.text("id") {
		t.Errorf("imports: %s", list.raw)
	}
	w.get(owner, at+"/files").want(t, 200)
	if columns := w.get(owner, w.path("/import-columns")).want(t, 200); columns.text("items", 0, "columns", 0, "name") != "account" {
		t.Errorf("columns: %s", columns.raw)
	}
	w.get(w.user(w.db, identity.Clerk, nil), w.path("/imports")).want(t, 403)
}
