package bill

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Certificate shows that a buyer paid tax that it kept back of a bill to the
// tax office, in the seller's name.
type Certificate struct {
	ID     uuid.UUID // of the command: a repeat changes nothing; Nil takes a new one
	BillID uuid.UUID
	Number string
	Amount *money.Amount // nil: all that the bill says, as far as no other certificate has shown it
	By     string
}

// Errors of certificates.
var (
	ErrNothingWithheld   = errors.New("the bill names no tax that the buyer keeps back")
	ErrCertificateNumber = errors.New("a certificate has a number of 1 to 100 characters")
	ErrCertificateAmount = errors.New("a certificate is for no more than was kept back and is open still")
)

const selectCertified = `
	select coalesce(sum(a.amount - a.reversed), 0)
	from payment p
	join payment_allocation a on a.payment_id = p.id
	join open_item i on i.id = a.open_item_id
	where i.bill_id = $1 and p.method = 'withholding'`

// TakeCertificate pays the part of a bill that the buyer kept back for the tax
// office, which owes it to the seller from now on. It takes its locks in the
// order account, open items.
func TakeCertificate(ctx context.Context, tx tenant.Tx, c Certificate) (taken money.Amount, err error) {
	c.Number = strings.TrimSpace(c.Number)
	if c.Number == "" || len([]rune(c.Number)) > 100 {
		return taken, ErrCertificateNumber
	}
	a, head, err := lockAccountOf(ctx, tx, c.BillID)
	if err != nil {
		return taken, err
	}
	if c.ID == uuid.Nil {
		c.ID = uuid.Must(uuid.NewV7())
	} else if taken, known, err := takenBefore(ctx, tx, c, a.Currency); known || err != nil {
		return taken, err
	}
	d, err := GetDocument(ctx, tx, c.BillID)
	if err != nil {
		return taken, err
	}
	if d.Withheld == nil || head.State != Final {
		return taken, fmt.Errorf("%s: %w", d.Number, ErrNothingWithheld)
	}
	items, err := lockItems(ctx, tx, c.BillID)
	if err != nil {
		return taken, err
	}
	var certified, open money.Decimal
	if err := tx.QueryRow(ctx, selectCertified, c.BillID).Scan(&certified); err != nil {
		return taken, fmt.Errorf("read certificates of %s: %w", d.Number, err)
	}
	for _, i := range items {
		open = open.Add(i.open)
	}
	left := d.Withheld.Amount.Decimal().Sub(certified)
	amount := left
	if c.Amount != nil {
		amount = c.Amount.Decimal()
		if c.Amount.Currency() != a.Currency {
			return taken, money.ErrCurrencyMismatch
		}
	}
	if amount.Sign() <= 0 || amount.Cmp(left) > 0 || amount.Cmp(open) > 0 || !money.New(amount, a.Currency).RoundToDocument().Decimal().Equal(amount) {
		return taken, fmt.Errorf("%s of %s, %s open: %w", amount, left, open, ErrCertificateAmount)
	}
	post := &poster{account: a.ID, unit: a.Currency.Unit()}
	post.move(ledger.General(ledger.TaxWithheld), ledger.Of(ledger.CustomerCredit, a.ID), amount)
	event := ledger.Event{Kind: ledger.Payment, ID: c.ID, At: tx.At, LegalEntity: a.LegalEntity, Branch: a.Branch}
	if err := ledger.Post(ctx, tx, event, post.transfers); err != nil {
		return taken, fmt.Errorf("certificate %s: %w", c.Number, err)
	}
	_, err = gift{id: c.ID, account: a, method: "withholding", amount: amount, reference: c.Number, by: c.By, entity: a.LegalEntity, branch: a.Branch}.give(ctx, tx, items)
	return money.New(amount, a.Currency), err
}

// takenBefore finds what a repeated command has done.
func takenBefore(ctx context.Context, tx tenant.Tx, c Certificate, currency money.Currency) (money.Amount, bool, error) {
	var method, reference string
	var amount money.Decimal
	err := tx.QueryRow(ctx, `select method, reference, amount from payment where id = $1`, c.ID).Scan(&method, &reference, &amount)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return money.Amount{}, false, nil
	case err != nil:
		return money.Amount{}, false, fmt.Errorf("read certificate: %w", err)
	case method != "withholding" || reference != c.Number:
		return money.Amount{}, false, ErrNoteID
	}
	return money.New(amount, currency), true, nil
}
