package payment_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/stripe"
	"tollhouse/infra/stripe/standin"
)

// shop is a desk that takes cards through the stand-in, over real HTTP, with a
// webhook receiver as the API has one.
type shop struct {
	*desk
	server *standin.Server
	client *stripe.Client
	till   *payment.Till
}

func newShop(t *testing.T, kind account.Kind, hooksWork bool) *shop {
	t.Helper()
	server, err := standin.New(standin.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &shop{desk: newDesk(t, kind), server: server}
	keys := func(context.Context, tenant.ID) (stripe.Keys, error) {
		return stripe.Keys{Secret: "sk_test_shop", WebhookSecrets: []string{"whsec_shop"}}, nil
	}
	s.client = stripe.New(server.URL(), keys, time.Now)
	s.till = payment.NewTill(s.DB, func(string) payment.CardProvider { return s.client })
	if hooksWork {
		receiver := httptest.NewServer(http.HandlerFunc(s.receive))
		t.Cleanup(receiver.Close)
		server.Register(standin.Account{SecretKey: "sk_test_shop", WebhookURL: receiver.URL, WebhookSecret: "whsec_shop"})
	} else {
		server.Register(standin.Account{SecretKey: "sk_test_shop", WebhookURL: "http://127.0.0.1:1/", WebhookSecret: "whsec_shop"})
	}
	t.Cleanup(func() { // before the receiver goes
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// receive is the webhook handler's flow: verify, store, answer; then work.
func (s *shop) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	event, err := s.client.ReadEvent(r.Context(), s.Ref.ID, r.Header.Get("Stripe-Signature"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	err = s.DB.Write(r.Context(), s.Ref, func(ctx context.Context, tx tenant.Tx) error {
		ref, err := payment.Receive(ctx, tx, event)
		if err != nil {
			return err
		}
		_, err = payment.Work(ctx, tx, ref)
		return err
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (s *shop) checkout(t *testing.T, key, text string, purpose payment.Purpose, bill uuid.UUID) payment.Intent {
	t.Helper()
	i, err := s.till.Checkout(t.Context(), s.Ref, payment.CheckoutOrder{
		NewIntent:   payment.NewIntent{Key: key, AccountID: s.account, Purpose: purpose, BillID: bill, Amount: euro(text)},
		Description: "Bill", Language: "en", SuccessURL: "https://hanse.example/pay/{intent}", CancelURL: "https://hanse.example/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// typeCard posts what a payer types and returns where the page leads.
func (s *shop) typeCard(t *testing.T, page, number string) string {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.PostForm(page, url.Values{"number": {number}, "expiry": {"12/99"}, "code": {"123"}, "name": {"Ada"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.Header.Get("Location")
}

func (s *shop) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.server.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestTill_paysABillByCardAndRefundsIt(t *testing.T) {
	t.Parallel()
	s := newShop(t, account.Postpaid, true)
	bill := s.owe(t, "45.00", "2026-05-01")
	i := s.checkout(t, "key-1-till", "0", payment.PurposeBill, bill) // all that is open
	if again := s.checkout(t, "key-1-till", "0", payment.PurposeBill, bill); again.ID != i.ID || again.CheckoutURL != i.CheckoutURL {
		t.Errorf("repeat opens %+v, want %+v", again, i)
	}
	s.typeCard(t, i.CheckoutURL, "4000000000000002")
	s.drain(t)
	if got := s.intentNow(t, i.ID); got.State != payment.IntentFailed || got.Failure != "Your card was declined." {
		t.Fatalf("declined: %+v", got)
	}
	if to := s.typeCard(t, i.CheckoutURL, "4242424242424242"); to != "https://hanse.example/pay/"+i.ID.String() {
		t.Fatalf("paid, leads to %q", to)
	}
	s.drain(t)
	all := s.payments(t)
	if len(all) != 1 || all[0].Amount.Text() != "45.00" || len(s.open(t)) != 0 {
		t.Fatalf("payments %+v, open %v", all, s.open(t))
	}
	s.check(t)

	r, err := s.refund("", "15.00", all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a job may run twice
		if r, err = s.till.SendRefund(t.Context(), s.Ref, r.ID); err != nil || r.State != payment.RefundSucceeded || r.ProviderRef == "" {
			t.Fatalf("refund %+v, %v", r, err)
		}
	}
	s.drain(t)
	if got := s.open(t); got[bill] != "15.00" {
		t.Errorf("open %v", got)
	}
	s.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		waiting, err := payment.ListWaiting(ctx, tx, 500)
		for _, w := range waiting {
			if w.IntentID != nil && *w.IntentID == i.ID {
				t.Errorf("waiting %+v", w)
			}
		}
		return err
	})
	s.check(t)
}

func TestTill_refreshAsksWhereTheWebhookIsLate(t *testing.T) {
	t.Parallel()
	s := newShop(t, account.Prepaid, false)
	i := s.checkout(t, "", "20.00", payment.PurposeTopUp, uuid.Nil)
	if got, err := s.till.Refresh(t.Context(), s.Ref, i.ID); err != nil || got.State != payment.IntentCreated {
		t.Fatalf("before payment: %+v, %v", got, err)
	}
	s.typeCard(t, i.CheckoutURL, "4242424242424242")
	for range 2 {
		got, err := s.till.Refresh(t.Context(), s.Ref, i.ID)
		if err != nil || got.State != payment.IntentSucceeded {
			t.Fatalf("after payment: %+v, %v", got, err)
		}
	}
	all := s.payments(t)
	if len(all) != 1 || all[0].BucketID == nil {
		t.Fatalf("payments %+v", all)
	}
	s.check(t)
}

// broken is a provider that can't be reached, or refuses.
type broken struct{ err error }

func (b broken) Checkout(context.Context, payment.CheckoutRequest) (payment.Checkout, error) {
	return payment.Checkout{}, b.err
}

func (b broken) Lookup(context.Context, payment.LookupRequest) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{}, b.err
}

func (b broken) Refund(context.Context, payment.RefundRequest) (payment.ProviderRefund, error) {
	return payment.ProviderRefund{}, b.err
}

func TestTill_keepsTheKeyWhenTheProviderIsDown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "45.00", "2026-05-01")
	order := payment.CheckoutOrder{NewIntent: payment.NewIntent{Key: "key-2-till", AccountID: d.account, Purpose: payment.PurposeBill}}
	try := func(cards payment.CardProvider) (payment.Intent, error) {
		return payment.NewTill(d.DB, func(string) payment.CardProvider { return cards }).Checkout(t.Context(), d.Ref, order)
	}
	down, err := try(broken{payment.ErrProviderUnavailable})
	if !errors.Is(err, payment.ErrProviderUnavailable) || d.intentNow(t, down.ID).State != payment.IntentCreated {
		t.Fatalf("down: %+v, %v", down, err)
	}
	refused, err := try(broken{payment.ErrProviderRefused})
	if !errors.Is(err, payment.ErrProviderRefused) || refused.ID != down.ID || d.intentNow(t, down.ID).State != payment.IntentFailed {
		t.Fatalf("refused: %+v, %v", refused, err)
	}
	if _, err := try(nil); !errors.Is(err, payment.ErrProviderNotConfigured) {
		t.Fatalf("none: %v", err)
	}
}

func TestTill_refundRefusedByTheProviderStaysAsCredit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "45.00", "2026-05-01")
	paid := d.cardPayment(t, "45.00")
	r, err := d.refund("", "45.00", paid.ID)
	if err != nil {
		t.Fatal(err)
	}
	send := func(failure error) (payment.Refund, error) {
		return payment.NewTill(d.DB, func(string) payment.CardProvider { return broken{failure} }).SendRefund(t.Context(), d.Ref, r.ID)
	}
	if _, err := send(payment.ErrProviderUnavailable); !errors.Is(err, payment.ErrProviderUnavailable) {
		t.Fatalf("down: %v", err)
	}
	if got, err := send(payment.ErrProviderRefused); err != nil || got.State != payment.RefundFailed {
		t.Fatalf("refused: %+v, %v", got, err)
	}
	if got := d.get(t, paid.ID); !got.Refunded.IsZero() || len(d.open(t)) != 0 {
		t.Fatalf("payment %+v, open %v", got, d.open(t))
	}
	d.check(t)
}
