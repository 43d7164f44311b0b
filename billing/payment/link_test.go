package payment_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// link makes a link to pay a bill, or all that the account owes.
func (d *desk) link(t testing.TB, bill uuid.UUID, life time.Duration) (token string, made payment.Link) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		token, made, err = payment.CreateLink(ctx, tx, payment.NewLink{AccountID: d.account, BillID: bill, Life: life, By: "user:clerk"})
		return err
	})
	return token, made
}

// payLink goes through a link as its holder's browser does.
func (s *shop) payLink(ctx context.Context, token string) (payment.Intent, error) {
	var n payment.NewIntent
	err := s.DB.Write(ctx, s.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		n, err = payment.BeginLink(ctx, tx, token, audit.Caller{WallAt: time.Now()})
		return err
	})
	if err != nil {
		return payment.Intent{}, err
	}
	return s.till.Checkout(ctx, s.Ref, payment.CheckoutOrder{NewIntent: n, Stranger: true, Description: "Operator", Language: "en",
		SuccessURL: "http://127.0.0.1:1/?paid={intent}", CancelURL: "http://127.0.0.1:1/?canceled={intent}"})
}

func openLink(t testing.TB, d *desk, token string) (due payment.LinkDue, err error) {
	t.Helper()
	err = d.DB.Read(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		due, err = payment.OpenLink(ctx, tx, token)
		return err
	})
	return due, err
}

func TestLink_isPaidOnceAndThenSaysSo(t *testing.T) {
	t.Parallel()
	s := newShop(t, account.Postpaid, true)
	paid, other := s.owe(t, "40.11", "2026-06-15"), s.owe(t, "10", "2026-07-15")
	token, _ := s.link(t, paid, 0)
	due, err := openLink(t, s.desk, token)
	if err != nil || due.Total.Text() != "40.11" || len(due.Items) != 1 || due.Intent != nil {
		t.Fatalf("link tells %+v, %v", due, err)
	}
	// pressed many times at once, by as many holders: one payment
	var wait sync.WaitGroup
	begun := make([]payment.Intent, 8)
	for i := range begun {
		wait.Go(func() {
			var err error
			if begun[i], err = s.payLink(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, one := range begun {
		if one.ID != begun[0].ID || one.CheckoutURL != begun[0].CheckoutURL || one.Amount.Text() != "40.11" {
			t.Fatalf("began %s of %s, and %s", one.ID, one.Amount, begun[0].ID)
		}
	}
	s.typeCard(t, begun[0].CheckoutURL, "4242424242424242")
	s.drain(t)
	due, err = openLink(t, s.desk, token)
	if err != nil || !due.Total.IsZero() || due.Intent == nil || due.Intent.State != payment.IntentSucceeded {
		t.Fatalf("after it was paid the link tells %+v, %v", due, err)
	}
	if _, err := s.payLink(t.Context(), token); !errors.Is(err, payment.ErrNothingOwed) {
		t.Errorf("paid again: %v", err)
	}
	if open := s.open(t); open[other] != "10.00" || open[paid] != "" {
		t.Errorf("open are %v", open)
	}
}

func TestLink_ofAllThatIsOwedFollowsIt(t *testing.T) {
	t.Parallel()
	s := newShop(t, account.Postpaid, true)
	s.owe(t, "40", "2026-06-15")
	token, _ := s.link(t, uuid.Nil, 0)
	first, err := s.payLink(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	// more is owed before anybody paid: the amount is that of now, never the form's
	s.owe(t, "2.50", "2026-07-15")
	second, err := s.payLink(t.Context(), token)
	if err != nil || second.ID == first.ID || second.Amount.Text() != "42.50" {
		t.Errorf("then it is %s %s, %v", second.ID, second.Amount, err)
	}
}

// Every attack gets the same answer: nobody learns which tokens are real.
func TestLink_attacksLookAlike(t *testing.T) {
	t.Parallel()
	host := pgtest.NewHost(t)
	own := openDesk(t, host.Place(t, 0, pgtest.Options{}), account.Postpaid)
	foreign := openDesk(t, host.Place(t, 1, pgtest.Options{}), account.Postpaid)
	for _, d := range []*desk{own, foreign} {
		d.owe(t, "40", "2026-06-15")
	}
	good, _ := own.link(t, uuid.Nil, 0)
	theirs, _ := foreign.link(t, uuid.Nil, 0)
	revoked, link := own.link(t, uuid.Nil, 0)
	short, _ := own.link(t, uuid.Nil, time.Minute)
	own.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return payment.RevokeLink(ctx, tx, own.account, link.ID)
	})
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil || len(raw) != 32 {
		t.Fatalf("a token has %d bytes, %v", len(raw), err)
	}
	raw[31] ^= 1
	own.SetClock(t, link.CreatedAt.Add(2*time.Minute))
	for name, token := range map[string]string{
		"none": "", "a guess": base64.RawURLEncoding.EncodeToString(raw), "its hash's text": good + "=", "a wildcard": "%", "zero bytes": "\x00", "of another tenant": theirs,
		"revoked": revoked, "expired": short, "the link's id": link.ID.String(),
	} {
		if _, err := openLink(t, own, token); !errors.Is(err, payment.ErrLink) {
			t.Errorf("%s opens: %v", name, err)
		}
		err := own.DB.Write(t.Context(), own.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.BeginLink(ctx, tx, token, audit.Caller{WallAt: time.Now()})
			return err
		})
		if !errors.Is(err, payment.ErrLink) {
			t.Errorf("%s pays: %v", name, err)
		}
	}
	if _, err := openLink(t, own, good); err != nil {
		t.Errorf("the good one: %v", err)
	}
	err = foreign.DB.Write(t.Context(), foreign.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return payment.RevokeLink(ctx, tx, foreign.account, link.ID)
	})
	if !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("another tenant revokes: %v", err)
	}
}

func TestLink_tokenIsNotStored(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "40", "2026-06-15")
	token, link := d.link(t, uuid.Nil, 1000*time.Hour*24)
	if life := link.ExpiresAt.Sub(link.CreatedAt); life != payment.MaxLinkLife {
		t.Errorf("it lives %s", life)
	}
	var row string
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select l::text || encode(token_hash, 'escape') from payment_link l where id = $1`, link.ID).Scan(&row)
	})
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	for _, secret := range []string{token, string(raw)} {
		if len(secret) == 0 || strings.Contains(row, secret) {
			t.Errorf("the row holds the token: %s", row)
		}
	}
}

func TestLink_refusesWhatCannotBePaid(t *testing.T) {
	t.Parallel()
	d, other := newDesk(t, account.Postpaid), newDesk(t, account.Postpaid)
	theirs := other.owe(t, "40", "2026-06-15")
	for name, c := range map[string]struct {
		n    payment.NewLink
		want error
	}{
		"nothing is owed":         {payment.NewLink{AccountID: d.account}, payment.ErrNothingOwed},
		"a bill of somebody else": {payment.NewLink{AccountID: d.account, BillID: theirs}, payment.ErrBill},
		"no account":              {payment.NewLink{AccountID: uuid.New()}, account.ErrNotFound},
	} {
		err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, _, err := payment.CreateLink(ctx, tx, c.n)
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIntent_hasACeiling(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Prepaid)
	for text, refused := range map[string]bool{"5000": false, "5000.01": true, "1000000000000": true} {
		err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.CreateIntent(ctx, tx, payment.NewIntent{AccountID: d.account, Purpose: payment.PurposeTopUp, Amount: euro(text)})
			return err
		})
		if errors.Is(err, payment.ErrCeiling) != refused || !refused && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	owing := newDesk(t, account.Postpaid)
	owing.owe(t, "90000", "2026-06-15") // what is owed may always be paid
	owing.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.CreateIntent(ctx, tx, payment.NewIntent{AccountID: owing.account, Purpose: payment.PurposeBill})
		return err
	})
	for _, code := range []string{"EUR", "IDR", "JPY", "KWD", "MNT"} {
		if c := payment.Ceiling(money.MustCurrency(code)); c.Sign() <= 0 || c.Currency().Code() != code {
			t.Errorf("%s: %s", code, c)
		}
	}
}
