//go:build openstack

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// labPlan is what the operator of the test sells.
const labPlan = `
code: start
names: {en: Start}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Monthly fee}, amount: "11.90", months: 1, timing: arrears, prorate: none}]}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.19, per: 1 GB}]}
`

// TestLab_enrolledStackIsBilled goes on from a stack that enrolled by what Nova
// holds: its operator sells and collects for a month there, each day is signed on
// the machine and reaches the control plane, the contract's month is closed, and
// the house's own engine bills the operator. The operator reads it at home.
func TestLab_enrolledStackIsBilled(t *testing.T) {
	e := newEstate(t, "test-billed")
	e.withHouse()
	e.open(t)
	house := e.houseOpens()
	month := house.month()
	next := month.AddDate(0, 1, 0)

	site := uuid.New()
	operator := e.standsOn(site, "nordnetz", map[string]any{"sandbox": true, "clock_at": month.Add(8 * time.Hour).Format(time.RFC3339)})
	contract := "/staff/v1/contracts/" + uuid.NewString()
	e.main.call(e.token, "PUT", contract, map[string]any{"operator": operator.id, "model": "revenue_share", "place": "dedicated", "currency": "EUR",
		"from": month.Format(time.DateOnly), "reference": "C-17", "terms": map[string]any{"share": map[string]any{"minimum": labEuro("20.00"), "tiers": []any{
			map[string]any{"up_to": labEuro("1000.00"), "percent": "10"}, map[string]any{"percent": "5"}}}}}, http.StatusOK)
	e.main.call(e.token, "POST", contract+"/begin", nil, http.StatusOK)

	stack := e.stackOf(operator)
	stack.sellsAndCollects(month)
	userData := e.userData(site)
	e.first.restarts(userData) // days are signed every ten minutes, and at a start
	days := e.wholeMonth(operator, month)
	for no, want := range map[int]string{1: "1000.00", 2: "0.00", 15: "415.00"} {
		if got := days[month.AddDate(0, 0, no-1).Format(time.DateOnly)]; got != want {
			t.Errorf("signed of day %d: %s, want %s", no, got, want)
		}
	}

	house.advance(next.AddDate(0, 0, 1).Add(9 * time.Hour))
	e.first.eventually("the charge in the house's books", func() bool {
		charges := items(e.main.call(e.token, "GET", "/staff/v1/operators/"+operator.id+"/charges", nil, http.StatusOK))
		if len(charges) != 1 || charges[0]["carried_at"] == nil {
			return false
		}
		// 10 % of 1,000.00 and 5 % of 415.00
		if text(charges[0], "charge", "amount", "amount") != "120.75" || text(charges[0], "charge", "detail", "base", "amount") != "1415.00" {
			t.Errorf("the charge: %v", charges[0])
		}
		return true
	})
	house.advance(next.AddDate(0, 0, 3).Add(9 * time.Hour))
	number := house.billedOnce("143.69") // with 19 % of tax

	e.first.restarts(userData) // what is agreed is asked for every ten minutes, and at a start
	reader := stack.console(operator)
	var page string
	e.first.eventually("the bill in the operator's console", func() bool {
		page = reader.page("/console/hosting")
		return billLink.MatchString(page) && strings.Contains(page, number)
	})
	for _, want := range []string{"C-17", "143,69", "120,75", "1.415,00"} {
		if !strings.Contains(page, want) {
			t.Errorf("the operator does not read %s", want)
		}
	}
	if document := reader.page(billLink.FindString(page)); !strings.HasPrefix(document, "%PDF-") {
		t.Errorf("the bill's document: %.40q", document)
	}
}

// sellsAndCollects has the operator sell to one subscriber, whose use is rated and
// billed on the site, and collect in its first month: 1,000.00 on the first, and
// on the fifteenth 500.00, of which 85.00 go back.
func (s *labStack) sellsAndCollects(month time.Time) {
	s.t.Helper()
	s.publish(labPlan)
	order := s.post("/v1/orders", map[string]any{"offering": "start", "facts": map[string]string{
		"party.kind": "individual", "party.name": "Ida Example", "party.birth_date": "1990-02-28", "party.email": "ida@example.net",
		"party.id_document": "passport C01X00T47", "party.id_verified": "desk", "address.street": "Hafenstrasse 1", "address.postcode": "20457", "address.city": "Hamburg",
		"mobile.msisdn": "+4915510000001", "mobile.imsi": "262011234000001"}}, http.StatusCreated)
	account := text(s.post("/v1/orders/"+text(order, "id")+"/activate", nil, http.StatusOK), "account")

	s.pays(account, "1000.00")
	used := month.Add(10 * time.Hour)
	s.advance(used.Add(2 * time.Hour))
	s.post("/v1/usage-sources", map[string]any{"name": "api", "preset": "json-events"}, http.StatusCreated)
	event := map[string]any{"id": "x1", "kind": "data", "identity": map[string]string{"kind": "msisdn", "value": "+4915510000001"},
		"start": used.Format(time.RFC3339), "end": used.Add(10 * time.Minute).Format(time.RFC3339), "quantity": 3000000000, "unit": "byte"}
	if rated := items(s.post("/v1/usage-events", map[string]any{"source": "api", "events": []any{event}}, http.StatusOK)); len(rated) != 1 || rated[0]["outcome"] != "accepted" {
		s.t.Fatalf("the use of the subscriber: %v", rated)
	}
	s.advance(month.AddDate(0, 0, 14).Add(9 * time.Hour))
	paid := s.pays(account, "500.00")
	s.post("/v1/payments/"+paid+"/refunds", map[string]any{"amount": labEuro("85.00"), "reason": "paid twice"}, http.StatusCreated)
	s.advance(month.AddDate(0, 1, 1).Add(9 * time.Hour))
	bills := items(s.get("/v1/accounts/" + account + "/bills"))
	if len(bills) != 1 || text(bills[0], "total", "amount") != "15.47" || text(bills[0], "number") == "" { // 11.90 + 3 × 1.19
		s.t.Errorf("the subscriber's bills: %v", bills)
	}
}

// pays records money at the bank.
func (s *labStack) pays(account, amount string) (payment string) {
	s.t.Helper()
	return text(s.post("/v1/payments", map[string]any{"account": account, "amount": labEuro(amount), "method": "bank"}, http.StatusCreated), "id")
}

// wholeMonth waits until every day of a month, signed on the site, is at the
// control plane, and gives what was collected by day.
func (e *estate) wholeMonth(of newcomer, month time.Time) map[string]string {
	e.t.Helper()
	days := map[string]string{}
	e.first.eventually("the month's days at the control plane", func() bool {
		for _, one := range items(e.main.call(e.token, "GET", "/staff/v1/operators/"+of.id+"/totals?month="+month.Format(time.DateOnly), nil, http.StatusOK)) {
			days[text(one, "day")] = text(one, "collected", "amount")
		}
		return len(days) == month.AddDate(0, 1, -1).Day()
	})
	return days
}

// billedOnce wants the house to have billed one operator once, finally, and gives
// the bill's number.
func (s *labStack) billedOnce(total string) (number string) {
	s.t.Helper()
	accounts := items(s.get("/v1/accounts"))
	if len(accounts) != 1 {
		s.t.Fatalf("the house has accounts %v, want the operator's", accounts)
	}
	bills := items(s.get("/v1/accounts/" + text(accounts[0], "id") + "/bills"))
	if len(bills) != 1 || text(bills[0], "total", "amount") != total || text(bills[0], "number") == "" || text(bills[0], "state") != "final" {
		s.t.Fatalf("the house's bills: %v", bills)
	}
	whole := s.get("/v1/bills/" + text(bills[0], "id"))
	lines, _ := whole["lines"].([]any)
	if len(lines) != 1 {
		s.t.Errorf("the bill's lines: %v", lines)
	}
	return text(bills[0], "number")
}
