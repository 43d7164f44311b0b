package cash

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/debit"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// mandates shows what an account pays by, and changes its mandates: the account
// is found by its number.
func mandates(v *web.Visit, f *fault) error {
	p, r := newPage(v, frame.Debits), v.Reader
	p.under(v, frame.Debits, r.T("mandate.title"))
	asked := strings.TrimSpace(v.Query("number"))
	if asked == "" {
		asked = strings.TrimSpace(v.Form("of"))
	}
	find := p.input(v, "number", asked)
	find.Label = r.T("mandate.number")
	search := panel{id: "find", title: r.T("mandate.find"), lead: r.T("mandate.lead"), forms: []form{{action: v.Console("debits/mandates"), button: r.T("mandate.find.do"), get: true, fields: []field{find}}}}
	p.panels = []panel{search}
	if asked == "" {
		return p.answer(v, f)
	}
	var owner account.Account
	var party account.Party
	var list []payment.StoredMethod
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if owner, err = account.ByNumber(ctx, tx, asked); err != nil {
			return err
		}
		if party, err = account.GetParty(ctx, tx, owner.PartyID); err != nil {
			return err
		}
		list, err = payment.Methods(ctx, tx, owner.ID)
		return err
	})
	if errors.Is(err, account.ErrNotFound) {
		return p.answer(v, &fault{"number", r.T("mandate.unknown")})
	}
	if err != nil {
		return err
	}
	all := panel{id: "methods", title: r.T("mandate.of", "name", party.Name), none: r.T("mandate.none"),
		head: []string{r.T("mandate.what"), r.T("mandate.reference"), r.T("mandate.holder"), r.T("mandate.signed"), r.T("mandate.used"), r.T("money.col.state"), r.T("mandate.untold"), r.T("money.col.decision")}}
	var changes []panel
	for _, m := range list {
		all.rows = append(all.rows, p.methodRow(v, m, owner.Number))
		if m.Kind == payment.SEPADebit && m.State == payment.StoredActive && v.May(identity.PaymentWrite) {
			changes = append(changes, p.amendPanel(v, m, owner.Number))
		}
	}
	p.panels = append(append(p.panels, all), changes...)
	return p.answer(v, f)
}

var methodTones = map[payment.StoredState]ui.Tone{payment.StoredActive: ui.OK, payment.StoredPending: ui.Info}

func (p *page) methodRow(v *web.Visit, m payment.StoredMethod, number string) row {
	r := v.Reader
	signed, used := "–", "–"
	if m.MandateDate != nil {
		signed = r.Date(*m.MandateDate)
	}
	if m.UsedAt != nil {
		used = r.Date(r.LocalDate(*m.UsedAt))
	}
	tone := methodTones[m.State]
	if tone == "" {
		tone = ui.Off
	}
	var untold []string
	for _, a := range m.Details.Amendments {
		if a.OldReference != "" {
			untold = append(untold, r.T("mandate.untold.reference", "old", a.OldReference))
		}
		if a.OtherAccount {
			untold = append(untold, r.T("mandate.untold.account"))
		}
		if a.OldCreditor != "" {
			untold = append(untold, r.T("mandate.untold.creditor", "old", a.OldCreditor))
		}
	}
	line := row{cells: []cell{text(m.Name()), text(m.MandateReference), text(m.Holder), text(signed), text(used), {text: r.T("mandate.state." + string(m.State)), tone: tone}, text(strings.Join(untold, ", "))}}
	if m.State == payment.StoredActive && v.May(identity.PaymentWrite) {
		line.forms = []form{{action: v.Console("debits/mandates/" + m.ID.String() + "/end"), button: r.T("mandate.end"), quiet: true, hidden: [][2]string{{"of", number}}}}
	}
	return line
}

// amendPanel changes a mandate that stays the same one. What stays empty stays.
func (p *page) amendPanel(v *web.Visit, m payment.StoredMethod, number string) panel {
	r := v.Reader
	one := panel{id: "amend-" + m.ID.String(), title: r.T("mandate.amend", "reference", m.MandateReference), lead: r.T("mandate.amend.lead")}
	change := form{action: v.Console("debits/mandates/" + m.ID.String()), button: r.T("mandate.amend.do"), hidden: [][2]string{{"of", number}}}
	for _, name := range []string{"iban", "bic", "holder", "reference"} {
		value := map[string]string{"holder": m.Holder, "reference": m.MandateReference}[name]
		f := field{Field: ui.Field{ID: name + "-" + m.ID.String(), Name: name, Value: value, Autocomplete: "off", MaxLength: "70", Mono: name == "iban"}}
		if v.Param("method") == m.ID.String() { // what was typed stays
			f.ID, f.Value = name, v.Form(name)
		}
		f.Label, f.Optional = r.T("mandate."+name), true
		if name == "iban" {
			f.Hint = r.T("mandate.iban.hint", "now", m.MaskedIBAN)
		}
		change.fields = append(change.fields, f)
	}
	one.forms = []form{change}
	return one
}

// ofNumber leads back to the account whose mandates were shown.
func ofNumber(v *web.Visit) (owner account.Account, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		owner, err = account.ByNumber(ctx, tx, strings.TrimSpace(v.Form("of")))
		return err
	})
	return owner, err
}

func amendMandate(v *web.Visit) error {
	owner, err := ofNumber(v)
	if err != nil {
		return err
	}
	id := parsed(v.Param("method"))
	return carryTo(v, "mandate.amend", id, owner, func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.Debits().Amend(ctx, tx, debit.Amendment{AccountID: owner.ID, MethodID: id, IBAN: v.Form("iban"), BIC: v.Form("bic"), Holder: v.Form("holder"), Reference: v.Form("reference")})
		return err
	})
}

func endMandate(v *web.Visit) error {
	owner, err := ofNumber(v)
	if err != nil {
		return err
	}
	id := parsed(v.Param("method"))
	return carryTo(v, "payment_method.end", id, owner, func(ctx context.Context, tx tenant.Tx) error { return payment.EndMethod(ctx, tx, owner.ID, id) })
}

// carryTo does a command about a method of an account, and leads back to it.
func carryTo(v *web.Visit, action string, id uuid.UUID, owner account.Account, do func(ctx context.Context, tx tenant.Tx) error) error {
	_, err := command.CarryOut(v, &command.Command{Action: action, Object: "payment_method", ID: id, Part: v.Sent(), Do: func(ctx context.Context, tx tenant.Tx) (string, error) { return "", do(ctx, tx) }})
	if err == nil {
		return v.Lead(v.Console("debits/mandates", "number", owner.Number, "done", "1"))
	}
	f, known := faultOf(v, err)
	if !known {
		return err
	}
	return mandates(v, f)
}
