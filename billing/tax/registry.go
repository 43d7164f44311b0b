package tax

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// Registry asks an authority whether a tax id is in use, as VIES does. No
// answer is ErrRegistryUnreachable, never a no.
type Registry interface {
	Lookup(ctx context.Context, q Inquiry) (Registration, error)
}

// Inquiry is what an authority is asked. With the asker's own id it numbers its
// answer.
type Inquiry struct {
	Country, ID           string
	AskerCountry, AskerID string
}

// Registration is an authority's answer.
type Registration struct {
	Valid   bool
	Name    string
	Address string
	At      time.Time
	Request string // the authority's own number of the question
}

// Errors of registers.
var (
	ErrRegistryUnreachable = errors.New("the register of tax ids gave no answer")
	ErrNoTaxID             = errors.New("the customer has no tax id of a country whose register can be asked")
)

// CheckResult is what came of asking.
type CheckResult string

// The results.
const (
	IDValid       CheckResult = "valid"
	IDInvalid     CheckResult = "invalid"
	IDUnreachable CheckResult = "unreachable"
)

// IDCheck is evidence of one question. It is never changed.
type IDCheck struct {
	ID            uuid.UUID
	Country       string
	TaxID         string
	Result        CheckResult
	Name, Address string
	Reference     string // the authority's number of its answer
	Reason        string // why there was none
	AnsweredAt    *time.Time
	AskedAt       time.Time
	AskedBy       string
}

// InquiryOf is what a register is asked about an account's customer;
// ErrNoTaxID where there is nothing to ask.
func InquiryOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (Inquiry, error) {
	var q Inquiry
	err := tx.QueryRow(ctx, `
		select p.tax_id, e.country, e.tax_id
		  from billing_account a
		  join party p on p.id = a.party_id
		  join legal_entity e on e.id = a.legal_entity
		 where a.id = $1`, accountID).Scan(&q.ID, &q.AskerCountry, &q.AskerID)
	if errors.Is(err, pgx.ErrNoRows) {
		return q, fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	if err != nil {
		return q, fmt.Errorf("tax id of account %s: %w", accountID, err)
	}
	if q.Country, err = CheckID(q.ID); err != nil || !InEU(q.Country) && q.Country != "XI" {
		return q, ErrNoTaxID
	}
	if country, err := CheckID(q.AskerID); err != nil || country != q.AskerCountry || !InEU(country) {
		q.AskerCountry, q.AskerID = "", "" // the register would refuse the question for it
	}
	q.ID = NormalID(q.ID)
	return q, nil
}

// AddCheck keeps what came of a question as evidence, and taxes the account by
// it from now on: whose id is not in use is no taxable business to the rules.
func AddCheck(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, q Inquiry, r Registration, asked error, by string) (IDCheck, error) {
	c := IDCheck{ID: uuid.Must(uuid.NewV7()), Country: q.Country, TaxID: q.ID, Name: r.Name, Address: r.Address, Reference: r.Request, AskedAt: tx.At, AskedBy: by}
	switch {
	case asked != nil:
		c = IDCheck{ID: c.ID, Country: q.Country, TaxID: q.ID, Result: IDUnreachable, Reason: asked.Error(), AskedAt: tx.At, AskedBy: by}
	case r.Valid:
		c.Result = IDValid
	default:
		c.Result = IDInvalid
	}
	if asked == nil {
		at := r.At
		if at.IsZero() {
			at = tx.At
		}
		c.AnsweredAt = &at
	}
	done, err := tx.Exec(ctx, `
		insert into tax_id_check (id, account_id, country, tax_id, result, name, address, reference, reason, answered_at, asked_at, asked_by)
		select $1, a.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 from billing_account a where a.id = $2 for no key update`,
		c.ID, accountID, c.Country, c.TaxID, c.Result, c.Name, c.Address, c.Reference, c.Reason, c.AnsweredAt, c.AskedAt, c.AskedBy)
	if err != nil {
		return IDCheck{}, fmt.Errorf("keep check of tax id: %w", err)
	}
	if done.RowsAffected() != 1 {
		return IDCheck{}, fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	return c, account.RefreshTaxStatus(ctx, tx, accountID)
}

// checksShown bounds a list of checks.
const checksShown = 50

// ChecksOf lists an account's checks, the latest first (tax_id_check_account).
func ChecksOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]IDCheck, error) {
	rows, err := tx.Query(ctx, `
		select id, country, tax_id, result, name, address, reference, reason, answered_at, asked_at, asked_by
		  from tax_id_check where account_id = $1 order by asked_at desc, id desc limit $2`, accountID, checksShown)
	if err != nil {
		return nil, fmt.Errorf("checks of account %s: %w", accountID, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[IDCheck])
	if err != nil {
		return nil, fmt.Errorf("checks of account %s: %w", accountID, err)
	}
	return list, nil
}
