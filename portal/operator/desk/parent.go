package desk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// parentForm says under which account one stands, and which of them is billed.
type parentForm struct {
	form
	parent *account.Account // as it was typed, or stands now
}

func (p *person) parentForm(v *web.Visit) (parentForm, error) {
	r := v.Reader
	f := parentForm{form: p.form(v, "parent")}
	number, to, name := strings.TrimSpace(v.Form("parent")), v.Form("bill_to"), ""
	fault := ""
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		var found account.Account
		var err error
		switch {
		case !sent(v) && p.ParentID != nil:
			found, err = account.Get(ctx, tx, *p.ParentID)
		case sent(v) && number != "":
			found, err = account.ByNumber(ctx, tx, number)
		default:
			return nil
		}
		if errors.Is(err, account.ErrNotFound) {
			fault = r.T("more.parent.unknown")
			return nil
		}
		if err != nil {
			return err
		}
		party, err := account.GetParty(ctx, tx, found.PartyID)
		f.parent, name = &found, party.Name
		return err
	})
	if err != nil {
		return f, err
	}
	if !sent(v) {
		if to = "own"; p.ToParent {
			to = "parent"
		}
		if f.parent != nil {
			number = f.parent.Number
		}
	}
	f.lead = r.T("more.parent.none")
	if name != "" {
		f.lead = r.T("more.parent.lead", "name", name, "number", f.parent.Number)
	}
	choices := []ui.Choice{{Value: "own", Label: r.T("more.parent.own"), Hint: r.T("more.parent.own.hint")},
		{Value: "parent", Label: r.T("more.parent.parent"), Hint: r.T("more.parent.parent.hint")}}
	f.fields = []control{
		{kind: line, Field: ui.Field{ID: "parent", Label: r.T("more.parent.number"), Hint: r.T("more.parent.number.hint"), Value: number, Optional: true, Autocomplete: "off", MaxLength: "40", Error: fault}},
		{kind: radios, Field: ui.Field{ID: "bill_to", Label: r.T("more.parent.who"), Value: to}, choices: chosen(choices, to)},
	}
	f.submit = r.T("more.parent.do")
	return f, nil
}

func showParent(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	f, err := p.parentForm(v)
	if err != nil {
		return err
	}
	return f.show(v, http.StatusOK)
}

func sendParent(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	f, err := p.parentForm(v)
	if err != nil {
		return err
	}
	r, to := v.Reader, v.Form("bill_to")
	switch {
	case to != "own" && to != "parent":
		f.fields[1].Error = r.T("more.parent.missing")
	case to == "parent" && f.parent == nil && f.fields[0].Error == "":
		f.fields[0].Error = r.T("more.parent.wanted")
	}
	var parent *uuid.UUID
	if f.effects = []string{r.T("more.parent.effect.none")}; f.parent != nil {
		parent, f.effects = &f.parent.ID, []string{f.lead}
	}
	f.effects = append(f.effects, r.T("more.parent.effect."+to, "date", r.Date(p.Cycle.To)))
	c := &command.Command{Action: "billToParent", Object: "account", ID: p.ID, Detail: map[string]any{"parent": parent, "on": to == "parent"}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		if !sameParent(p.ParentID, parent) {
			if _, err := account.PutParent(ctx, tx, p.ID, parent); err != nil {
				return "", err
			}
		}
		_, err := account.BillToParent(ctx, tx, p.ID, to == "parent")
		return v.Console(p.path(""), "done", "parent"), err
	}
	return f.settle(v, true, c, func(f *form, err error) bool {
		switch {
		case errors.Is(err, account.ErrParentCycle):
			f.fields[1].Error = r.T("more.parent.unlike")
		case errors.Is(err, account.ErrParent):
			f.fields[0].Error = r.T("more.parent.not")
		default:
			return false
		}
		f.confirm = false
		return true
	})
}

func sameParent(a, b *uuid.UUID) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
