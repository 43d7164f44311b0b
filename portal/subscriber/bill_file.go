package subscriber

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// billUBL gives one of the subscriber's own bills as an electronic invoice.
func billUBL(v *web.Visit) error { return billFile(v, ".xml", "application/xml", v.Stack.BillUBL) }

// billCSV gives one of the subscriber's own bills for a spreadsheet.
func billCSV(v *web.Visit) error {
	return billFile(v, ".csv", "text/csv; charset=utf-8", v.Stack.BillCSV)
}

func billFile(v *web.Visit, ending, media string, file func(ctx context.Context, id uuid.UUID) ([]byte, error)) error {
	var head bill.Bill
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		head, err = ownBill(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	content, err := file(v.Context(), head.ID)
	if err != nil {
		return err
	}
	return v.Download(head.Number+ending, media, content)
}

// statementPDF gives the statement of a period as a document.
func statementPDF(v *web.Visit, period string) error {
	name, content, err := v.Stack.StatementFile(v.Context(), v.Who.AccountID, period, "pdf")
	if errors.Is(err, bill.ErrPeriod) {
		return v.Lead(v.URL(string(sectionStatement)))
	}
	if err != nil {
		return err
	}
	return v.Download(name, "application/pdf", content)
}

// daysOf reads two days as the form of a statement sends them; ok is false for
// what are none.
func daysOf(v *web.Visit) (name string, ok bool) {
	from, err := calendar.ParseDate(v.Query("from"))
	to, err2 := calendar.ParseDate(v.Query("to"))
	if err != nil || err2 != nil || to.Before(from) {
		return "", false
	}
	return "days:" + from.String() + "/" + to.String(), true
}
