package explain

import (
	"encoding/json"
	"strings"

	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// For is what a balance is for, where that is not everything of its unit:
// "Calls → Jakarta, Mon–Fri 22:00–24:00".
func (w Words) For(b *balance.Bucket) string {
	if a, found := AllowanceNamed(w.Offering, b.Code); found {
		return w.AllowanceFor(a)
	}
	var f rating.Filter
	if len(b.Filter) == 0 || json.Unmarshal(b.Filter, &f) != nil {
		return "" // no filter of ours: it is for all
	}
	return w.limits(f.Kinds, "", f.Windows, w.Narrowed(f.Network, f.Qualities))
}

// AllowanceFor is For of an allowance that an offering includes.
func (w Words) AllowanceFor(a catalog.Allowance) string {
	places := ""
	if len(a.Destinations) > 0 {
		places = w.Places(a.Destinations)
	}
	return w.limits(a.Kinds, places, a.Windows, w.Narrowed("", a.Qualities))
}

// limits joins what a balance is for; empty where only the kind is named, which
// the balance's own unit says.
func (w Words) limits(kinds []catalog.UsageKind, places string, windows []catalog.Window, more []string) string {
	if places == "" && len(windows) == 0 && len(more) == 0 && len(kinds) < 2 {
		return ""
	}
	text := w.Kinds(kinds)
	if places != "" {
		text += " → " + places
	}
	if len(windows) > 0 {
		more = append([]string{w.Windows(windows)}, more...)
	}
	return strings.TrimPrefix(strings.Join(append([]string{text}, more...), ", "), ", ")
}

// Gives tells how an allowance gives what it holds: at its own price, more or
// fewer units by quality, and whether others wait behind it.
func (w Words) Gives(a catalog.Allowance) (list []string) {
	r := w.Reader
	amount := func(d money.Decimal) string { return r.Exact(money.New(d, w.Offering.Currency)) }
	if p := a.Price; p != nil {
		if p.ConnectFee != nil && p.ConnectFee.Sign() > 0 {
			list = append(list, r.T("kept.fee", "amount", amount(*p.ConnectFee)))
		}
		if p.Price != nil && p.Per != nil && p.Price.Sign() > 0 {
			list = append(list, r.T("kept.price", "amount", amount(*p.Price), "per", r.Per(*p.Per)))
		}
	}
	for _, quality := range sortedNames(a.Factors) {
		if quality == catalog.AnyQuality {
			list = append(list, r.T("kept.factor.any", "n", r.Number(a.Factors[quality])))
			continue
		}
		list = append(list, r.T("kept.factor", "quality", quality, "n", r.Number(a.Factors[quality])))
	}
	if a.Blocks {
		list = append(list, r.T("kept.blocks"))
	}
	if f := a.Refill; f != nil {
		switch {
		case f.On == catalog.OnPayment && f.Minimum != nil:
			list = append(list, r.T("kept.refill.payment.least", "amount", amount(*f.Minimum)))
		case f.On == catalog.OnPayment:
			list = append(list, r.T("kept.refill.payment"))
		case f.On == catalog.OnEvent && f.Event == catalog.BirthdayEvent:
			list = append(list, r.T("kept.refill.birthday"))
		}
	}
	return list
}
