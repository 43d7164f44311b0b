package bill

import (
	"cmp"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// addCharges adds usage, and for a prepaid account the fees that its balance
// paid. Usage that an allowance covered wholly is told by the allowance's line.
func (f *frame) addCharges(c *closing) {
	for _, s := range f.joinCharges(c) {
		c.taxTaken, c.charged = c.taxTaken.Add(s.Tax), c.charged.Add(s.Net)
		if s.Price.IsZero() && s.Allowance.Equal(s.Quantity) && len(c.allowances) > 0 {
			continue
		}
		line := Line{
			Kind: s.Kind, Code: s.Code, Description: lineName(f.offerings[s.Offering], s.Code, c.Language), Subscription: s.Subscription,
			Period: c.Cycle, Quantity: s.Quantity.Sub(s.Allowance), Unit: s.Unit, Events: s.Events, Category: s.Category,
			Price: money.New(s.Price, c.Currency).Round(c.Currency.DocumentDigits(), money.HalfAwayFromZero),
		}
		switch s.Kind {
		case Correction:
			if s.Price.IsZero() && s.Net.IsZero() {
				continue // only which balance gave the units has changed
			}
			line.Description = correctionWords(c.Language, line.Description)
			line.Period = f.cycleOf(c).Containing(s.OwnCycle)
			if s.Unit == money.Event && s.Quantity.IsZero() {
				line.Unit, line.Quantity = UnitFee, money.NewDecimal(s.Events)
			}
		case Usage:
		default:
			line.Unit, line.Quantity = UnitFee, money.NewDecimal(s.Events)
		}
		if s.Kind == Discount {
			line.Description = c.discountWords(s.Subscription, s.Code)
		}
		day := calendar.DateOf(s.First, f.profile.Zone)
		if line.Period.Contains(day) {
			for _, part := range cut(line.Period, f.rates.For(c.Taxed).Changes(s.Category, line.Period)) {
				if part.Contains(day) {
					line.Period = part
				}
			}
		}
		c.add(fromCharges, line)
		if line.Period.Contains(day) {
			c.entries[len(c.entries)-1].taxDay = day
		}
		if s.Kind == Correction {
			c.entries[len(c.entries)-1].sum = &s
		}
	}
}

func (f *frame) addAllowances(c *closing) {
	for _, a := range c.allowances {
		line := Line{
			Kind: Allowance, Code: a.Code, Description: a.Code, Period: c.Cycle, Quantity: a.Used, Granted: a.Granted,
			Unit: a.Unit, Price: money.Zero(c.Currency),
		}
		if a.Subscription != nil {
			line.Subscription = *a.Subscription
		}
		for _, s := range c.subscriptions {
			if s.ID == line.Subscription || a.Subscription == nil || s.PartOf != nil && *s.PartOf == line.Subscription {
				if name := allowanceName(f.offerings[s.Offering], a.Code, c.Language); name != "" {
					line.Description = name
				}
			}
		}
		c.add(fromNothing, line)
	}
}

// lineName is what a line code of an offering is called, or the code itself.
func lineName(o catalog.Offering, code, language string) string {
	for _, p := range o.Prices.Recurring {
		if p.Code == code {
			return p.Names.In(language)
		}
	}
	for _, p := range o.Prices.OneTime {
		if p.Code == code {
			return p.Names.In(language)
		}
	}
	for _, u := range o.Usage {
		if u.Code == code {
			return u.Names.In(language)
		}
		for _, r := range u.Rules {
			if r.Code == code && len(r.Names) > 0 {
				return r.Names.In(language)
			}
		}
	}
	if words, known := serviceFees[code]; known {
		return cmp.Or(words[language], words["en"])
	}
	return code
}

// serviceFees are what an operator asks for beside its plans.
var serviceFees = map[string]map[string]string{
	"transfer-fee": {"en": "Fee for a transfer", "id": "Biaya transfer", "ru": "Комиссия за перевод"},
}

func allowanceName(o catalog.Offering, code, language string) string {
	for _, a := range o.Allowances {
		if a.Code == code {
			return a.Names.In(language)
		}
	}
	return ""
}
