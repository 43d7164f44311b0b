package voucher

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
)

// Fetch gives a batch's list of PINs as CSV, once: afterwards nobody can read
// them any more. A repeat of the command is answered from what was stored with
// it, not by this.
func (d Desk) Fetch(ctx context.Context, tx tenant.Tx, batch uuid.UUID, by string) ([]byte, error) {
	b, err := lockBatch(ctx, tx, batch)
	if err != nil {
		return nil, err
	}
	if b.FetchedAt != nil {
		return nil, fmt.Errorf("batch %s: %w", b.Code, ErrFetched)
	}
	var kept []byte
	if err := tx.QueryRow(ctx, `select sealed_pins from voucher_batch where id = $1`, batch).Scan(&kept); err != nil {
		return nil, fmt.Errorf("read PINs of batch %s: %w", b.Code, err)
	}
	clear, err := d.Seal.Unseal(sealName(batch), kept)
	if err != nil {
		return nil, fmt.Errorf("open PINs of batch %s: %w", b.Code, err)
	}
	tag, err := tx.Exec(ctx, `update voucher_batch set sealed_pins = null, fetched_at = $2, fetched_by = $3 where id = $1 and fetched_at is null`, batch, tx.At, by)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrFetched
	}
	if err != nil {
		return nil, fmt.Errorf("hand out PINs of batch %s: %w", b.Code, err)
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return nil, err
	}
	return b.list(strings.Split(string(clear), "\n"), calendar.DateOf(b.ExpiresAt.Add(-1), zone))
}

// list writes the PINs with what a printer puts beside them.
func (b Batch) list(pins []string, last calendar.Date) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"serial", "pin", "value", "currency", "valid_through"}}
	for i, pin := range pins {
		rows = append(rows, []string{b.Serial(i + 1), FormatPIN(pin), b.Value.Text(), b.Value.Currency().Code(), last.String()})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write PINs: %w", err)
	}
	return out.Bytes(), nil
}

// Serial is what is printed on a voucher, and read out to whoever helps.
func (b Batch) Serial(n int) string { return b.Code + "-" + fmt.Sprintf("%06s", strconv.Itoa(n)) }

const batchColumns = `id, code, value, currency, count, price, channel, dealer, expires_at, fetched_at, fetched_by, legal_entity, branch, created_by, created_at, single_purpose`

func lockBatch(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Batch, error) {
	return oneBatch(ctx, tx, `select `+batchColumns+` from voucher_batch where id = $1 for no key update`, id)
}

func oneBatch(ctx context.Context, tx tenant.Tx, query string, id uuid.UUID) (Batch, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Batch{}, fmt.Errorf("read batch: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanBatch)
	if errors.Is(err, pgx.ErrNoRows) {
		return Batch{}, fmt.Errorf("batch %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Batch{}, fmt.Errorf("read batch: %w", err)
	}
	return b, nil
}

// Sealed lists what the package keeps sealed: PINs that nobody has fetched.
func Sealed() []sealed.Place {
	return []sealed.Place{sealed.Column{
		Name:   "voucher_batch.sealed_pins",
		First:  []string{uuid.Nil.String()},
		AtOnce: 5, // a list may be of a megabyte
		Read: `select array[id::text], sealed_pins from voucher_batch
		        where sealed_pins is not null and id > ($1::text[])[1]::uuid order by id limit $2 for update`,
		Write:  `update voucher_batch set sealed_pins = $2 where id = ($1::text[])[1]::uuid and sealed_pins is not null`,
		Sealed: func(key []string) string { return sealName(uuid.MustParse(key[0])) }, // a key of ours
	}}
}
