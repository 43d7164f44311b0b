package subscriber

import (
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/portal/web"
)

// statementFile gives a statement for a spreadsheet: every entry by itself,
// amounts as plain decimals, days as ISO 8601 has them.
func statementFile(v *web.Visit, a account.Account, p period, s bill.AccountStatement) error {
	r := v.Reader
	sheet := web.NewSheet(r.T("statement.col.day"), r.T("statement.col.what"), r.T("statement.col.amount"), r.T("statement.col.unbilled"), r.T("statement.col.currency"))
	sheet.Add("", r.T("statement.opening"), plain(s.Opening), "", a.Currency.Code())
	for _, e := range s.Entries {
		sheet.Add(e.Day.String(), entryWords(r, e), plain(e.Amount), plain(e.Unbilled), a.Currency.Code())
	}
	sheet.Add("", r.T("statement.closing"), plain(s.Closing), plain(s.Unbilled), a.Currency.Code())
	return v.SendSheet(a.Number+"-"+strings.TrimPrefix(strings.TrimPrefix(p.Name, "month:"), "year:"), sheet)
}

// plain is an amount as programs read it, with all its decimals.
func plain(a money.Amount) string {
	if a.Decimal().IsZero() {
		return "0"
	}
	return a.Decimal().String()
}
