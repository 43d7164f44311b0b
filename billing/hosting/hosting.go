package hosting

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Told is what the control plane says of an operator's contracts.
type Told struct {
	Contracts []Contract `json:"contracts"` // the newest first
	Charges   []Charge   `json:"charges"`   // the newest first
}

// Contract is one that has begun.
type Contract struct {
	ID        uuid.UUID      `json:"id"`
	Model     string         `json:"model"`
	Place     string         `json:"place"`
	State     string         `json:"state"`
	From      calendar.Date  `json:"from"`
	Until     *calendar.Date `json:"until,omitempty"` // the day after its last
	Reference string         `json:"reference,omitempty"`
	Terms     []Term         `json:"terms"`
	Tiers     []Tier         `json:"tiers,omitempty"` // of a share of revenue
	Plan      []Instalment   `json:"plan,omitempty"`  // of a lease
	BuyOut    *money.Amount  `json:"buy_out,omitempty"`
	BuyOutOn  *calendar.Date `json:"buy_out_on,omitempty"` // the day for which that is the price
}

// Term is one thing that was agreed: an amount without tax, a percentage, or a
// number of months.
type Term struct {
	Code    string         `json:"code"`
	Amount  *money.Amount  `json:"amount,omitempty"`
	Percent *money.Decimal `json:"percent,omitempty"`
	Months  int            `json:"months,omitempty"`
}

// Tier is a slice of what is collected in a month up to an amount; the last has
// none.
type Tier struct {
	UpTo    *money.Amount `json:"up_to,omitempty"`
	Percent money.Decimal `json:"percent"`
}

// Instalment is one payment of a lease, without tax.
type Instalment struct {
	No          int           `json:"no"`
	Due         calendar.Date `json:"due"`
	Amount      money.Amount  `json:"amount"`
	Outstanding money.Amount  `json:"outstanding"` // after it
}

// Charge is what a contract came to, without tax.
type Charge struct {
	Words   map[string]string `json:"words"` // by language
	From    calendar.Date     `json:"from"`
	To      calendar.Date     `json:"to"` // the day after its last
	Amount  money.Amount      `json:"amount"`
	Base    *money.Amount     `json:"base,omitempty"` // what was collected, of a share
	Missing int               `json:"missing,omitempty"`
}

// Bill is a document of the hosting company's books.
type Bill struct {
	ID     uuid.UUID     `json:"id"`
	Number string        `json:"number"`
	Kind   string        `json:"kind"`
	Issued calendar.Date `json:"issued"`
	Due    calendar.Date `json:"due"`
	Total  money.Amount  `json:"total"` // with tax
	Open   money.Amount  `json:"open"`  // what is left to pay
	Voided bool          `json:"voided,omitempty"`
}

// ErrNotFound means that there is no such bill.
var ErrNotFound = errors.New("there is no such bill of the hosting company")

// Tell replaces what was told before. At is the control plane's wall time.
func Tell(ctx context.Context, tx tenant.Tx, told Told, at time.Time) error {
	_, err := tx.Exec(ctx, `
		insert into hosting_told (id, told, told_at) values (1, $1, $2)
		on conflict (id) do update set told = excluded.told, told_at = excluded.told_at`, told, at)
	if err != nil {
		return fmt.Errorf("keep what was told of hosting: %w", err)
	}
	return nil
}

// Get reads what was told last; at is zero while nothing was.
func Get(ctx context.Context, tx tenant.Tx) (told Told, at time.Time, err error) {
	err = tx.QueryRow(ctx, `select told, told_at from hosting_told where id = 1`).Scan(&told, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return Told{}, time.Time{}, nil
	}
	if err != nil {
		return Told{}, time.Time{}, fmt.Errorf("read what was told of hosting: %w", err)
	}
	return told, at.UTC(), nil
}

// Unknown says which of some bills have no document here yet, and notes how
// those stand that have.
func Unknown(ctx context.Context, tx tenant.Tx, bills []Bill) (missing []Bill, err error) {
	for _, b := range bills {
		done, err := tx.Exec(ctx, `update hosting_bill set open = $2, voided = $3 where id = $1`, b.ID, b.Open.Decimal(), b.Voided)
		if err != nil {
			return nil, fmt.Errorf("note how bill %s stands: %w", b.Number, err)
		}
		if done.RowsAffected() == 0 {
			missing = append(missing, b)
		}
	}
	return missing, nil
}

// Add keeps a bill with its document as PDF. The same again changes nothing.
func Add(ctx context.Context, tx tenant.Tx, b Bill, document []byte) error {
	_, err := tx.Exec(ctx, `
		insert into hosting_bill (id, number, kind, issued, due, total, open, currency, voided, document)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (id) do nothing`,
		b.ID, b.Number, b.Kind, b.Issued, b.Due, b.Total.Decimal(), b.Open.Decimal(), b.Total.Currency(), b.Voided, document)
	if err != nil {
		return fmt.Errorf("keep bill %s of the hosting company: %w", b.Number, err)
	}
	return nil
}

// maxBills bounds what is listed: ten years of monthly bills.
const maxBills = 120

// Bills lists the hosting company's bills, the newest first.
func Bills(ctx context.Context, tx tenant.Tx) ([]Bill, error) {
	rows, err := tx.Query(ctx, `
		select id, number, kind, issued, due, total, open, currency, voided from hosting_bill
		 order by issued desc, id desc limit $1`, maxBills)
	if err != nil {
		return nil, fmt.Errorf("list bills of the hosting company: %w", err)
	}
	bills, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Bill, err error) {
		var total, open money.Decimal
		var currency money.Currency
		err = row.Scan(&b.ID, &b.Number, &b.Kind, &b.Issued, &b.Due, &total, &open, &currency, &b.Voided)
		b.Total, b.Open = money.New(total, currency), money.New(open, currency)
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("list bills of the hosting company: %w", err)
	}
	return bills, nil
}

// Document reads a bill's PDF; ErrNotFound if there is none.
func Document(ctx context.Context, tx tenant.Tx, id uuid.UUID) (number string, document []byte, err error) {
	err = tx.QueryRow(ctx, `select number, document from hosting_bill where id = $1`, id).Scan(&number, &document)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil, ErrNotFound
	}
	if err != nil {
		return "", nil, fmt.Errorf("read bill %s of the hosting company: %w", id, err)
	}
	return number, document, nil
}
