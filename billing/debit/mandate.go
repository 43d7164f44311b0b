package debit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/bank"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Sealer keeps account numbers unreadable in the database.
type Sealer interface {
	Seal(name string, clear []byte) ([]byte, error)
	Unseal(name string, sealed []byte) ([]byte, error)
}

// Desk keeps mandates and collects by them.
type Desk struct{ Seal Sealer }

// lapseMonths is how long a mandate is good without a debit (SEPA Core rulebook).
const lapseMonths = 36

// How a mandate was signed.
const (
	OnPaper  = "paper"
	InPortal = "portal"
)

var (
	// ErrReference means that another mandate has this reference.
	ErrReference = errors.New("another mandate has this reference")
	// ErrMandate means that the account has no such mandate.
	ErrMandate = errors.New("the account has no such mandate")
	// ErrNoCreditor means that the operator has no creditor identifier.
	ErrNoCreditor = errors.New("direct debits are not set up: a creditor identifier is missing")
)

var referencePattern = regexp.MustCompile(`^[A-Za-z0-9+?/:().,' -]{1,35}$`)

// NewMandate is a mandate as its payer has signed it.
type NewMandate struct {
	ID        uuid.UUID // of the command
	AccountID uuid.UUID
	Holder    string
	IBAN      string
	BIC       string
	Reference string        // empty: made of the account's number
	SignedOn  calendar.Date // zero: today
	Signed    string        // OnPaper or InPortal
	Scheme    string        // CORE or B2B; empty: CORE
}

// Sign keeps a mandate. account.FieldError names what is wrong with it. The same
// id again changes nothing.
func (d *Desk) Sign(ctx context.Context, tx tenant.Tx, n NewMandate) (payment.StoredMethod, error) {
	if known, err := payment.GetMethod(ctx, tx, n.ID); err == nil {
		if known.AccountID != n.AccountID {
			return known, payment.ErrKeyReused
		}
		return known, nil
	}
	holder, err := account.Lock(ctx, tx, n.AccountID)
	if err != nil {
		return payment.StoredMethod{}, err
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return payment.StoredMethod{}, err
	}
	today := calendar.DateOf(tx.At, zone)
	if n.SignedOn.IsZero() {
		n.SignedOn = today
	}
	n.IBAN, n.BIC, n.Holder = bank.Plain(n.IBAN), strings.ToUpper(strings.TrimSpace(n.BIC)), strings.TrimSpace(n.Holder)
	if n.Reference = strings.TrimSpace(n.Reference); n.Reference == "" {
		n.Reference = "M" + holder.Number + "-" + strings.ToUpper(n.ID.String()[24:])
	}
	if err := n.check(today); err != nil {
		return payment.StoredMethod{}, err
	}
	if n.Scheme == pain.Core {
		n.Scheme = ""
	}
	if n.Scheme == pain.B2B {
		party, err := account.GetParty(ctx, tx, holder.PartyID)
		if err != nil {
			return payment.StoredMethod{}, err
		}
		if party.Kind != account.Organization { // B2B rulebook: consumers keep their right to a refund
			return payment.StoredMethod{}, &account.FieldError{Field: "scheme", Want: "CORE: only a business can sign a B2B mandate"}
		}
	}
	added, err := payment.AddMethods(ctx, tx, []payment.StoredMethod{{ID: n.ID, AccountID: n.AccountID, Kind: payment.SEPADebit, MandateReference: n.Reference,
		MandateDate: &n.SignedOn, MaskedIBAN: Mask(n.IBAN), Holder: n.Holder, BIC: n.BIC, AutoPay: true, Details: payment.MethodDetails{Signed: n.Signed, Scheme: n.Scheme}}})
	if err != nil {
		return payment.StoredMethod{}, err
	}
	return added[0], d.putIBAN(ctx, tx, n.ID, n.IBAN)
}

func (n NewMandate) check(today calendar.Date) error {
	fault := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case n.Holder == "" || len(n.Holder) > 70:
		return fault("holder", "the account holder's name, at most 70 characters")
	case !bank.ValidIBAN(n.IBAN):
		return fault("iban", "an IBAN with its check digits, such as DE89 3704 0044 0532 0130 00")
	case n.BIC != "" && !bank.ValidCode(n.BIC):
		return fault("bic", "a bank's code (BIC), or nothing")
	case !referencePattern.MatchString(n.Reference):
		return fault("reference", "1 to 35 letters, digits or one of + ? / : ( ) . , ' -")
	case n.SignedOn.After(today):
		return fault("signed_on", "a day that is not in the future")
	case n.Signed != OnPaper && n.Signed != InPortal:
		return fault("signed", "paper or portal")
	case n.Scheme != "" && n.Scheme != pain.Core && n.Scheme != pain.B2B:
		return fault("scheme", "CORE or B2B")
	case n.Scheme == pain.B2B && n.Signed != OnPaper:
		return fault("signed", "paper: a B2B mandate is lodged with the payer's bank before the first debit")
	}
	return nil
}

func (d *Desk) putIBAN(ctx context.Context, tx tenant.Tx, id uuid.UUID, iban string) error {
	sealed, err := d.Seal.Seal(payment.SealName(id), []byte(iban))
	if err != nil {
		return fmt.Errorf("seal account number: %w", err)
	}
	_, err = tx.Exec(ctx, `update payment_method set iban = $2, masked_iban = $3 where id = $1`, id, sealed, Mask(iban))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "payment_method_mandate" {
		return ErrReference
	}
	if err != nil {
		return fmt.Errorf("keep mandate: %w", err)
	}
	return nil
}

// Mask leaves of an account number what tells its owner that it is theirs.
func Mask(iban string) string {
	const shown = 4
	if len(iban) < 2*shown {
		return "…"
	}
	return iban[:shown] + "…" + iban[len(iban)-shown:]
}

// Amendment is a change of a mandate: the bank is told with the next debit.
type Amendment struct {
	AccountID uuid.UUID
	MethodID  uuid.UUID
	IBAN      string // empty: stays
	BIC       string
	Holder    string // empty: stays
	Reference string // empty: stays
}

// Amend changes a mandate that stays the same one.
func (d *Desk) Amend(ctx context.Context, tx tenant.Tx, a Amendment) (payment.StoredMethod, error) {
	if _, err := account.Lock(ctx, tx, a.AccountID); err != nil {
		return payment.StoredMethod{}, err
	}
	m, err := payment.GetMethod(ctx, tx, a.MethodID)
	if err != nil || m.AccountID != a.AccountID || m.Kind != payment.SEPADebit || m.State != payment.StoredActive {
		return payment.StoredMethod{}, ErrMandate
	}
	fault := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	var change payment.Amendment
	if a.Reference = strings.TrimSpace(a.Reference); a.Reference != "" && a.Reference != m.MandateReference {
		if !referencePattern.MatchString(a.Reference) {
			return m, fault("reference", "1 to 35 letters, digits or one of + ? / : ( ) . , ' -")
		}
		change.OldReference, m.MandateReference = m.MandateReference, a.Reference
	}
	iban := bank.Plain(a.IBAN)
	if iban != "" {
		if !bank.ValidIBAN(iban) {
			return m, fault("iban", "an IBAN with its check digits")
		}
		change.OtherAccount, m.BIC = true, strings.ToUpper(strings.TrimSpace(a.BIC))
	}
	if holder := strings.TrimSpace(a.Holder); holder != "" {
		m.Holder = holder
	}
	if change != (payment.Amendment{}) && m.UsedAt != nil { // before the first debit there is nothing to amend
		m.Details.Amendments = append(m.Details.Amendments, change)
	}
	m.Details.Failure = ""
	_, err = tx.Exec(ctx, `update payment_method set mandate_reference = $2, holder = $3, bic = $4, details = $5 where id = $1`,
		m.ID, m.MandateReference, m.Holder, m.BIC, m.Details)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "payment_method_mandate" {
		return m, ErrReference
	}
	if err != nil {
		return m, fmt.Errorf("amend mandate: %w", err)
	}
	if iban != "" {
		m.MaskedIBAN = Mask(iban)
		err = d.putIBAN(ctx, tx, m.ID, iban)
	}
	return m, err
}

// Lapsed says whether a mandate was not used for too long.
func Lapsed(m payment.StoredMethod, on calendar.Date) bool {
	last := calendar.Date{}
	if m.MandateDate != nil {
		last = *m.MandateDate
	}
	if m.UsedAt != nil {
		last = calendar.Date{Year: m.UsedAt.Year(), Month: m.UsedAt.Month(), Day: m.UsedAt.Day()}
	}
	return last.AddMonths(lapseMonths).Before(on)
}
