package bill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Series is one run of gapless numbers: of a legal entity, for a kind of
// document, in a year of the operator's zone.
type Series struct {
	LegalEntity uuid.UUID
	Kind        Kind
	Year        int
}

// block is consecutive numbers with the one issue date they all have.
type block struct {
	first  int64
	issued calendar.Date
}

// One statement takes the series' row lock, moves it on by n numbers and says
// on which day they are issued: the closing's, or the series' last if that is
// later. The lock is held until the transaction ends, so whoever rolls back
// gives the numbers back before another can see them.
const takeNumbers = `
	insert into number_series as s (legal_entity, document, year, next, last_issue)
	values ($1, $2, $3, 1 + $4::bigint, $5)
	on conflict (legal_entity, document, year) do update
	   set next = s.next + $4::bigint,
	       last_issue = greatest(s.last_issue, excluded.last_issue)
	returning next - $4::bigint, last_issue`

// take takes n numbers of a series for documents closed on a day. It is the
// last lock that a closing takes.
func take(ctx context.Context, tx tenant.Tx, s Series, n int, closed calendar.Date) (block, error) {
	var b block
	if err := tx.QueryRow(ctx, takeNumbers, s.LegalEntity, s.Kind, s.Year, n, closed).Scan(&b.first, &b.issued); err != nil {
		return block{}, fmt.Errorf("take %d numbers of %s %d: %w", n, s.Kind, s.Year, err)
	}
	return b, nil
}

// ErrNumberTaken is returned for a series that is already past a number.
var ErrNumberTaken = errors.New("the series is already past this number")

// ContinueAt lets a series go on at a number, for an operator that numbered
// its documents elsewhere before.
func ContinueAt(ctx context.Context, tx tenant.Tx, s Series, next int64, lastIssue calendar.Date) error {
	done, err := tx.Exec(ctx, `
		insert into number_series as s (legal_entity, document, year, next, last_issue)
		values ($1, $2, $3, $4, $5)
		on conflict (legal_entity, document, year) do update
		   set next = excluded.next, last_issue = excluded.last_issue
		 where s.next <= excluded.next and s.last_issue <= excluded.last_issue`,
		s.LegalEntity, s.Kind, s.Year, next, lastIssue)
	if err != nil {
		return fmt.Errorf("continue %s %d at %d: %w", s.Kind, s.Year, next, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("continue %s %d at %d: %w", s.Kind, s.Year, next, ErrNumberTaken)
	}
	return nil
}

// mark is what a kind's numbers carry besides the operator's initials:
// HM-2026/000042 is a bill, HMS-2026/000042 a statement.
var mark = map[Kind]string{KindBill: "", KindStatement: "S", KindCreditNote: "C", KindDebitNote: "D", KindAdvance: "A", kindDeposit: "P"}

// initials are the capitals that begin the words of a name, at most four:
// Hanse Mobil is HM. A name without letters gives B.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if first := unicode.ToUpper([]rune(word)[0]); unicode.IsLetter(first) && len(out) < 4 {
			out = append(out, first)
		}
	}
	if len(out) == 0 {
		return "B"
	}
	return string(out)
}

// prefix begins the numbers of a legal entity. All but the default one add a
// part of their id, so that two companies of one operator never print the same.
func prefix(operator string, seller Seller) string {
	if seller.isDefault {
		return initials(operator)
	}
	return initials(operator) + strings.ToUpper(seller.id.String()[32:])
}
