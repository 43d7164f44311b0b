package subscriber

import (
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
)

// leftView is what a subscriber has to use.
type leftView struct {
	Main    *levelView // drawn large
	Others  []levelView
	Money   []moneyView
	Waiting []waitingView
}

// levelView is one allowance.
type levelView struct {
	Name   string
	Level  ui.Level
	Share  string // of 100
	Spoken string
	Tone   ui.Tone
	Lines  []string // when it ends, and what happens then and when it is used up
	Hurry  bool     // the first line is to be looked at
}

// moneyView is a balance of money.
type moneyView struct {
	Name   string
	Amount money.Amount
	More   string
}

// waitingView is a package that is not paid yet.
type waitingView struct{ Title, More string }

// soonDays is when what will be gone is worth a second look.
const soonDays = 3

func leftOf(r ui.Reader, f *facts) leftView {
	var view leftView
	for i := range f.buckets {
		b := &f.buckets[i]
		if b.Unit == money.Point {
			continue // the wallet tells of them
		}
		if b.Unit.IsCurrency() {
			if !f.prepaid() || b.Origin != balance.Main { // that one is told on its own
				view.Money = append(view.Money, moneyViewOf(r, f, b))
			}
			continue
		}
		view.Others = append(view.Others, levelOf(r, f, b))
	}
	view.takeMain(f)
	view.Waiting = waitingOf(r, f)
	return view
}

// takeMain draws the largest allowance of data large, or else the first.
func (l *leftView) takeMain(f *facts) {
	main, at, most := -1, 0, money.Decimal{}
	for _, b := range f.buckets {
		if b.Unit.IsCurrency() || b.Unit == money.Point {
			continue
		}
		if b.Unit == money.Byte && b.Initial.Cmp(most) > 0 {
			main, most = at, b.Initial
		}
		at++
	}
	if len(l.Others) == 0 {
		return
	}
	main = max(main, 0)
	chosen := l.Others[main]
	l.Main = &chosen
	l.Others = append(l.Others[:main:main], l.Others[main+1:]...)
}

func levelOf(r ui.Reader, f *facts, b *balance.Bucket) levelView {
	offering := f.offeringOf(b)
	v := levelView{Name: bucketName(r, f, b), Level: r.Level(b.Value, b.Initial, b.Unit), Share: ui.Share(b.Value, b.Initial)}
	v.Spoken = r.T("left.spoken", "name", v.Name, "left", v.Level.Left, "of", v.Level.Of, "unit", v.Level.Unit)
	if b.Value.Mul(money.NewDecimal(5)).Cmp(b.Initial) < 0 {
		v.Tone = ui.Warn
	}
	if b.ExpiresAt != nil {
		v.Lines = append(v.Lines, ending(r, f, b))
		days := r.Today.DaysUntil(r.LocalDate(b.ExpiresAt.Add(-1)))
		v.Hurry = b.Origin != balance.Allowance && days <= soonDays
	}
	if b.Shared {
		v.Lines = append(v.Lines, r.T("left.shared"))
	}
	v.Lines = append(v.Lines, howUsed(r, offering, b)...)
	if b.Value.Sign() <= 0 {
		v.Lines = append(v.Lines, r.T("left.empty.now"))
	}
	if allowance, found := explain.AllowanceNamed(offering, b.Code); found {
		if then := afterwards(r, offering, allowance, f.account.Currency); then != "" {
			v.Lines = append(v.Lines, then)
		}
	}
	return v
}

// ending tells the last day of a balance and what comes after.
func ending(r ui.Reader, f *facts, b *balance.Bucket) string {
	last := r.LocalDate(b.ExpiresAt.Add(-1))
	text := r.T("left.until", "date", r.Date(last), "when", r.Until(last))
	if b.Rollover != nil {
		return text + " " + r.T("left.rolls", "date", r.Date(r.LocalDate(b.Rollover.Until.Add(-1))))
	}
	switch {
	case b.Origin != balance.Allowance || b.SubscriptionID == nil || b.RolledFrom != nil:
		return text + " " + r.T("left.ends")
	case f.prepaid():
		return text + " " + r.T("left.renews.paid")
	}
	return text + " " + r.T("left.renews")
}

func bucketName(r ui.Reader, f *facts, b *balance.Bucket) string {
	offering := f.offeringOf(b)
	if allowance, found := explain.AllowanceNamed(offering, b.Code); found {
		return allowance.Names.In(r.Locale.Language)
	}
	switch {
	case b.Unit == money.Point:
		return r.T("wallet.points")
	case b.Origin == balance.Promotion:
		return r.T("left.gift")
	case b.Origin == balance.Main:
		return r.T("left.money")
	}
	return b.Code
}

func moneyViewOf(r ui.Reader, f *facts, b *balance.Bucket) moneyView {
	v := moneyView{Name: bucketName(r, f, b), Amount: f.amount(b.Value), More: r.T("left.money.more")}
	if own, err := money.ParseCurrency(string(b.Unit)); err == nil {
		v.Amount = money.New(b.Value, own) // a gift may be in another currency
	}
	offering := f.offeringOf(b)
	if lines := howUsed(r, offering, b); len(lines) > 0 {
		v.More = strings.Join(lines, ". ") + "."
	}
	if b.ExpiresAt != nil {
		v.More += " " + ending(r, f, b)
	}
	return v
}

// howUsed tells what a balance is for, and how it gives what it holds.
func howUsed(r ui.Reader, o catalog.Offering, b *balance.Bucket) (lines []string) {
	words := explain.Words{Reader: r, Offering: o}
	if what := words.For(b); what != "" {
		lines = append(lines, r.T("kept.for", "what", what))
	}
	if allowance, found := explain.AllowanceNamed(o, b.Code); found {
		lines = append(lines, words.Gives(allowance)...)
	}
	return lines
}

// waitingOf lists packages whose fee for the present cycle is not paid: they
// start again by themselves when the balance covers it (charging.Renew).
func waitingOf(r ui.Reader, f *facts) []waitingView {
	var waiting []waitingView
	for _, s := range f.subscriptions {
		if !f.prepaid() || s.State != account.SubscriptionActive || s.ChargedThrough != nil && s.ChargedThrough.After(r.Today) {
			continue
		}
		fee := money.Decimal{}
		offering := f.offerings[s.OfferingID]
		for _, price := range offering.Prices.Recurring {
			fee = fee.Add(price.Amount)
		}
		if fee.Sign() > 0 {
			waiting = append(waiting, waitingView{
				Title: r.T("left.waiting", "name", offering.Names.In(r.Locale.Language)),
				More:  r.T("left.waiting.more", "price", r.Money(f.amount(fee))),
			})
		}
	}
	return waiting
}
