package explain

import (
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// more tells the steps that few plans have.
func (x explainer) more(s rating.Step) Step {
	switch s.Op {
	case rating.OpBlock:
		return Step{Title: x.T("why.block"), More: x.T("why.block.more", "bucket", x.bucket(s.Bucket))}
	case rating.OpEvent:
		return Step{Title: x.T("why.event"), Amount: x.in(s, s.Amount)}
	case rating.OpPercent:
		return Step{Title: x.T("why.percent"), More: x.T("why.percent.more", "percent", x.Number(s.Percent), "amount", x.exact(s.Price)), Amount: x.exact(s.Amount)}
	case rating.OpConvert:
		return Step{Title: x.T("why.convert"), Amount: x.exact(s.Amount),
			More: x.T("why.convert.more", "amount", x.in(s, s.Price), "from", string(s.RateFrom), "rate", x.Number(s.Rate), "day", x.Date(s.RateDay))}
	case rating.OpOwnFee:
		return Step{Title: x.T("why.ownfee", "bucket", x.bucket(s.Bucket)), Amount: x.exact(s.Amount)}
	case rating.OpOwnUse:
		return Step{Title: x.T("why.ownuse", "bucket", x.bucket(s.Bucket)), Amount: x.exact(costOf(s)),
			More: x.T("why.use", "units", x.units(s.Units, s.Unit), "price", x.exact(s.Price), "per", x.Per(s.Per))}
	}
	return Step{Title: string(s.Op), More: s.String()}
}

// in writes an amount in the step's currency: that of the price, unless the
// step says another.
func (x explainer) in(s rating.Step, d money.Decimal) string {
	if s.Currency != "" {
		if c, err := s.Currency.Currency(); err == nil {
			return x.Exact(money.New(d, c))
		}
	}
	return x.exact(d)
}
