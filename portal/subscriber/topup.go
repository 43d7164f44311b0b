package subscriber

import (
	"context"
	"net/http"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// topUpView is the form that adds to a prepaid balance.
type topUpView struct {
	Balance    money.Amount
	Below      bool
	Available  string // what running sessions leave of it; "" where they hold nothing
	Currency   string // its sign
	Example    string
	Typed      string
	Fault      string
	Understood string
	Key        string
	Base       string
}

func newTopUp(r ui.Reader, f *facts) *topUpView {
	view := emptyTopUp(r, f.account.Currency)
	view.Balance = money.Zero(f.account.Currency)
	for _, b := range f.buckets {
		if b.Origin == "main" {
			view.Balance = f.amount(b.Value)
		}
	}
	view.Below = view.Balance.RoundToDocument().Sign() < 0
	if f.standing.Reserved.Sign() > 0 {
		view.Available = r.T("topup.available", "available", r.Money(f.amount(f.standing.Available())), "reserved", r.Money(f.amount(f.standing.Reserved)))
	}
	return view
}

func emptyTopUp(r ui.Reader, c money.Currency) *topUpView {
	example := money.DecimalOf(2000, c.DocumentDigits())
	if c.DocumentDigits() == 0 {
		example = money.NewDecimal(50_000)
	}
	return &topUpView{Currency: r.Locale.Symbol(c), Example: r.Locale.FormatFigure(money.New(example, c)), Key: newKey()}
}

// topUp begins a card payment into the balance.
func topUp(v *web.Visit) error {
	a, err := currentAccount(v)
	if err != nil {
		return err
	}
	form := emptyTopUp(v.Reader, a.Currency)
	form.Typed = v.Form("amount")
	amount, err := ui.ParseAmount(form.Typed, a.Currency, v.Reader.Locale)
	if err != nil {
		form.Fault = v.Reader.T("topup.not", "example", form.Example)
		return showHome(v, http.StatusUnprocessableEntity, nil, form)
	}
	if most := payment.Ceiling(a.Currency); amount.Decimal().Cmp(most.Decimal()) > 0 {
		form.Fault = v.Reader.T("topup.most", "amount", v.Reader.Money(most))
		return showHome(v, http.StatusUnprocessableEntity, nil, form)
	}
	return checkout(v, payment.NewIntent{Purpose: payment.PurposeTopUp, Amount: amount}, form)
}

// understand tells, while somebody types, what amount would be paid.
func understand(v *web.Visit) error {
	if !v.Part("understood") {
		return v.Redirect(v.Base)
	}
	a, err := currentAccount(v)
	if err != nil {
		return err
	}
	typed := v.Query("amount")
	words := ""
	if amount, err := ui.ParseAmount(typed, a.Currency, v.Reader.Locale); err == nil {
		words = v.Reader.T("topup.understood", "amount", v.Reader.Money(amount))
	} else if typed != "" {
		words = v.Reader.T("topup.not", "example", emptyTopUp(v.Reader, a.Currency).Example)
	}
	return v.Show(http.StatusOK, understood(words))
}

func currentAccount(v *web.Visit) (a account.Account, err error) {
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		a, err = ownAccount(ctx, tx, v)
		return err
	})
	return a, err
}

func ownAccount(ctx context.Context, tx tenant.Tx, v *web.Visit) (account.Account, error) {
	return account.Get(ctx, tx, v.Who.AccountID)
}
