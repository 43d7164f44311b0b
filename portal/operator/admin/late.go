package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// lateFields are what a step is typed into.
var lateFields = []string{"code", "name_en", "name_id", "name_ru", "segment", "grace_days", "kind", "value", "day_count", "minimum", "cap", "category"}

// lateTyped reads a step out of its form.
func lateTyped(v *web.Visit, f *form) bill.LateRule {
	r := v.Reader
	rule := bill.LateRule{Code: f.Typed["code"], Names: map[string]string{}, Segment: account.PartyKind(f.Typed["segment"]), Kind: bill.LateKind(f.Typed["kind"]), Category: f.Typed["category"]}
	for _, language := range []string{"en", "id", "ru"} {
		if name := f.Typed["name_"+language]; name != "" {
			rule.Names[language] = name
		}
	}
	if rule.Names["en"] == "" { // one name will do
		rule.Names["en"] = f.Typed["name_id"] + f.Typed["name_ru"]
	}
	decimal := func(field string, optional bool) *money.Decimal {
		typed := strings.ReplaceAll(f.Typed[field], ",", ".")
		if typed == "" && optional {
			return nil
		}
		d, err := money.ParseDecimal(typed)
		if err != nil {
			f.refuse(field, r.T("admin.late.not"))
		}
		return &d
	}
	var err error
	if rule.GraceDays, err = strconv.Atoi(f.Typed["grace_days"]); err != nil {
		f.refuse("grace_days", r.T("admin.late.not"))
	}
	figure := *decimal("value", false)
	switch f.Typed["kind"] {
	case string(bill.LateFixed):
		rule.Amount = figure
	case "base":
		rule.Kind, rule.OverBase = bill.LateInterest, true
		rule.Percent, rule.DayCount = figure, bill.DayCount(f.Typed["day_count"])
	case string(bill.LateInterest):
		rule.Percent, rule.DayCount = figure, bill.DayCount(f.Typed["day_count"])
	default:
		rule.Percent = figure
	}
	rule.Minimum, rule.Cap = decimal("minimum", true), decimal("cap", true)
	return rule
}

// putLate changes what late payment costs; refuse tells a fault of the step at
// its field.
func putLate(v *web.Visit, change func(*bill.LateRules)) error {
	_, err := once(v, "late_rules.put", func(ctx context.Context, tx tenant.Tx) (act, error) {
		rules, err := bill.GetLateRules(ctx, tx)
		if err != nil {
			return act{}, err
		}
		change(&rules)
		return act{object: "operator", detail: map[string]any{"steps": len(rules.Rules)}}, bill.PutLateRules(ctx, tx, rules, v.Who.Actor())
	})
	return err
}

func addLate(v *web.Visit) error {
	f := sentForm(v, lateFields...)
	rule := lateTyped(v, &f)
	if f.status() == http.StatusOK {
		err := putLate(v, func(rules *bill.LateRules) { rules.Rules = append(rules.Rules, rule) })
		if err == nil {
			return after(v, "settings/numbers", "late")
		}
		path := fieldOf(err)
		if path == "" {
			return err
		}
		field := path[strings.LastIndex(path, ".")+1:]
		switch field {
		case "amount", "percent":
			field = "value"
		case "names":
			field = "name_en"
		case "over_base":
			field = "kind"
		}
		if !slices.Contains(lateFields, field) {
			field = "code"
		}
		f.refuse(field, v.Reader.T("admin.late.not"))
	}
	return showNumbers(v, func(view *numbersView) { view.Late = f })
}

func removeLate(v *web.Visit) error {
	code := v.Form("code")
	err := putLate(v, func(rules *bill.LateRules) {
		rules.Rules = slices.DeleteFunc(rules.Rules, func(r bill.LateRule) bool { return r.Code == code })
	})
	if err != nil {
		return err
	}
	return after(v, "settings/numbers", "late")
}

func saveBase(v *web.Visit) error {
	f := sentForm(v, "base_rates")
	var rates []bill.BaseRate
	for line := range strings.Lines(f.Typed["base_rates"]) {
		parts := strings.Fields(strings.ReplaceAll(line, ",", "."))
		if len(parts) == 0 {
			continue
		}
		rate := bill.BaseRate{}
		var err, bad error
		if len(parts) == 2 {
			rate.From, err = calendar.ParseDate(parts[0])
			rate.Percent, bad = money.ParseDecimal(parts[1])
		}
		if len(parts) != 2 || err != nil || bad != nil {
			f.refuse("base_rates", v.Reader.T("admin.late.not"))
			break
		}
		rates = append(rates, rate)
	}
	if f.status() == http.StatusOK {
		err := putLate(v, func(rules *bill.LateRules) { rules.BaseRates = rates })
		if err == nil {
			return after(v, "settings/numbers", "late")
		}
		if fieldOf(err) == "" {
			return err
		}
		f.refuse("base_rates", v.Reader.T("admin.late.not"))
	}
	return showNumbers(v, func(view *numbersView) { view.Base = f })
}

// lateFigure is what a step costs, in words.
func lateFigure(r ui.Reader, currency money.Currency, l bill.LateRule) string {
	if l.Kind == bill.LateFixed {
		return r.Money(money.New(l.Amount, currency))
	}
	return r.Number(l.Percent) + " %"
}

// lateKindName names what a step is.
func lateKindName(r ui.Reader, l bill.LateRule) string {
	if l.OverBase {
		return r.T("admin.late.kind.base")
	}
	return r.T("admin.late.kind." + string(l.Kind))
}

func segmentName(r ui.Reader, segment account.PartyKind) string {
	return r.T("admin.late.segment." + string(segment))
}
