package desk

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func transfersOffered(ctx context.Context, tx tenant.Tx) (bool, error) {
	allowed, err := transfer.Get(ctx, tx)
	return allowed.Enabled, err
}

// transferForm gives of a subscriber's balance to another, because the
// subscriber asked a clerk for it.
func transferForm(v *web.Visit, p *person) form {
	r := v.Reader
	f := p.form(v, "transfer")
	f.back = v.Console(p.path("wallet"))
	f.lead = r.T("kept.transfer.lead")
	f.fields = []control{
		{Field: ui.Field{ID: "to", Label: r.T("wallet.to"), Hint: r.T("wallet.to.hint"), Value: v.Form("to"), InputMode: "tel", Autocomplete: "off", MaxLength: "60"}},
		{Field: ui.Field{ID: "amount", Label: r.T("wallet.give", "currency", r.Locale.Symbol(p.Currency)), Value: v.Form("amount"), InputMode: "decimal", Autocomplete: "off", MaxLength: "40"}},
		{Field: ui.Field{ID: "note", Label: r.T("wallet.note"), Value: v.Form("note"), Optional: true, Autocomplete: "off", MaxLength: "140"}},
	}
	f.submit = r.T("desk.form.next")
	return f
}

func showTransfer(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return transferForm(v, p).show(v, http.StatusOK)
}

func sendTransfer(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r, f := v.Reader, transferForm(v, p)
	o := transfer.Order{ID: command.ID(v), From: p.ID, Note: strings.TrimSpace(v.Form("note")), By: v.Who.Actor()}
	if o.Amount, err = ui.ParseAmount(v.Form("amount"), p.Currency, r.Locale); err != nil {
		f.fields[1].Error = r.T("desk.adjust.amount.not")
	}
	var name string
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		o.To, name, err = transfer.Find(ctx, tx, v.Form("to"))
		return err
	})
	switch {
	case errors.Is(err, transfer.ErrReceiver):
		f.fields[0].Error = r.T("wallet.to.not")
	case err != nil:
		return err
	case f.fields[1].Error == "":
		f.effects = []string{r.T("wallet.give.confirm", "amount", r.Money(o.Amount), "name", name, "number", strings.TrimSpace(v.Form("to")))}
		f.submit = r.T("wallet.transfer.do")
	}
	c := &command.Command{Action: "transfer.send", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount"), "to": o.To.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := v.Stack.SendMoney(ctx, tx, o)
		return v.Console(p.path("wallet"), "done", "wallet"), err
	}
	return f.settle(v, true, c, func(f *form, err error) bool { return transferFault(r, f, err) })
}

// transferFault puts a refusal beside its field.
func transferFault(r ui.Reader, f *form, err error) bool {
	limit := (*transfer.LimitError)(nil)
	switch {
	case errors.As(err, &limit):
		most := r.Money(limit.Most)
		if limit.Count > 0 {
			most = strconv.Itoa(limit.Count)
		}
		f.fields[1].Error = r.T("wallet.give.limit."+limit.Which, "most", most)
	case errors.Is(err, transfer.ErrReceiver), errors.Is(err, transfer.ErrSelf):
		f.fields[0].Error = r.T("wallet.to.not")
	case errors.Is(err, balance.ErrInsufficient):
		f.fields[1].Error = r.T("kept.refused.few")
	case errors.Is(err, transfer.ErrOff), errors.Is(err, transfer.ErrAmount):
		f.fields[1].Error = r.T("wallet.give.off")
	default:
		return false
	}
	return true
}

// autoForm is how the balance tops itself up from the card that is kept.
func autoForm(v *web.Visit, p *person, o *recharge.Order) form {
	r, sign := v.Reader, v.Reader.Locale.Symbol(p.Currency)
	f := p.form(v, "auto")
	f.back = v.Console(p.path("wallet"))
	f.lead = r.T("kept.auto.lead")
	plain := func(d money.Decimal) string { return r.Locale.FormatFigure(money.New(d, p.Currency)) }
	was := map[string]string{}
	if o != nil {
		was["amount"], was["day_limit"] = plain(o.Amount.Decimal()), plain(o.DayLimit)
		if o.Below != nil {
			was["below"] = plain(*o.Below)
		}
		if o.MonthDay != nil {
			was["month_day"] = strconv.Itoa(*o.MonthDay)
		}
	}
	field := func(id, key, mode string, optional bool) control {
		value := v.Form(id)
		if !sent(v) {
			value = was[id]
		}
		return control{Field: ui.Field{ID: id, Label: r.T("wallet.auto."+key, "currency", sign), Value: value, InputMode: mode, Optional: optional, Autocomplete: "off", MaxLength: "40"}}
	}
	f.fields = []control{field("amount", "amount", "decimal", false), field("below", "below", "decimal", true), field("month_day", "day", "numeric", true), field("day_limit", "limit", "decimal", false)}
	f.submit = r.T("wallet.auto.do")
	return f
}

func showAuto(v *web.Visit) error {
	p, o, err := loadOrder(v)
	if err != nil {
		return err
	}
	return autoForm(v, p, o).show(v, http.StatusOK)
}

// loadOrder reads the account and how it tops itself up; nil for not at all.
func loadOrder(v *web.Visit) (p *person, o *recharge.Order, err error) {
	if p, err = load(v); err != nil {
		return nil, nil, err
	}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		known, err := recharge.Get(ctx, tx, p.ID)
		if err == nil {
			o = &known
		}
		if errors.Is(err, recharge.ErrNone) {
			return nil
		}
		return err
	})
	return p, o, err
}

func sendAuto(v *web.Visit) error {
	p, known, err := loadOrder(v)
	if err != nil {
		return err
	}
	r, f := v.Reader, autoForm(v, p, known)
	o := recharge.Order{AccountID: p.ID, By: v.Who.Actor()}
	read := func(n int) (a money.Amount) {
		if f.fields[n].Value == "" && f.fields[n].Optional {
			return a
		}
		a, err := ui.ParseAmount(f.fields[n].Value, p.Currency, r.Locale)
		if err != nil {
			f.fields[n].Error = r.T("wallet.give.not")
		}
		return a
	}
	o.Amount, o.DayLimit = read(0), read(3).Decimal()
	if below := read(1); below.Sign() > 0 {
		d := below.Decimal()
		o.Below = &d
	}
	if typed := strings.TrimSpace(f.fields[2].Value); typed != "" {
		day, err := strconv.Atoi(typed)
		if err != nil || day < 1 || day > 31 {
			f.fields[2].Error = r.T("wallet.auto.day.not")
		}
		o.MonthDay = &day
	}
	c := &command.Command{Action: "auto_topup.set", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := recharge.Set(ctx, tx, o)
		return v.Console(p.path("wallet"), "done", "wallet"), err
	}
	return f.settle(v, false, c, func(f *form, err error) bool { return autoFault(r, f, err) })
}

func autoFault(r ui.Reader, f *form, err error) bool {
	field := (*account.FieldError)(nil)
	switch {
	case errors.Is(err, payment.ErrNoMethod):
		f.refused = r.T("kept.auto.nocard")
	case errors.Is(err, recharge.ErrPostpaid):
		f.refused = r.T("wallet.pin.postpaid")
	case errors.As(err, &field) && field.Field == "below":
		f.fields[1].Error = r.T("wallet.auto.when")
	case errors.As(err, &field) && field.Field == "day_limit":
		f.fields[3].Error = r.T("wallet.auto.limit.not")
	case errors.As(err, &field):
		f.fields[0].Error = r.T("wallet.give.not")
	default:
		return false
	}
	return true
}
