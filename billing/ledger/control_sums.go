package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ErrControlSums means that the books say something else than the ledger.
var ErrControlSums = errors.New("control sums differ")

// Rule is one control sum in one unit: both sides, and how many customers'
// accounts differ. Sums may agree while accounts differ.
type Rule struct {
	Name      string
	Unit      money.Unit
	Ledger    money.Decimal
	Books     money.Decimal
	Differing int64
}

// Equal says whether the rule holds, in total and for each account.
func (r Rule) Equal() bool { return r.Differing == 0 && r.Ledger.Equal(r.Books) }

// Balance is one line of the trial balance: what was debited to and credited
// to the accounts of a kind in one unit.
type Balance struct {
	Kind   Kind
	Unit   money.Unit
	Debit  money.Decimal
	Credit money.Decimal
}

// Report is the ledger held against the books.
type Report struct {
	Rules []Rule
	Trial []Balance
}

// Check returns ErrControlSums with every rule that does not hold.
func (r Report) Check() error {
	var broken []string
	for _, rule := range r.Rules {
		if !rule.Equal() {
			broken = append(broken, fmt.Sprintf("%s: ledger %s %s, books %s, %d accounts differ",
				rule.Name, rule.Ledger, rule.Unit, rule.Books, rule.Differing))
		}
	}
	if broken == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrControlSums, strings.Join(broken, "; "))
}

//go:embed control_sums.sql
var controlSums string

const trialBalance = `
	select kind, unit, sum(debit)::numeric, sum(credit)::numeric
	from days
	group by kind, unit
	order by kind, unit`

// ControlSums holds the ledger against the books, from the ledger's snapshots
// and the transfers since. Run it on one view of the database (tenant.DB.Read)
// where others write meanwhile.
func ControlSums(ctx context.Context, tx tenant.Tx) (Report, error) {
	var report Report
	var zone string
	if err := tx.QueryRow(ctx, `select coalesce((select zone from operator where id = 1), 'UTC')`).Scan(&zone); err != nil {
		return Report{}, fmt.Errorf("control sums: %w", err)
	}
	rows, err := tx.Query(ctx, `with recursive`+tail+`, `+controlSums)
	if err == nil {
		report.Rules, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Rule])
	}
	if err != nil {
		return Report{}, fmt.Errorf("control sums: %w", err)
	}
	rows, err = tx.Query(ctx, Days+trialBalance, zone)
	if err == nil {
		report.Trial, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Balance])
	}
	if err != nil {
		return Report{}, fmt.Errorf("trial balance: %w", err)
	}
	return report, nil
}
