package staff

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/leaving"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// shownMonths is how many months a draft's page reckons ahead.
const shownMonths = 6

// contractView is one contract.
type contractView struct {
	ui.ConsolePage
	Path, Operator, OperatorHref string
	State, Todo                  string
	Tone                         ui.Tone
	Standing                     contract.State
	IsLease, MayWrite            bool
	Edit                         string // address of the draft's form
	Facts                        []fact
	Plan                         []leaseRow
	Ahead                        []aheadRow
	Price                        *priceView // of a buy-out on the day that was asked for
	Charges                      []chargeRow
	Totals                       totalsView
	End, BuyOut, Credit, Renew   form
	Done                         string
}

type leaseRow struct{ No, Due, Interest, Principal, Amount, Outstanding string }

type aheadRow struct {
	Month string
	Lines []fact
	Total string
}

type priceView struct{ On, OnText, Outstanding, Interest, Fee, Price, Agreed string }

type chargeRow struct{ What, Period, How, Amount, Carried string }

type totalsView struct {
	Month, Earlier, Later string
	Days                  []totalRow
	Missing               string
	Renewed               []string // from which days on it was heard anew, and why
}

type totalRow struct{ Day, Collected, Cumulative, Seal string }

func contractID(v *web.StaffVisit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("contract"))
	if err != nil {
		return uuid.Nil, tenants.ErrNotFound
	}
	return id, nil
}

func (p pages) contract(v *web.StaffVisit) error {
	return p.showContract(v, contractView{Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showContract(v *web.StaffVisit, view contractView, status int) error {
	id, err := contractID(v)
	if err != nil {
		return err
	}
	r := v.Reader
	var c contract.Contract
	var o tenants.Operator
	var charges []contract.HouseCharge
	var totals contract.TotalsOfMonth
	var renewed []contract.Renewal
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if c, err = contract.Get(ctx, tx, id); err != nil {
			return err
		}
		if o, err = tenants.GetOperator(ctx, tx, c.Operator); err != nil {
			return err
		}
		if charges, err = contract.Charges(ctx, tx, c.Operator); err != nil {
			return err
		}
		if renewed, err = contract.Renewals(ctx, tx, c.Operator); err != nil {
			return err
		}
		day, err := calendar.ParseDate(v.Query("month"))
		if err != nil {
			if day, err = contract.LastTotal(ctx, tx, c.Operator); err != nil {
				return err
			}
			if day.IsZero() {
				day = r.LocalDate(v.At())
			}
		}
		totals, err = contract.ReadMonth(ctx, tx, o, contract.Month(day))
		return err
	})
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, contractsSection, r.T("contract.of", "name", o.DisplayName)); err != nil {
		return err
	}
	view.fill(v, c, o)
	for _, h := range charges {
		if h.Contract == c.ID {
			view.Charges = append(view.Charges, chargeRowOf(r, h))
		}
	}
	view.Totals = totalsOf(v, view.Path, totals)
	for _, n := range renewed {
		view.Totals.Renewed = append(view.Totals.Renewed, r.T("contract.renewed", "from", r.Date(n.From), "at", r.DateTime(n.At), "days", whole(r, n.Days), "reason", n.Reason))
	}
	if on, err := calendar.ParseDate(v.Query("on")); err == nil && view.BuyOut.values == nil {
		view.BuyOut = newForm(map[string]string{"on": on.String()})
		price, err := c.BuyOutOn(on)
		switch {
		case err == nil:
			view.Price = &priceView{On: on.String(), OnText: r.Date(on), Outstanding: r.Money(price.Outstanding), Interest: r.Money(price.Interest), Fee: r.Money(price.Fee),
				Price: r.Money(price.Price()), Agreed: price.Price().Text()}
		case !view.BuyOut.refusedContract(r, err):
			return err
		}
	}
	for _, f := range []*form{&view.End, &view.BuyOut} {
		if f.values == nil {
			*f = newForm(nil)
		}
	}
	for _, f := range []*form{&view.Credit, &view.Renew} {
		if f.values == nil {
			*f = newForm(map[string]string{"key": uuid.NewString()})
		}
	}
	return v.Show(status, contractPage(view))
}

func (w *contractView) fill(v *web.StaffVisit, c contract.Contract, o tenants.Operator) {
	r := v.Reader
	w.Path, w.Operator, w.OperatorHref = v.URL("contracts/"+c.ID.String()), o.DisplayName, v.URL("operators/"+o.ID.String())
	w.State, w.Tone, w.Standing, w.Todo = r.T("contract.state."+string(c.State)), contractTones[c.State], c.State, r.T("contract.next."+string(c.State))
	w.IsLease, w.MayWrite = c.Terms.Lease != nil, v.May(tenants.ContractWrite)
	w.Edit = v.URL("contracts/new", "contract", c.ID.String())
	w.Facts = termFacts(r, c)
	preview := c.Preview(shownMonths, nil)
	for _, i := range preview.Plan {
		w.Plan = append(w.Plan, leaseRow{whole(r, int64(i.No)), r.Date(i.Due), r.Money(i.Interest), r.Money(i.Principal), r.Money(i.Amount()), r.Money(i.Outstanding)})
	}
	if c.State != contract.Draft {
		return
	}
	for _, m := range preview.Months {
		row := aheadRow{Month: r.Date(m.Month.From), Total: r.Money(m.Total)}
		for _, charge := range m.Charges {
			row.Lines = append(row.Lines, fact{Name: chargeWords(r, charge), Text: r.Money(charge.Amount)})
		}
		w.Ahead = append(w.Ahead, row)
	}
}

// termFacts are what was agreed, in words.
func termFacts(r ui.Reader, c contract.Contract) []fact {
	var facts []fact
	add := func(key, text string) {
		if text != "" {
			facts = append(facts, fact{Name: r.T("contract.field." + key), Text: text})
		}
	}
	add("model", r.T("contract.model."+string(c.Model)))
	add("place", r.T("contract.place."+string(c.Place)))
	add("from", r.Date(c.From))
	if !c.Until.IsZero() {
		add("until", r.Date(c.Until))
	}
	if !c.PassedOn.IsZero() {
		add("passed_on", r.Date(c.PassedOn))
	}
	add("reference", c.Reference)
	add("reason", c.Reason)
	if t := c.Terms.Rent; t != nil {
		add("rent_setup", r.Money(t.Setup))
		add("rent_monthly", r.Money(t.Monthly))
	}
	if t := c.Terms.Lease; t != nil {
		add("lease_price", r.Money(t.Price))
		add("lease_upfront", r.Money(t.Upfront))
		add("lease_months", whole(r, int64(t.Months)))
		add("lease_yearly", r.Number(t.Yearly)+" %")
		add("lease_early_fee", r.Number(t.EarlyFee)+" %")
	}
	if t := c.Terms.Share; t != nil {
		add("share_minimum", r.Money(t.Minimum))
		var tiers []string
		for _, tier := range t.Tiers {
			if tier.UpTo != nil {
				tiers = append(tiers, r.T("contract.tier.upto", "amount", r.Money(*tier.UpTo), "percent", r.Number(tier.Percent)))
			} else {
				tiers = append(tiers, r.T("contract.tier.rest", "percent", r.Number(tier.Percent)))
			}
		}
		add("share_tiers", strings.Join(tiers, "; "))
	}
	if t := c.Terms.Licence; t != nil {
		add("licence_price", r.Money(t.Price))
		add("licence_support", r.Money(t.Support))
	}
	return facts
}

func chargeWords(r ui.Reader, c contract.Charge) string {
	if text := c.Words[r.Locale.Language]; text != "" {
		return text
	}
	return c.Words["en"]
}

func chargeRowOf(r ui.Reader, h contract.HouseCharge) chargeRow {
	row := chargeRow{What: chargeWords(r, h.Charge), Period: r.Date(h.Period.From) + " – " + r.Date(h.Period.To.AddDays(-1)), Amount: r.Money(h.Amount)}
	var how []string
	d := h.Detail
	if d.Days > 0 {
		how = append(how, r.N("contract.how.days", int64(d.Days)))
	}
	if d.Base != nil {
		how = append(how, r.T("contract.how.base", "amount", r.Money(*d.Base)))
	}
	if d.Share != nil {
		how = append(how, r.T("contract.how.share", "amount", r.Money(*d.Share)))
	}
	if d.Minimum != nil {
		how = append(how, r.T("contract.how.minimum", "amount", r.Money(*d.Minimum)))
	}
	if len(d.Missing) > 0 {
		how = append(how, r.N("contract.how.missing", int64(len(d.Missing))))
	}
	row.How = strings.Join(how, "; ")
	switch {
	case h.CarriedAt != nil:
		row.Carried = r.T("contract.carried", "at", r.DateTime(*h.CarriedAt))
	case h.Reason != "":
		row.Carried = r.T("contract.stuck", "reason", h.Reason)
	default:
		row.Carried = r.T("contract.waits")
	}
	return row
}

func totalsOf(v *web.StaffVisit, path string, m contract.TotalsOfMonth) totalsView {
	r := v.Reader
	view := totalsView{Month: r.Date(m.Month.From) + " – " + r.Date(m.Month.To.AddDays(-1)), Earlier: path + "?month=" + m.Month.From.AddMonths(-1).String() + "#totals", Later: path + "?month=" + m.Month.To.String() + "#totals"}
	missing := m.Missing
	for _, t := range m.Totals {
		for len(missing) > 0 && missing[0].Before(t.Day) {
			view.Days = append(view.Days, totalRow{Day: r.Date(missing[0])})
			missing = missing[1:]
		}
		view.Days = append(view.Days, totalRow{Day: r.Date(t.Day), Collected: r.Money(t.Collected), Cumulative: r.Money(t.Cumulative), Seal: whole(r, t.HeadSeq)})
	}
	for _, d := range missing {
		view.Days = append(view.Days, totalRow{Day: r.Date(d)})
	}
	if len(m.Missing) > 0 {
		view.Missing = r.N("contract.missing", int64(len(m.Missing)))
	}
	return view
}

// actOnContract does something with a contract and shows it again.
func (p pages) actOnContract(v *web.StaffVisit, f *form, show func() contractView, done string, act func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error) error {
	id, err := contractID(v)
	if err != nil {
		return err
	}
	if !f.wrong() {
		err := p.write(v, func(ctx context.Context, tx tenants.Tx) error { return act(ctx, tx, id) })
		if err != nil && !f.refusedContract(v.Reader, err) {
			return err
		}
	}
	if f.wrong() {
		return p.showContract(v, show(), http.StatusUnprocessableEntity)
	}
	return v.Redirect(v.URL("contracts/"+id.String(), "done", done))
}

func (p pages) beginContract(v *web.StaffVisit) error {
	f := newForm(map[string]string{})
	return p.actOnContract(v, &f, func() contractView { return contractView{End: f} }, "begun", func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error {
		_, err := contract.Begin(ctx, tx, v.Who, id)
		return err
	})
}

func (p pages) withdrawContract(v *web.StaffVisit) error {
	f := newForm(map[string]string{})
	return p.actOnContract(v, &f, func() contractView { return contractView{End: f} }, "withdrawn", func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error {
		_, err := contract.Withdraw(ctx, tx, v.Who, id)
		return err
	})
}

func (p pages) endContract(v *web.StaffVisit) error {
	f := sent(v, "until", "reason")
	until, err := calendar.ParseDate(f.value("until"))
	if err != nil {
		f.fault("until", v.Reader.T("contract.want.until"))
	}
	return p.actOnContract(v, &f, func() contractView { return contractView{End: f} }, "ended", func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error {
		_, err := leaving.Leaver{TakeOuts: p.TakeOuts}.End(ctx, tx, v.Who, id, until, f.value("reason"))
		return err
	})
}

func (p pages) buyOutContract(v *web.StaffVisit) error {
	f := sent(v, "on", "price")
	on, err := calendar.ParseDate(f.value("on"))
	if err != nil {
		f.fault("on", v.Reader.T("contract.want.on"))
	}
	return p.actOnContract(v, &f, func() contractView { return contractView{BuyOut: f} }, "bought", func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error {
		c, err := contract.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		agreed, err := money.Parse(f.value("price"), c.Currency)
		if err != nil {
			return errors.Join(contract.ErrPrice, err)
		}
		_, err = leaving.Leaver{TakeOuts: p.TakeOuts}.BuyOut(ctx, tx, v.Who, id, on, agreed)
		return err
	})
}

func (p pages) creditContract(v *web.StaffVisit) error {
	f := sent(v, "key", "amount", "reason")
	key, err := uuid.Parse(f.value("key"))
	if err != nil {
		return tenants.ErrNotFound
	}
	return p.actOnContract(v, &f, func() contractView { return contractView{Credit: f} }, "credited", func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error {
		c, err := contract.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		amount, err := money.Parse(f.value("amount"), c.Currency)
		if err != nil {
			return &tenants.InvalidError{Fields: []tenants.FieldError{{Field: "amount", Want: "an amount in " + c.Currency.Code()}}}
		}
		return contract.GiveBack(ctx, tx, v.Who, contract.Credit{Key: key, Contract: id, Amount: amount, Reason: f.value("reason")}, v.Reader.LocalDate(v.At()))
	})
}

func (p pages) renewTotals(v *web.StaffVisit) error {
	f := sent(v, "key", "from", "reason")
	key, err := uuid.Parse(f.value("key"))
	if err != nil {
		return tenants.ErrNotFound
	}
	from, err := calendar.ParseDate(f.value("from"))
	if err != nil {
		f.fault("from", v.Reader.T("contract.want.from"))
	}
	return p.actOnContract(v, &f, func() contractView { return contractView{Renew: f} }, "renewed", func(ctx context.Context, tx tenants.Tx, id uuid.UUID) error {
		c, err := contract.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = contract.Renew(ctx, tx, v.Who, contract.Renewal{ID: key, Operator: c.Operator, From: from, Reason: f.value("reason")})
		return err
	})
}
