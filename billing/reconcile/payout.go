package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Payout is what a provider sent to the bank.
type Payout struct {
	ID          uuid.UUID
	Provider    string
	Reference   string
	Amount      money.Amount
	Gross       money.Amount
	Fees        money.Amount
	ArrivesOn   calendar.Date
	Lines       []payment.PayoutLine
	Differences int
	EntryID     *uuid.UUID // the bank's; nil: not arrived
	ImportedAt  time.Time
}

// ImportPayout keeps a payout, holds its lines against our payments and posts
// it: what was sent is in transit until the bank has it, fees are an expense.
// The same one again changes nothing.
func ImportPayout(ctx context.Context, tx tenant.Tx, p payment.ProviderPayout, by string) (Payout, error) {
	if known, err := onePayout(ctx, tx, `where provider = $1 and reference = $2`, p.Provider, p.Ref); err == nil {
		return known, nil
	} else if !errors.Is(err, ErrNotFound) {
		return Payout{}, err
	}
	c := p.Amount.Currency()
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return Payout{}, err
	}
	out := Payout{ID: uuid.Must(uuid.NewV7()), Provider: p.Provider, Reference: p.Ref, Amount: p.Amount, ArrivesOn: calendar.DateOf(p.ArrivesOn, zone), Lines: p.Lines, ImportedAt: tx.At}
	var gross, fees, posted money.Decimal
	for i := range out.Lines {
		line := &out.Lines[i]
		if line.Fault, err = faultOf(ctx, tx, p.Provider, *line); err != nil {
			return Payout{}, err
		}
		if line.Fault != "" {
			out.Differences++
		}
		gross, fees = gross.Add(line.Gross.Decimal()), fees.Add(line.Fee.Decimal())
		if line.Kind == payment.MovedFee {
			posted = posted.Sub(line.Gross.Decimal())
		} else if line.Kind != payment.MovedDispute { // its fee is posted when it is lost
			posted = posted.Add(line.Fee.Decimal())
		}
	}
	if !gross.Sub(fees).Equal(p.Amount.Decimal()) {
		// lines are missing: shown as one that does not fit
		missing := money.New(p.Amount.Decimal().Sub(gross.Sub(fees)), c)
		out.Lines = append(out.Lines, payment.PayoutLine{Ref: "missing", Kind: payment.MovedOther, Gross: missing, Fee: money.Zero(c), Fault: "missing"})
		out.Differences, gross = out.Differences+1, gross.Add(missing.Decimal())
	}
	out.Gross, out.Fees = money.New(gross, c), money.New(fees, c)
	tag, err := tx.Exec(ctx, `
		insert into payout (id, provider, reference, currency, amount, gross, fees, arrives_on, lines, differences, imported_by, imported_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (provider, reference) do nothing`,
		out.ID, out.Provider, out.Reference, c, out.Amount.Decimal(), gross, fees, out.ArrivesOn, out.Lines, out.Differences, by, tx.At)
	if err != nil {
		return Payout{}, fmt.Errorf("keep payout %s: %w", p.Ref, err)
	}
	if tag.RowsAffected() == 0 { // another was faster
		return onePayout(ctx, tx, `where provider = $1 and reference = $2`, p.Provider, p.Ref)
	}
	if err := post(ctx, tx, ledger.Payout, out.ID, ledger.Transit, ledger.ProviderClearing, out.Amount); err != nil {
		return Payout{}, err
	}
	return out, post(ctx, tx, ledger.Payout, out.ID, ledger.ProviderFee, ledger.ProviderClearing, money.New(posted, c))
}

// faultOf says why a line does not fit our books; empty: it does.
func faultOf(ctx context.Context, tx tenant.Tx, provider string, line payment.PayoutLine) (string, error) {
	var query string
	args := []any{provider, line.Payment}
	switch line.Kind {
	case payment.MovedCharge:
		query = `select p.amount from payment p join payment_intent i on i.id = p.intent_id where i.provider = $1 and i.provider_ref = $2`
	case payment.MovedRefund:
		query, args = `select -r.amount from refund r where r.provider_ref = $2 and $1 <> ''`, []any{provider, line.Source}
	case payment.MovedDispute:
		query, args = `select d.amount * sign($3::numeric) from dispute d where d.provider = $1 and d.provider_ref = $2`, []any{provider, line.Source, line.Gross.Decimal()}
	case payment.MovedFee:
		return "", nil
	default:
		return "unknown", nil
	}
	var ours money.Decimal
	err := tx.QueryRow(ctx, query, args...).Scan(&ours)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "unknown", nil
	case err != nil:
		return "", fmt.Errorf("hold %s against our books: %w", line.Ref, err)
	case !ours.Equal(line.Gross.Decimal()):
		return "amount", nil
	}
	return "", nil
}

const selectPayout = `select id, provider, reference, currency, amount, gross, fees, arrives_on, lines, differences, entry_id, imported_at from payout `

func payouts(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Payout, error) {
	rows, err := tx.Query(ctx, selectPayout+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read payouts: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Payout, err error) {
		var c money.Currency
		var amount, gross, fees money.Decimal
		err = row.Scan(&p.ID, &p.Provider, &p.Reference, &c, &amount, &gross, &fees, &p.ArrivesOn, &p.Lines, &p.Differences, &p.EntryID, &p.ImportedAt)
		p.Amount, p.Gross, p.Fees, p.ImportedAt = money.New(amount, c), money.New(gross, c), money.New(fees, c), p.ImportedAt.UTC()
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read payouts: %w", err)
	}
	return found, nil
}

func onePayout(ctx context.Context, tx tenant.Tx, where string, args ...any) (Payout, error) {
	found, err := payouts(ctx, tx, where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Payout{}, err
	}
	return found[0], nil
}

// Payouts lists the newest.
func Payouts(ctx context.Context, tx tenant.Tx, limit int) ([]Payout, error) {
	return payouts(ctx, tx, `order by arrives_on desc, id desc limit $1`, min(max(limit, 1), 200))
}

// GetPayout reads one; ErrNotFound.
func GetPayout(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Payout, error) {
	return onePayout(ctx, tx, `where id = $1`, id)
}

// LastPayout is when the newest payout of a provider arrived; zero: none.
func LastPayout(ctx context.Context, tx tenant.Tx, provider string) (time.Time, error) {
	var day *calendar.Date
	if err := tx.QueryRow(ctx, `select max(arrives_on) from payout where provider = $1`, provider).Scan(&day); err != nil || day == nil {
		return time.Time{}, err
	}
	return day.Start(time.UTC), nil
}

// arrivesWithin is how far a bank's day may lie from the one that a provider
// said.
const arrivesWithin = 7

// paidOut clears a payout by the bank's entry of it: the same amount about that
// day, named or from who pays out. Two of the same amount are for a person.
func (d *Desk) paidOut(ctx context.Context, tx tenant.Tx, e *Entry) (bool, error) {
	found, err := payouts(ctx, tx, `where entry_id is null and amount = $1 and currency = $2 and arrives_on between $3 and $4 order by arrives_on, id`,
		e.Amount.Decimal(), e.Amount.Currency(), e.Booked.AddDays(-arrivesWithin), e.Booked.AddDays(arrivesWithin))
	if err != nil || len(found) == 0 {
		return false, err
	}
	said := strings.ToLower(e.Party + " " + e.Text + " " + e.EndToEnd)
	for _, p := range found {
		if strings.Contains(said, strings.ToLower(p.Reference)) {
			return true, d.clear(ctx, tx, e, p)
		}
	}
	if len(found) == 1 && strings.Contains(said, found[0].Provider) {
		return true, d.clear(ctx, tx, e, found[0])
	}
	return false, nil
}

func (d *Desk) clear(ctx context.Context, tx tenant.Tx, e *Entry, p Payout) error {
	tag, err := tx.Exec(ctx, `update payout set entry_id = $2 where id = $1 and entry_id is null`, p.ID, e.ID)
	if err != nil {
		return fmt.Errorf("clear payout %s: %w", p.Reference, err)
	}
	if tag.RowsAffected() != 1 {
		return ErrEntryState
	}
	if err := post(ctx, tx, ledger.Payout, p.ID, ledger.Bank, ledger.Transit, e.Amount); err != nil {
		return err
	}
	return e.decide(ctx, tx, Matched, 100, byRule, []Part{{Kind: "payout", ID: p.ID, Amount: e.Amount.Decimal()}})
}
