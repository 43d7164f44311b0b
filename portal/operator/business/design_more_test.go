package business

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"

	"tollhouse/billing/catalog"
	"tollhouse/billing/locale"
	"tollhouse/portal/ui"
)

const everything = `
code: everything
names: {en: Everything, ru: Всё}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
calendar: germany
debt_limit: "5"
deposit: {amount: "50", segment: {tags: [trial], risk: [high]}}
destinations:
- {code: near, names: {en: Near}, prefixes: ["49"]}
- {code: far, names: {en: Far}, deck: world, zones: [eu, us]}
allowances:
- code: nights
  names: {en: Nights}
  amount: 100 min
  kinds: [voice]
  destinations: [near]
  windows: [{days: [sat, sun], from: "00:00", to: "06:00", months: [1, 12], month_days: [1, 31], dates: ["2026-12-31"], first_date: "2026-01-01", last_date: "2026-12-31"}]
  qualities: [hd, sd]
  factors: {hd: "2", "*": "1"}
  blocks: true
  priority: 5
  price: {connect_fee: "0.1", price: "0.02", per: 1 min, increment: 30 s}
  validity_days: 30
  rollover: {share: "50", amount: 20 min, periods: 2, use: last}
  shared: {limit: 10 min}
  refill: {on: payment, minimum: "10", times: 3}
- {code: family, names: {en: Family}, amount: 1 GB, kinds: [data], priority: 6, validity: cycle, shared: {}, refill: {on: event, event: birthday}}
usage:
- code: calls
  names: {en: Calls}
  kind: voice
  rules:
  - {code: hd, destinations: [near], price: "0.1", per: 1 min, cap: {amount: "3", then: end}, network: own, qualities: [hd], priority: 2, cost: {price: "0.05", per: 1 min}}
  - {code: usd, destinations: ["*"], price: "0.2", per: 1 min, cap: "4", currency: USD}
  - {code: stairs, destinations: [far], tiers: {kind: stair, at_zero: true, bands: [{to: 10 min, fee: "1"}, {fee: "2"}]}}
`

// fieldsOf are the fields that a browser sends back when nothing is typed.
func fieldsOf(groups []group, into url.Values) {
	for _, g := range groups {
		if g.rest != "" {
			into.Set(restName(g), g.rest)
		}
		for _, c := range g.fields {
			switch c.kind {
			case "checks":
				for _, choice := range c.choices {
					if choice.Chosen {
						into.Add(c.ID, choice.Value)
					}
				}
			case "select":
				value := ""
				for _, choice := range c.choices {
					if choice.Chosen {
						value = choice.Value
					}
				}
				into.Set(c.ID, value)
			default:
				into.Set(c.ID, c.Value)
			}
		}
		fieldsOf(g.groups, into)
	}
}

// A form that is sent back as it was changes nothing of an offer, whatever the
// offer uses; and every part of it has a field of its own.
func TestDesigner_everyAttributeHasAField(t *testing.T) {
	t.Parallel()
	o, _, err := catalog.ParseLines([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := treeOf(o)
	if err != nil {
		t.Fatal(err)
	}
	r := ui.Reader{Locale: locale.Locale{Language: "en", Country: "DE"}}
	groups := newDesigner(r, whole, nil).build()
	fields := url.Values{}
	fieldsOf(groups, fields)
	for name, values := range fields {
		if len(name) > len(restMark) && name[len(name)-len(restMark):] == restMark {
			t.Errorf("%s has no field: %s", name, values[0])
		}
	}
	got, err := treeFromForm(fields, r.Locale).offering()
	if err != nil {
		t.Fatal(err)
	}
	if is, was := asJSON(t, got), asJSON(t, o); !reflect.DeepEqual(is, was) {
		t.Errorf("sent back:\n%v\nwant\n%v", is, was)
	}
	fields.Set("usage[0].rules[0].cap.then", "free")
	fields.Set("allowances[0].shared.on", "")
	fields.Set("allowances[0].factors", "hd = 3")
	changed, err := treeFromForm(fields, r.Locale).offering()
	if err != nil {
		t.Fatal(err)
	}
	if c := changed.Usage[0].Rules[0].Cap; c.Then == catalog.ThenEnd || c.Amount.String() != "3" {
		t.Errorf("the cap is %+v", c)
	}
	if a := changed.Allowances[0]; a.Shared != nil || len(a.Factors) != 1 || a.Factors["hd"].String() != "3" {
		t.Errorf("the allowance is %+v", a)
	}
}

func asJSON(t *testing.T, o catalog.Offering) (whole map[string]any) {
	t.Helper()
	text, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(text, &whole)
	}
	if err != nil {
		t.Fatal(err)
	}
	return whole
}
