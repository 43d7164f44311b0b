package subscriber

import (
	"context"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// billRest is what has become of a bill since it was issued.
type billRest struct {
	notes []bill.Note
	parts []bill.Instalment
	own   bill.Note // where it is a note itself
}

func restOf(ctx context.Context, tx tenant.Tx, head bill.Bill) (rest billRest, err error) {
	if rest.notes, err = bill.NotesOf(ctx, tx, head.ID); err != nil {
		return rest, err
	}
	if rest.parts, err = bill.InstalmentsOf(ctx, tx, head.ID); err != nil {
		return rest, err
	}
	if head.Kind == bill.KindCreditNote || head.Kind == bill.KindDebitNote {
		rest.own, err = bill.GetNote(ctx, tx, head.ID)
	}
	return rest, err
}

// billNote is a correction as its bill lists it.
type billNote struct {
	Name, Reason, Href string
	Amount             money.Amount
}

// billPart is an instalment.
type billPart struct {
	Name, State string
	Tone        ui.Tone
	Amount      money.Amount
}

// into tells of it on the bill's page.
func (b billRest) into(v *web.Visit, view *billView, head bill.Bill) {
	r := v.Reader
	for _, n := range b.notes {
		note := billNote{Name: r.T("bill.note."+string(n.Kind), "number", n.Number), Reason: n.Reason, Amount: n.Total, Href: v.URL(string(sectionBills) + "/" + n.ID.String())}
		if n.Kind == bill.KindCreditNote {
			note.Amount = n.Total.Neg()
		}
		view.Notes = append(view.Notes, note)
	}
	if len(b.parts) > 1 {
		for _, p := range b.parts {
			part := billPart{Name: r.T("bill.part", "no", r.Number(money.NewDecimal(int64(p.No))), "date", r.Date(p.DueDate)), Amount: p.Amount, Tone: ui.Info}
			switch {
			case p.Open.IsZero():
				part.Tone, part.State = ui.OK, r.T("bill.part.paid")
			case p.DueDate.Before(r.Today):
				part.Tone, part.State = ui.Bad, r.T("bills.overdue", "date", r.Date(p.DueDate))
			default:
				part.State = r.Money(p.Open)
			}
			view.Parts = append(view.Parts, part)
		}
	}
	if b.own.ID == head.ID {
		view.Title, view.Reason = r.T("bill.note."+string(head.Kind), "number", head.Number), b.own.Reason
		view.Page.Title = view.Title
		if head.Kind == bill.KindCreditNote {
			view.Tone, view.State = ui.OK, ""
		}
	}
}

// advanceRows lists bills for services to come, above the others.
func advanceRows(ctx context.Context, tx tenant.Tx, v *web.Visit, view *billsView) error {
	list, err := bill.Advances(ctx, tx, v.Who.AccountID, billsOnPage)
	if err != nil {
		return err
	}
	for _, one := range list {
		tone, state := billState(v.Reader, one)
		at := string(sectionBills) + "/" + one.ID.String()
		view.Rows = append(view.Rows, billRow{Number: one.Number, Issued: v.Reader.Date(one.Issued), Period: v.Reader.Locale.FormatPeriod(one.Cycle),
			Tone: tone, State: state, Total: one.Total, Detail: v.URL(at), PDF: v.URL(at + "/pdf")})
	}
	return nil
}
