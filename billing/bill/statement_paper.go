package bill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ErrPeriod is returned for a statement's period that is none.
var ErrPeriod = errors.New("a statement's period is a month, a year, two days, or the time since the last payment")

// maxStatementDays bounds a statement of two days: what is more is an export's.
const maxStatementDays = 5 * 366

// SpanNamed reads the name of a statement's period: month:2026-05, year:2026,
// days:2026-05-01/2026-05-20 (both included) or since-last-payment.
func SpanNamed(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, name string) (Span, error) {
	kind, text, _ := strings.Cut(name, ":")
	if kind == "since-last-payment" && text == "" {
		return SinceLastPayment(ctx, tx, accountID)
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return Span{}, err
	}
	return spanNamed(kind, text, profile.Zone)
}

func spanNamed(kind, text string, zone *time.Location) (Span, error) {
	refused := fmt.Errorf("%s:%s: %w", kind, text, ErrPeriod)
	switch kind {
	case "month", "year":
		first, turn := text+"-01", MonthOf
		if kind == "year" {
			first, turn = text+"-01-01", YearOf
		}
		day, err := calendar.ParseDate(first)
		if err != nil || day.Year < 1 { // there is no year 0, and the database knows none
			return Span{}, refused
		}
		return turn(day, zone), nil
	case "days":
		one, two, _ := strings.Cut(text, "/")
		from, err := calendar.ParseDate(one)
		to, err2 := calendar.ParseDate(two)
		if err != nil || err2 != nil || from.Year < 1 || to.Before(from) || from.DaysUntil(to) > maxStatementDays {
			return Span{}, refused
		}
		return spanOf(calendar.Period{From: from, To: to.AddDays(1)}, zone), nil
	}
	return Span{}, refused
}

// StatementPaper is a statement as it is printed.
type StatementPaper struct {
	AccountStatement
	Days     calendar.Period // in the operator's zone
	Made     calendar.Date
	Locale   locale.Locale
	Currency money.Currency
	Operator Operator
	Picture  []byte
	Seller   Seller
	Buyer    Buyer
}

// PrintedStatement reads an account's statement with what a letter needs
// besides: it is of the present, and of no value as a document of tax.
func PrintedStatement(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, span Span) (StatementPaper, error) {
	s, err := Statement(ctx, tx, accountID, span)
	if err != nil {
		return StatementPaper{}, err
	}
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return StatementPaper{}, err
	}
	rows, err := tx.Query(ctx, `select `+dueColumns+` from billing_account a join party p on p.id = a.party_id where a.id = $1`, accountID)
	if err != nil {
		return StatementPaper{}, fmt.Errorf("print statement: %w", err)
	}
	of, err := pgx.CollectExactlyOneRow(rows, scanDue)
	if err != nil {
		return StatementPaper{}, fmt.Errorf("print statement: %w", err)
	}
	d := f.blank(&openCycle{dueAccount: of})
	p := StatementPaper{
		AccountStatement: s, Made: f.profile.LocalDate(tx.At), Locale: d.Locale, Currency: of.Currency, Operator: d.Operator, Seller: d.Seller, Buyer: d.Buyer,
		Days: calendar.Period{From: f.profile.LocalDate(span.From), To: f.profile.LocalDate(span.To.Add(-time.Microsecond)).AddDays(1)},
	}
	if p.Operator.Logo != "" {
		p.Picture, err = account.LogoOf(ctx, tx, p.Operator.Logo)
	}
	return p, err
}
