package desk

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// registerWords are what a check came to.
var registerWords = map[tax.CheckResult]string{tax.IDValid: "outside.register.valid", tax.IDInvalid: "outside.register.invalid", tax.IDUnreachable: "outside.register.unreachable"}

// loadChecks lists what the register of tax ids has said of the customer.
func (w *taxView) loadChecks(ctx context.Context, tx tenant.Tx, v *web.Visit, account uuid.UUID) error {
	r := v.Reader
	_, err := tax.InquiryOf(ctx, tx, account)
	if w.mayAsk = err == nil; err != nil && !errors.Is(err, tax.ErrNoTaxID) {
		return err
	}
	list, err := tax.ChecksOf(ctx, tx, account)
	if err != nil {
		return err
	}
	more := r.T("outside.register.none.more")
	if !w.mayAsk {
		more = r.T("outside.register.no_id")
	}
	w.checks = table{id: "h-register", title: r.T("outside.register"), icon: "shield", none: r.T("outside.register.none"), noneMore: more,
		head: heads(r.T("outside.register.id"), r.T("outside.register.result"), r.T("outside.register.who"), r.T("outside.register.at"))}
	for _, c := range list {
		at, who, sub := c.AskedAt, c.Name, c.Address
		if c.AnsweredAt != nil {
			at = *c.AnsweredAt
		}
		if c.Result == tax.IDUnreachable {
			who, sub = "", c.Reason
		}
		reference := c.Reference
		if reference != "" {
			reference = r.T("outside.register.reference", "reference", reference)
		}
		w.checks.rows = append(w.checks.rows, []cell{{text: c.TaxID, sub: c.Country}, {text: r.T(registerWords[c.Result])}, {text: who, sub: sub},
			{text: r.DateTime(at), sub: reference}})
	}
	return nil
}

// askRegister asks the register, outside any transaction, and keeps its answer.
func askRegister(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	q, found, silent, err := v.Stack.LookUpTaxID(v.Context(), p.ID)
	if errors.Is(err, tax.ErrNoTaxID) {
		return answerTax(v, http.StatusUnprocessableEntity, []ui.Fault{{Field: "h-register", Message: v.Reader.T("outside.register.no_id")}})
	}
	if err != nil {
		return err
	}
	c := &command.Command{Action: "tax_id.look_up", Object: "account", ID: p.ID}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		made, err := tax.AddCheck(ctx, tx, p.ID, q, found, silent, v.Who.Actor())
		c.Detail = map[string]any{"account": p.Number, "result": string(made.Result)}
		return v.Console(p.path("tax"), "done", "tax"), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}
