package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// StoredKind is what a stored method of payment is.
type StoredKind string

// The kinds of stored method.
const (
	StoredCard StoredKind = "card"
	SEPADebit  StoredKind = "sepa_debit"
)

// StoredState says whether a stored method may be used.
type StoredState string

// The states of a stored method. An ended one stays for the record.
const (
	StoredPending StoredState = "pending" // its owner is on the provider's page
	StoredActive  StoredState = "active"
	StoredEnded   StoredState = "ended"
)

// StoredMethod is how an account has agreed to pay: by a card that its
// provider keeps, or by a debit mandate. No card or account number is in it.
type StoredMethod struct {
	ID               uuid.UUID // given by AddMethods where it is Nil
	AccountID        uuid.UUID
	Kind             StoredKind
	Provider         string // Stripe; empty: the operator collects by itself
	CustomerID       string // the payer, as the provider names it: cus_…
	MethodID         string // the card or mandate, as the provider names it: pm_…
	MandateReference string
	MandateDate      *calendar.Date
	MaskedIBAN       string // such as DE89…3000
	State            StoredState
	CreatedAt        time.Time
	EndedAt          *time.Time
	AutoPay          bool   // pays what falls due by itself
	Holder           string // of the bank account
	BIC              string
	UsedAt           *time.Time // last collected by
	Details          MethodDetails
}

// MethodDetails is what else is known of a stored method.
type MethodDetails struct {
	Card    *CardFact `json:"card,omitempty"`
	Signed  string    `json:"signed,omitempty"` // how a mandate was: "paper" or "portal"
	Failure string    `json:"failure,omitempty"`
	Scheme  string    `json:"scheme,omitempty"` // of a mandate: "B2B", or empty for CORE
	// Amendments are what of a mandate was changed and not told to the bank yet.
	Amendments []Amendment `json:"amendments,omitempty"`
}

// Amendment is a change of a mandate that its next debit tells the bank of.
type Amendment struct {
	OldReference string `json:"old_reference,omitempty"`
	OtherAccount bool   `json:"other_account,omitempty"` // the payer's account is another now
	OldCreditor  string `json:"old_creditor,omitempty"`
}

const selectMethod = `select id, account_id, kind, provider, customer_id, method_id, mandate_reference, mandate_date, masked_iban, state, created_at, ended_at,
	auto_pay, holder, bic, used_at, details from payment_method `

// ErrMethod means a stored method that cannot be: a mandate without reference
// and date, or a card without a provider.
var ErrMethod = errors.New("a mandate has a reference and a date, a card its provider's id")

func (m StoredMethod) check() error {
	switch {
	case m.Kind == SEPADebit && m.MandateReference != "" && m.MandateDate != nil:
	case m.Kind == StoredCard && m.Provider != "" && (m.CustomerID != "" || m.MethodID != ""):
	default:
		return fmt.Errorf("%w: %q", ErrMethod, m.Kind)
	}
	return nil
}

// AddMethods stores methods of payment, any number at once.
func AddMethods(ctx context.Context, tx tenant.Tx, methods []StoredMethod) ([]StoredMethod, error) {
	added, rows := make([]StoredMethod, len(methods)), make([][]any, len(methods))
	for i, m := range methods {
		if err := m.check(); err != nil {
			return nil, err
		}
		if m.ID == uuid.Nil {
			m.ID = uuid.Must(uuid.NewV7())
		}
		m.State, m.CreatedAt, m.EndedAt, m.UsedAt = StoredActive, tx.At, nil, nil
		added[i] = m
		rows[i] = []any{m.ID, m.AccountID, string(m.Kind), m.Provider, m.CustomerID, m.MethodID, m.MandateReference, m.MandateDate, m.MaskedIBAN, string(m.State), m.CreatedAt,
			m.AutoPay, m.Holder, m.BIC, m.Details}
	}
	columns := []string{"id", "account_id", "kind", "provider", "customer_id", "method_id", "mandate_reference", "mandate_date", "masked_iban", "state", "created_at",
		"auto_pay", "holder", "bic", "details"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"payment_method"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return nil, fmt.Errorf("store payment methods: %w", err)
	}
	return added, nil
}

// Methods lists an account's stored methods, ended ones last.
func Methods(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]StoredMethod, error) {
	rows, err := tx.Query(ctx, selectMethod+`where account_id = $1 and state <> 'pending' order by state, created_at, id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("list payment methods: %w", err)
	}
	methods, err := pgx.CollectRows(rows, pgx.RowToStructByPos[StoredMethod])
	if err != nil {
		return nil, fmt.Errorf("list payment methods: %w", err)
	}
	return methods, nil
}

// EndMethod stops a stored method from being used. One that has ended stays as
// it is; ErrNotFound where the account has no such one.
func EndMethod(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `
		update payment_method set state = 'ended', auto_pay = false, ended_at = coalesce(ended_at, $3)
		 where id = $1 and account_id = $2`, id, accountID, tx.At)
	if err != nil {
		return fmt.Errorf("end payment method %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("payment method %s: %w", id, ErrNotFound)
	}
	return forgetAtProvider(ctx, tx, id)
}

// customerOf is how a provider knows the account's payer; empty if it does not.
func customerOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, provider string) (string, error) {
	var customer string
	err := tx.QueryRow(ctx, `
		select customer_id from payment_method
		 where account_id = $1 and provider = $2 and state = 'active' and customer_id <> ''
		 order by created_at desc, id desc limit 1`, accountID, provider).Scan(&customer)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the payer at %s: %w", provider, err)
	}
	return customer, nil
}

// Name is a stored method as its owner knows it: the card or account with its
// last digits.
func (m StoredMethod) Name() string {
	switch {
	case m.Kind == SEPADebit:
		return strings.TrimSpace("SEPA " + m.MaskedIBAN)
	case m.Details.Card != nil:
		c := m.Details.Card
		return fmt.Sprintf("%s •••• %s, %02d/%02d", c.Brand, c.Last4, c.ExpMonth, c.ExpYear%100)
	}
	return "Card"
}
