package subscriber

import (
	"bytes"
	"encoding/csv"
	"fmt"
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
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	head := []string{r.T("statement.col.day"), r.T("statement.col.what"), r.T("statement.col.amount"), r.T("statement.col.unbilled"), r.T("statement.col.currency")}
	rows := [][]string{head, {"", r.T("statement.opening"), plain(s.Opening), "", a.Currency.Code()}}
	for _, e := range s.Entries {
		rows = append(rows, []string{e.Day.String(), inert(entryWords(r, e)), plain(e.Amount), plain(e.Unbilled), a.Currency.Code()})
	}
	rows = append(rows, []string{"", r.T("statement.closing"), plain(s.Closing), plain(s.Unbilled), a.Currency.Code()})
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	name := a.Number + "-" + strings.TrimPrefix(strings.TrimPrefix(p.Name, "month:"), "year:") + ".csv"
	return v.Download(name, "text/csv; charset=utf-8", out.Bytes())
}

// plain is an amount as programs read it, with all its decimals.
func plain(a money.Amount) string {
	if a.Decimal().IsZero() {
		return "0"
	}
	return a.Decimal().String()
}

// inert keeps a spreadsheet from taking a text for a formula (OWASP, CSV
// injection): numbers of documents come from outside.
func inert(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
