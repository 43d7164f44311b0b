package desk

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/billing/audit"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// redeemForm turns a voucher into balance for a subscriber who reads its PIN out.
func redeemForm(v *web.Visit, p *person) form {
	r := v.Reader
	f := p.form(v, "voucher")
	f.lead = r.T("desk.voucher.lead")
	f.fields = []control{{Field: ui.Field{ID: "pin", Label: r.T("desk.voucher.pin"), Hint: r.T("desk.voucher.pin.hint"), InputMode: "numeric",
		Autocomplete: "off", MaxLength: "60", Autofocus: true}}}
	f.submit = r.T("desk.voucher.do")
	return f
}

func showRedeem(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return redeemForm(v, p).show(v, http.StatusOK)
}

// pinFaults are what is told beside the PIN. Which of several things is wrong
// with one that opens nothing is told nobody, so that none can be guessed.
var pinFaults = []struct {
	err error
	key string
}{
	{voucher.ErrTooMany, "many"}, {voucher.ErrUsed, "used"}, {voucher.ErrExpired, "expired"}, {voucher.ErrPIN, "wrong"},
	{voucher.ErrCurrency, "currency"}, {payment.ErrPurpose, "postpaid"},
}

// sendRedeem redeems in transactions of its own, so that a wrong try stays
// counted. The form's key names it; its audit row stands with it.
func sendRedeem(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	f := redeemForm(v, p)
	note := func(ctx context.Context, tx tenant.Tx, paid payment.Payment) error {
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: "voucher.redeem", Object: "account", ObjectID: p.ID,
			Detail: map[string]any{"account": p.Number, "amount": paid.Amount.Text()}})
	}
	_, err = v.Stack.RedeemVoucher(v.Context(), voucher.Redemption{ID: command.ID(v), AccountID: p.ID, PIN: v.Form("pin"), By: v.Who.Actor(), Note: note}, v.Address())
	for _, fault := range pinFaults {
		if errors.Is(err, fault.err) {
			f.fields[0].Error = v.Reader.T("desk.voucher.pin." + fault.key)
			return f.show(v, http.StatusUnprocessableEntity)
		}
	}
	if err != nil {
		return err
	}
	return v.Lead(v.Console(p.path(""), "done", "redeemed"))
}
