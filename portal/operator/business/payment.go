package business

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// paymentView is one payment as it is drawn.
type paymentView struct {
	list, done  string
	facts       []fact
	allocations []allocationRow
	refunds     []refundRow
	refund      *refundForm
	why         string // nothing can be refunded, and why
	faults      []ui.Fault
}

type fact struct{ name, value, href string }
type allocationRow struct{ number, href, amount, at string }
type refundRow struct {
	amount, reason, at, by, state string
	tone                          ui.Tone
}

// refundForm gives money back.
type refundForm struct {
	action, left   string
	amount, reason ui.Field
	open           bool
	key            string
}

// loaded is what is known of a payment.
type loaded struct {
	payment.Payment
	account     account.Account
	party       account.Party
	allocations []payment.Allocation
	refunds     []payment.Refund
	intent      *payment.Intent
}

func loadPayment(v *web.Visit, id uuid.UUID) (p loaded, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if p.Payment, err = payment.Get(ctx, tx, id); err != nil {
			return err
		}
		if p.account, err = account.Get(ctx, tx, p.AccountID); err != nil {
			return err
		}
		if p.party, err = account.GetParty(ctx, tx, p.account.PartyID); err != nil {
			return err
		}
		if p.allocations, err = payment.Allocations(ctx, tx, id); err != nil {
			return err
		}
		if p.refunds, err = payment.Refunds(ctx, tx, id); err != nil || p.IntentID == nil {
			return err
		}
		intent, err := payment.GetIntent(ctx, tx, *p.IntentID)
		p.intent = &intent
		return err
	})
	return p, err
}

func showPayment(v *web.Visit) error { return answerPayment(v, http.StatusOK, "", "") }

func answerPayment(v *web.Visit, status int, amountFault, reasonFault string) error {
	p, err := loadPayment(v, parseID(v.Param("payment")))
	if err != nil {
		return err
	}
	r := v.Reader
	page := &paymentView{list: v.Console("payments"), facts: factsOf(v, p)}
	switch v.Query("done") {
	case "refund":
		page.done = r.T("biz.refund.done")
	case "recorded":
		page.done = r.T("biz.pay.recorded")
	}
	for _, a := range p.allocations {
		row := allocationRow{number: a.Number, amount: r.Money(a.Amount), at: r.Short(a.At)}
		if a.BillID != uuid.Nil {
			row.href = v.Console("bills/" + a.BillID.String())
		}
		page.allocations = append(page.allocations, row)
	}
	for _, refund := range p.refunds {
		page.refunds = append(page.refunds, refundRow{r.Money(refund.Amount), refund.Reason, r.Short(refund.CreatedAt), actorWords(r, refund.By),
			r.T("biz.refund.state." + string(refund.State)), map[payment.RefundState]ui.Tone{payment.RefundRequested: ui.Info, payment.RefundSucceeded: ui.OK, payment.RefundFailed: ui.Bad}[refund.State]})
	}
	switch {
	case !v.May(identity.RefundWrite):
	case p.Refundable().Sign() <= 0:
		page.why = r.T("biz.refund.nothing")
	default:
		page.refund = &refundForm{action: v.Console("payments/" + p.ID.String() + "/refund"), left: r.Money(p.Refundable()), key: command.NewKey(), open: amountFault+reasonFault != "",
			amount: amountField(v, "amount", v.Form("amount"), amountFault, p.Amount.Currency()),
			reason: ui.Field{ID: "reason", Label: r.T("biz.reason"), Hint: r.T("biz.refund.reason"), Value: v.Form("reason"), MaxLength: "200", Error: reasonFault}}
		page.faults = ui.FaultsOf(page.refund.amount, page.refund.reason)
	}
	return v.Show(status, paymentPage(frame.Of(v, frame.Payments, r.T("biz.pay.of", "amount", r.Money(p.Amount))), page))
}

func factsOf(v *web.Visit, p loaded) []fact {
	r := v.Reader
	facts := []fact{
		{r.T("biz.account"), p.account.Number + " · " + p.party.Name, v.Console("subscribers/" + p.AccountID.String())},
		{r.T("biz.pay.received"), r.DateTime(p.ReceivedAt), ""},
		{r.T("biz.pay.method"), r.T("biz.method." + string(p.Method)), ""},
		{r.T("biz.pay.purpose"), r.T("biz.purpose." + string(p.Purpose)), ""},
		{r.T("biz.amount.plain"), r.Money(p.Amount), ""},
		{r.T("biz.pay.kept"), r.Money(p.Unapplied), ""},
		{r.T("biz.pay.refunded"), r.Money(p.Refunded), ""},
	}
	if p.Reference != "" {
		facts = append(facts, fact{r.T("biz.pay.reference"), p.Reference, ""})
	}
	facts = append(facts, fact{r.T("biz.pay.by"), actorWords(r, p.By), ""})
	if p.intent != nil {
		facts = append(facts, fact{r.T("biz.pay.provider"), p.intent.Provider + " " + p.intent.ProviderRef, ""})
	}
	return facts
}

// actorWords tells by what sort of caller something was done: people's names
// are on the audit page.
func actorWords(r ui.Reader, actor string) string {
	kind, _, _ := strings.Cut(actor, ":")
	key := "biz.actor." + kind
	if words := r.T(key); words != key {
		return words
	}
	return actor
}

// refundPayment gives a part or all of a payment back.
func refundPayment(v *web.Visit) error {
	id, r := parseID(v.Param("payment")), v.Reader
	var paid payment.Payment
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		paid, err = payment.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	var amountFault, reasonFault string
	amount, err := ui.ParseAmount(v.Form("amount"), paid.Amount.Currency(), r.Locale)
	if err != nil {
		amountFault = r.T("biz.amount.not")
	}
	reason := strings.TrimSpace(v.Form("reason"))
	if reason == "" {
		reasonFault = r.T("biz.reason.missing")
	}
	if amountFault+reasonFault != "" {
		return answerPayment(v, http.StatusUnprocessableEntity, amountFault, reasonFault)
	}
	c := &command.Command{Action: "createRefund", Object: "payment", ID: id, Detail: map[string]any{"amount": amount, "reason": reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := payment.RequestRefund(ctx, tx, payment.NewRefund{Key: v.Who.Actor() + "/console/" + command.ID(v).String(), PaymentID: id, Amount: amount, Reason: reason, By: v.Who.Actor()})
		return v.Console("payments/"+id.String(), "done", "refund"), err
	}
	next, err := command.CarryOut(v, c)
	var tooMuch *payment.RefundError
	switch {
	case errors.As(err, &tooMuch):
		return answerPayment(v, http.StatusUnprocessableEntity, r.T("biz.refund.toomuch", "left", r.Money(tooMuch.Left)), "")
	case errors.Is(err, payment.ErrAmount):
		return answerPayment(v, http.StatusUnprocessableEntity, r.T("biz.amount.not"), "")
	case err != nil:
		return err
	}
	return v.Lead(next)
}

// recordForm takes note of money that came by bank or in cash.
type recordForm struct {
	list, action                    string
	account, amount, reference, day ui.Field
	method                          ui.Field
	methods                         []ui.Choice
	faults                          []ui.Fault
	key                             string
}

func showRecord(v *web.Visit) error { return answerRecord(v, http.StatusOK, nil) }

func answerRecord(v *web.Visit, status int, faults map[string]string) error {
	r := v.Reader
	value := func(name string) string {
		if typed := v.Form(name); typed != "" {
			return typed
		}
		return v.Query(name)
	}
	f := &recordForm{list: v.Console("payments"), action: v.Console("payments/new"), key: v.Form("key"),
		account:   ui.Field{ID: "account", Label: r.T("biz.account.number"), Value: value("account"), Error: faults["account"], Autocomplete: "off", MaxLength: "40"},
		amount:    amountField(v, "amount", value("amount"), faults["amount"], v.Profile.Currency),
		method:    ui.Field{ID: "method", Label: r.T("biz.pay.method"), Error: faults["method"]},
		reference: ui.Field{ID: "reference", Label: r.T("biz.pay.reference"), Hint: r.T("biz.pay.reference.hint"), Value: value("reference"), Optional: true, MaxLength: "140"},
		day:       ui.Field{ID: "day", Label: r.T("biz.pay.day"), Hint: r.T("biz.pay.day.hint"), Kind: "date", Value: value("day"), Optional: true, Error: faults["day"]}}
	if f.key == "" || len(faults) > 0 {
		f.key = command.NewKey()
	}
	for _, m := range []payment.Method{payment.Bank, payment.Cash} {
		f.methods = append(f.methods, ui.Choice{Value: string(m), Label: r.T("biz.method." + string(m)), Chosen: value("method") == string(m)})
	}
	f.faults = ui.FaultsOf(f.account, f.amount, f.method, f.day)
	return v.Show(status, recordPage(frame.Of(v, frame.Payments, r.T("biz.pay.record")), f))
}

// recordPayment books bank or cash money for an account, once.
func recordPayment(v *web.Visit) error {
	r, faults := v.Reader, map[string]string{}
	n := payment.NewPayment{ID: command.ID(v), Reference: strings.TrimSpace(v.Form("reference")), By: v.Who.Actor()}
	switch n.Method = payment.Method(v.Form("method")); n.Method {
	case payment.Bank, payment.Cash:
	default:
		faults["method"] = r.T("biz.pay.method.not")
	}
	var err error
	if n.Amount, err = ui.ParseAmount(v.Form("amount"), v.Profile.Currency, r.Locale); err != nil {
		faults["amount"] = r.T("biz.amount.not")
	}
	if text := v.Form("day"); text != "" {
		day, err := calendar.ParseDate(text)
		switch {
		case err != nil:
			faults["day"] = r.T("biz.run.day.not")
		case day.After(r.Today):
			faults["day"] = r.T("biz.pay.day.future")
		case day.Before(r.Today):
			n.ReceivedAt = day.Start(v.Profile.Zone)
		}
	}
	payer, err := payerOf(v, &n)
	if errors.Is(err, account.ErrNotFound) {
		faults["account"] = r.T("biz.account.unknown")
	} else if err != nil {
		return err
	}
	if len(faults) > 0 {
		return answerRecord(v, http.StatusUnprocessableEntity, faults)
	}
	c := &command.Command{Action: "createPayment", Object: "payment", ID: n.ID, Detail: map[string]any{"account": payer.Number, "amount": n.Amount, "method": n.Method}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		paid, err := v.Stack.RecordPayment(ctx, tx, n)
		return v.Console("payments/"+paid.ID.String(), "done", "recorded"), err
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, payment.ErrAmount):
		return answerRecord(v, http.StatusUnprocessableEntity, map[string]string{"amount": r.T("biz.amount.not")})
	case errors.Is(err, payment.ErrPurpose):
		return answerRecord(v, http.StatusUnprocessableEntity, map[string]string{"account": r.T("biz.account.cannot")})
	case err != nil:
		return err
	}
	return v.Lead(next)
}

// payerOf finds the account of a number: prepaid ones top up, others pay bills.
func payerOf(v *web.Visit, n *payment.NewPayment) (found account.Account, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = account.ByNumber(ctx, tx, strings.TrimSpace(v.Form("account")))
		return err
	})
	n.AccountID, n.Purpose = found.ID, payment.PurposeBill
	if found.Kind == account.Prepaid {
		n.Purpose = payment.PurposeTopUp
	}
	return found, err
}
