package explain

import (
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/usage"
	"tollhouse/portal/ui"
)

// explainer turns rating's steps into words.
type explainer struct {
	ui.Reader
	explained *history.Explained
	offering  catalog.Offering
	currency  money.Currency
	sum       money.Decimal // of the steps so far, as they are shown
}

// Of tells why a use cost what it did, by the offering version whose prices were
// applied; that is not looked at where nothing was charged.
func Of(r ui.Reader, e *history.Explained, o catalog.Offering, profile account.Profile) View {
	v := View{What: useWords(r, e.Use), Quantity: QuantityOf(r, e.Kind, e.Quantity), When: r.DateTime(e.Start), Charged: e.Charged, Title: r.T("why.title.free")}
	if e.End.After(e.Start) {
		v.When = r.T("why.when", "from", r.DateTime(e.Start), "to", r.Clock(e.End))
	}
	if !e.Charged {
		return v
	}
	x := explainer{Reader: r, explained: e, offering: o, currency: e.Price.Currency()}
	if !e.Price.IsZero() {
		v.Title = r.T("why.title", "amount", r.Cost(e.Now()))
	}
	title := r.T("why.plan")
	if o.OnTop() {
		title = r.T("why.option")
	}
	v.Steps = append(v.Steps, Step{Title: title, More: o.Names.In(r.Locale.Language)})
	for _, step := range e.Why {
		v.Steps = append(v.Steps, x.step(step))
		x.addUp(step)
	}
	v.Segments, v.Bar = x.segments()
	v.Steps = append(v.Steps, x.corrections()...)
	v.SumLabel, v.Sum = r.T("why.sum.bill"), r.Exact(e.Now())
	if o.Billing == catalog.Prepaid {
		v.SumLabel = r.T("why.sum")
	}
	if tax := e.TaxNow(); !tax.IsZero() && profile.PricesIncludeTax {
		v.Tax = r.Exact(tax)
	}
	v.TaxLater = !profile.PricesIncludeTax && !e.Price.IsZero() && o.Billing == catalog.Postpaid
	return v
}

// corrections tell the first price and what has set it right since, with the
// reasons that were given.
func (x explainer) corrections() []Step {
	if len(x.explained.Corrections) == 0 {
		return nil
	}
	steps := []Step{{Title: x.T("replay.first"), Amount: x.Exact(*x.explained.Price)}}
	for _, c := range x.explained.Corrections {
		steps = append(steps, Step{Title: x.T("replay.corrected", "at", x.Short(c.At)), More: c.Reason, Amount: x.Exact(c.Price)})
	}
	return steps
}

func useWords(r ui.Reader, u history.Use) string {
	words := r.T("usage." + string(u.Kind))
	if u.Destination != "" && u.Kind != usage.Data {
		words += " " + r.T("usage.to", "destination", Readable(u.Destination))
	}
	return words
}

func (x explainer) exact(d money.Decimal) string { return x.Exact(money.New(d, x.currency)) }

func (x explainer) units(n int64, unit money.Unit) string {
	if unit == "" {
		unit = x.explained.Unit
	}
	return x.Quantity(money.NewDecimal(n), unit)
}

// step tells one step. Which fields it has follows from its op (rating.Step).
func (x explainer) step(s rating.Step) Step {
	switch s.Op {
	case rating.OpRule:
		return Step{Title: x.T("why.rule"), More: x.ruleWords(s)}
	case rating.OpRoundUp:
		return Step{Title: x.T("why.round"), More: x.T("why.round.more", "asked", x.units(s.Asked, s.Unit), "units", x.units(s.Units, s.Unit))}
	case rating.OpCover:
		if !s.Amount.IsZero() {
			return Step{Title: x.T("why.cover"), More: x.T("why.cover.units", "units", x.units(s.Units, s.Unit), "bucket", x.bucket(s.Bucket), "given", x.Quantity(s.Amount, s.Unit)), Amount: x.exact(money.Decimal{})}
		}
		return Step{Title: x.T("why.cover"), More: x.T("why.cover.more", "units", x.units(s.Units, s.Unit), "bucket", x.bucket(s.Bucket)), Amount: x.exact(money.Decimal{})}
	case rating.OpFee:
		return Step{Title: x.T("why.fee"), Amount: x.in(s, s.Amount)}
	case rating.OpUse:
		return x.use(s)
	case rating.OpTier:
		return Step{Title: x.T("why.tier"), Amount: x.in(s, s.Amount), More: x.T("why.tier.more", "units", x.units(s.Units, s.Unit),
			"from", x.units(s.CounterFrom, s.Unit), "to", x.units(s.CounterFrom+s.Units, s.Unit))}
	case rating.OpMinimum:
		return Step{Title: x.T("why.minimum"), Amount: x.exact(s.Amount)}
	case rating.OpCap:
		return Step{Title: x.T("why.cap"), Amount: x.exact(s.Amount)}
	case rating.OpLess:
		return Step{Title: x.T("why.less"), More: x.T("why.less.more"), Amount: x.exact(s.Amount.Neg())}
	case rating.OpTotal:
		return x.rounding(s)
	case rating.OpPay:
		return x.pay(s)
	}
	return x.more(s)
}

func (x explainer) ruleWords(s rating.Step) string {
	name, rule, _ := RuleNamed(x.offering, s.Rule, x.Locale.Language)
	if s.Prefix == "" {
		return name
	}
	if s.Zone != "" {
		return x.T("why.rule.zone", "rule", name, "prefix", s.Prefix, "zone", s.Zone)
	}
	if where := whereTo(x.offering, rule, s.Prefix, x.Locale.Language); where != "" {
		return x.T("why.rule.to", "rule", name, "prefix", s.Prefix, "where", where)
	}
	return x.T("why.rule.prefix", "rule", name, "prefix", s.Prefix)
}

// addUp keeps the sum of what the steps show, which rounding then changes.
func (x *explainer) addUp(s rating.Step) {
	switch s.Op {
	case rating.OpFee, rating.OpTier, rating.OpEvent, rating.OpUse:
		if s.Currency == "" { // else the exchange adds it
			x.sum = x.sum.Add(costOf(s))
		}
	case rating.OpPercent, rating.OpConvert, rating.OpOwnFee, rating.OpOwnUse:
		x.sum = x.sum.Add(costOf(s))
	case rating.OpLess:
		x.sum = x.sum.Sub(s.Amount)
	case rating.OpMinimum, rating.OpCap:
		x.sum = s.Amount
	}
}

func (x explainer) rounding(s rating.Step) Step {
	by := s.Amount.Sub(x.sum)
	more := x.T("why.total.none")
	if !by.IsZero() {
		more = x.T("why.total.more", "digits", x.Number(money.NewDecimal(int64(s.Digits))))
	}
	return Step{Title: x.T("why.total"), More: more, Amount: x.exact(by)}
}

// costOf is what a stretch cost, to the ledger's scale; the whole is rounded
// once, later.
func costOf(s rating.Step) money.Decimal {
	if s.Op != rating.OpUse && s.Op != rating.OpOwnUse {
		return s.Amount
	}
	if s.Per.Base() <= 0 {
		return money.Decimal{} // no such price is published
	}
	cost, err := s.Price.MulDiv(money.NewDecimal(s.Units), money.NewDecimal(s.Per.Base()), money.Scale, money.HalfAwayFromZero)
	if err != nil {
		return money.Decimal{} // only a division by zero fails
	}
	return cost
}

// use tells a stretch. In an event that begins under an option some may have the
// plan's own price, and the other way round.
func (x explainer) use(s rating.Step) Step {
	name, _, found := RuleNamed(x.offering, s.Rule, x.Locale.Language)
	switch {
	case s.Option != "" && s.Option != x.offering.Code:
		name = x.T("why.use.option", "option", s.Option)
	case s.Option == "" && x.offering.OnTop():
		name = x.T("why.use.plan")
	case !found:
		name = x.T("why.use.title")
	}
	view := Step{Title: name, More: x.T("why.use", "units", x.units(s.Units, s.Unit), "price", x.in(s, s.Price), "per", x.Per(s.Per))}
	if s.At > 0 {
		view.Title += ", " + x.T("why.use.from", "at", x.units(s.At, s.Unit))
	}
	view.Amount = x.in(s, costOf(s))
	return view
}

func (x explainer) pay(s rating.Step) Step {
	if s.Amount.Sign() < 0 {
		return Step{Title: x.T("why.pay.back"), More: x.bucket(s.Bucket), Amount: x.exact(s.Amount.Neg())}
	}
	return Step{Title: x.T("why.pay"), More: x.bucket(s.Bucket), Amount: x.exact(s.Amount)}
}

func (x explainer) bucket(id uuid.UUID) string {
	b, found := x.explained.Buckets[id]
	if found && b.Origin == balance.Main {
		return x.T("why.bucket.main")
	}
	if allowance, known := AllowanceNamed(x.offering, b.Code); known {
		return allowance.Names.In(x.Locale.Language)
	}
	return x.T("why.bucket.other")
}

// segments draws the parts a use went through: what an allowance covered, and
// each stretch with a price of its own. One part alone tells nothing.
func (x explainer) segments() (parts []Segment, words string) {
	type part struct {
		label string
		units int64
	}
	var found []part
	var all int64
	for _, s := range x.explained.Why {
		switch s.Op {
		case rating.OpCover:
			found = append(found, part{x.T("why.covered"), s.Units})
		case rating.OpUse:
			name, _, _ := RuleNamed(x.offering, s.Rule, x.Locale.Language)
			found = append(found, part{name, s.Units})
		default:
			continue
		}
		all += s.Units
	}
	if len(found) < 2 || all <= 0 {
		return nil, ""
	}
	var before int64
	var told []string
	for i, p := range found {
		label := p.label + ", " + x.units(p.units, "")
		parts = append(parts, Segment{X: ui.Share(money.NewDecimal(before), money.NewDecimal(all)), Width: ui.Share(money.NewDecimal(p.units), money.NewDecimal(all)),
			Label: label, Soft: i%2 == 1})
		told = append(told, label)
		before += p.units
	}
	return parts, x.T("why.bar", "parts", strings.Join(told, "; "))
}
