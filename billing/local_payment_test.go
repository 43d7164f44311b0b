package billing

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
	"tollhouse/infra/redirect"
	"tollhouse/infra/redirect/standin"
)

// localProvider gives a stack an account at a provider of local methods, which
// calls back as the real one does.
func (w *world) localProvider() *standin.Server {
	w.t.Helper()
	server := standin.New(time.Now, slog.New(slog.DiscardHandler))
	if err := server.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = server.Stop(context.Background()) })
	door := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := w.ReceiveCallback(r.Context(), r.Header.Get(redirect.SignatureHeader), body); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
		}
	}))
	w.t.Cleanup(door.Close)
	settings := payment.RedirectSettings{Title: "Bank QR", BaseURL: server.URL(), Merchant: "hanse", Secret: "0123456789abcdef", Channels: []string{"qr", "va"}, Minutes: 60, Refunds: true}
	server.Register(standin.Account{Merchant: "hanse", Secret: settings.Secret, CallbackURL: door.URL})
	w.host.config.Online = redirect.New(func(context.Context, tenant.ID) (payment.RedirectSettings, error) { return settings, nil }, time.Now)
	w.write(func(ctx context.Context, tx tenant.Tx) error { return w.PutRedirect(ctx, tx, &settings) })
	return server
}

// await works until a text of the database is as wanted: a callback comes by
// itself.
func (w *world) await(want, query string) {
	w.t.Helper()
	got := ""
	for range 200 {
		w.work()
		if got = w.text(query); got == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatalf("%s: %s, want %s", query, got, want)
}

// A bill is paid by a bank's QR code, and by a virtual account where the callback
// is lost; what the provider pays out fits the books line by line.
func TestPayLocal_fromTheBillToThePayout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.localProvider()
	qr, va := w.connect("flex"), w.connect("flex")
	w.advance(w.day("2026-06-01").Add(time.Hour))

	intent, err := w.PayLocal(t.Context(), payment.NewIntent{AccountID: qr.ID, Purpose: payment.PurposeBill}, "qr", "")
	if err != nil || intent.Detail.QR == "" {
		t.Fatalf("%+v: %v", intent, err)
	}
	if err := server.Pay(intent.ProviderRef); err != nil {
		t.Fatal(err)
	}
	w.await("1 online", `select count(*) || ' ' || coalesce(min(method), '') from payment`)

	server.Silent = true
	other, err := w.PayLocal(t.Context(), payment.NewIntent{AccountID: va.ID, Purpose: payment.PurposeBill}, "va", "")
	if err != nil || other.Detail.Number == "" {
		t.Fatalf("%+v: %v", other, err)
	}
	if err := server.Pay(other.Detail.Number); err != nil {
		t.Fatal(err)
	}
	w.advance(w.now().Add(10 * time.Minute)) // no callback: it is asked
	if got := w.text(`select count(*) || ' ' || (select sum(open) from open_item) from payment`); got != "2 0.000000000" {
		t.Fatalf("payments and what is open: %s", got)
	}

	for range 2 {
		fetched, err := w.FetchPayouts(t.Context(), "user:clerk")
		if err != nil || len(fetched) != 1 || fetched[0].Differences != 0 || len(fetched[0].Lines) != 2 {
			t.Fatalf("%+v: %v", fetched, err)
		}
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		all, err := reconcile.Payouts(ctx, tx, 10)
		if len(all) != 1 || all[0].Provider != payment.Redirect {
			t.Errorf("%+v", all)
		}
		return err
	})
	w.mustSums()
}

// Without any provider there is nothing to fetch, and that is said.
func TestFetchPayouts_withoutAProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.FetchPayouts(t.Context(), "user:clerk"); !errors.Is(err, payment.ErrProviderNotConfigured) {
		t.Error(err)
	}
}
