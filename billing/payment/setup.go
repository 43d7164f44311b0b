package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// CardKeeper stores cards without a payment. A CardProvider that can is one.
type CardKeeper interface {
	// SetUp opens a page on which a card is stored.
	SetUp(context.Context, SetupRequest) (Checkout, error)
	// LookupSetup tells what has become of it: EventCardKept with Card,
	// EventCardFailed, or EventIgnored.
	LookupSetup(context.Context, LookupRequest) (ProviderEvent, error)
	// Card tells what may be shown of a stored card: EventCardDetails.
	Card(context.Context, LookupRequest) (ProviderEvent, error)
	// Forget removes a stored card. One that is gone already is no error.
	Forget(ctx context.Context, r LookupRequest, key string) error
}

// SetupRequest asks for a page on which a card is stored.
type SetupRequest struct {
	Tenant     tenant.ID
	Sandbox    bool
	Method     uuid.UUID
	Key        string
	Customer   string // the payer as the provider knows it; empty: not known
	Email      string
	Language   string
	SuccessURL string
	CancelURL  string
}

// SetupOrder is a wish to store a card.
type SetupOrder struct {
	ID                    uuid.UUID // of the command, and of the method: a repeat gets the same page
	AccountID             uuid.UUID
	AutoPay               bool // it pays what falls due by itself
	Email, Language       string
	SuccessURL, CancelURL string // "{method}" in them becomes the method's id
}

// SetUp opens a page on which a card is stored, for charges while its owner is
// away. No card number reaches us.
func (t *Till) SetUp(ctx context.Context, ref tenant.Ref, o SetupOrder) (url string, err error) {
	provider, err := t.provider(ref, Stripe)
	if err != nil {
		return "", err
	}
	keeper, can := provider.(CardKeeper)
	if !can {
		return "", ErrProviderNotConfigured
	}
	var customer string
	err = t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if _, err = readPayer(ctx, tx, o.AccountID); err != nil {
			return err
		}
		if err := WantCard(ctx, tx, o); err != nil {
			return err
		}
		customer, err = customerOf(ctx, tx, o.AccountID, Stripe)
		return err
	})
	if err != nil {
		return "", err
	}
	named := strings.NewReplacer("{method}", o.ID.String())
	page, err := keeper.SetUp(ctx, SetupRequest{Tenant: ref.ID, Sandbox: ref.Sandbox, Method: o.ID, Key: "setup:" + o.ID.String(), Customer: customer,
		Email: o.Email, Language: o.Language, SuccessURL: named.Replace(o.SuccessURL), CancelURL: named.Replace(o.CancelURL)})
	if err != nil {
		return "", err
	}
	return page.URL, t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		// a webhook may have been faster: then the name is the card's already
		_, err := tx.Exec(ctx, `update payment_method set method_id = $2 where id = $1 and state = 'pending'`, o.ID, page.Ref)
		return err
	})
}

// WantCard stores the wish to keep a card, before the provider hears of it.
func WantCard(ctx context.Context, tx tenant.Tx, o SetupOrder) error {
	tag, err := tx.Exec(ctx, `
		insert into payment_method (id, account_id, kind, provider, state, created_at, auto_pay)
		values ($1, $2, 'card', $3, 'pending', $4, $5) on conflict (id) do nothing`, o.ID, o.AccountID, Stripe, tx.At, o.AutoPay)
	if err != nil {
		return fmt.Errorf("want a card: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	known, err := GetMethod(ctx, tx, o.ID)
	if err == nil && known.AccountID != o.AccountID {
		err = fmt.Errorf("%w: payment method %s", ErrKeyReused, o.ID)
	}
	return err
}

// RefreshSetup asks the provider what has become of a card that is being
// stored; its answer is to be applied as a webhook would be.
func (t *Till) RefreshSetup(ctx context.Context, ref tenant.Ref, id uuid.UUID) (ProviderEvent, error) {
	return t.ofMethod(ctx, ref, id, func(keeper CardKeeper, m StoredMethod) (ProviderEvent, error) {
		r := LookupRequest{Tenant: ref.ID, Sandbox: ref.Sandbox, Ref: m.MethodID}
		switch {
		case m.State == StoredPending && m.MethodID != "":
			return keeper.LookupSetup(ctx, r)
		case m.State == StoredActive && m.Details.Card == nil && m.MethodID != "":
			return keeper.Card(ctx, r)
		case m.State == StoredEnded && m.MethodID != "":
			return ProviderEvent{Kind: EventIgnored}, keeper.Forget(ctx, r, "forget:"+m.ID.String())
		}
		return ProviderEvent{Kind: EventIgnored}, nil
	})
}

func (t *Till) ofMethod(ctx context.Context, ref tenant.Ref, id uuid.UUID, ask func(CardKeeper, StoredMethod) (ProviderEvent, error)) (ProviderEvent, error) {
	nothing := ProviderEvent{Kind: EventIgnored}
	var m StoredMethod
	err := t.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		m, err = GetMethod(ctx, tx, id)
		return err
	})
	if err != nil || m.Provider == "" {
		return nothing, err
	}
	provider, err := t.provider(ref, m.Provider)
	if err != nil {
		return nothing, err
	}
	keeper, can := provider.(CardKeeper)
	if !can {
		return nothing, nil
	}
	event, err := ask(keeper, m)
	if err != nil && refusedForGood(err) {
		return nothing, nil // the card is gone there: nothing to learn
	}
	return event, err
}

// applyCard takes over what a provider tells of stored cards.
func applyCard(ctx context.Context, tx tenant.Tx, e ProviderEvent) (Outcome, error) {
	if e.Kind == EventCardDetails {
		return done(""), showCard(ctx, tx, e)
	}
	m, err := GetMethod(ctx, tx, e.Setup)
	if errors.Is(err, ErrNoMethod) {
		return parked("no card %s was wanted here", e.Setup), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	if _, err := lockPayer(ctx, tx, m.AccountID); err != nil {
		return Outcome{}, err
	}
	if m, err = GetMethod(ctx, tx, e.Setup); err != nil {
		return Outcome{}, err
	}
	if m.State != StoredPending {
		return done("the card is " + string(m.State) + " already"), nil
	}
	if e.Kind == EventCardFailed {
		m.Details.Failure = e.Failure
		_, err := tx.Exec(ctx, `update payment_method set details = $2 where id = $1`, m.ID, m.Details)
		return done(""), err
	}
	return done(""), keepWanted(ctx, tx, m, e)
}

// keepWanted makes a card that was wanted one that can be charged. The same card
// stored a second time replaces the first.
func keepWanted(ctx context.Context, tx tenant.Tx, m StoredMethod, e ProviderEvent) error {
	_, err := tx.Exec(ctx, `update payment_method set state = 'ended', auto_pay = false, ended_at = $4
		where account_id = $1 and provider = $2 and method_id = $3 and state = 'active' and id <> $5`, m.AccountID, m.Provider, e.KeptMethod, tx.At, m.ID)
	if err != nil {
		return fmt.Errorf("keep card: %w", err)
	}
	m.Details.Card, m.Details.Failure = e.Card, ""
	_, err = tx.Exec(ctx, `update payment_method set state = 'active', customer_id = $2, method_id = $3, details = $4 where id = $1 and state = 'pending'`,
		m.ID, e.KeptCustomer, e.KeptMethod, m.Details)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation {
		return fmt.Errorf("keep card: %w", ErrKeyReused)
	}
	if err != nil {
		return fmt.Errorf("keep card: %w", err)
	}
	if m.AutoPay {
		if err := SetAutoPay(ctx, tx, m.AccountID, m.ID, true); err != nil {
			return err
		}
	}
	if e.Card == nil {
		return askForDetails(ctx, tx, m.ID)
	}
	return nil
}

// showCard keeps what may be shown of stored cards.
func showCard(ctx context.Context, tx tenant.Tx, e ProviderEvent) error {
	if e.Card == nil {
		return nil
	}
	_, err := tx.Exec(ctx, `update payment_method set details = details || jsonb_build_object('card', $3::jsonb) where provider = $1 and method_id = $2`,
		e.Provider, e.KeptMethod, mustJSON(e.Card))
	if err != nil {
		return fmt.Errorf("show card: %w", err)
	}
	return nil
}

// askForDetails has the provider asked what a stored card looks like.
func askForDetails(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.StoredCard, Ref: id, DueAt: tx.At})
}

// forgetAtProvider has a card that its owner took back removed there as well.
func forgetAtProvider(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	m, err := GetMethod(ctx, tx, id)
	if err != nil || m.Provider == "" || !strings.HasPrefix(m.MethodID, "pm_") {
		return err
	}
	var others bool
	err = tx.QueryRow(ctx, `select exists (select from payment_method where provider = $1 and method_id = $2 and state = 'active')`, m.Provider, m.MethodID).Scan(&others)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("look for the card elsewhere: %w", err)
	}
	if others {
		return nil
	}
	return agenda.Again(ctx, tx, agenda.StoredCard, id, nil)
}
