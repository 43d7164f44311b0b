package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// A subscriber chooses how it is told, and reads on its page what it was told;
// who follows a message about offers out gets no more of them.
func TestTold_theSubscribersChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-prepaid-200", "en")
	b := w.browser()
	b.signIn(w, c)
	at := "/t/test-1/account"
	if done := b.follow(at+"/choice", b.get(at), "sms", "", "portal", "on", "news", "on"); done.status != http.StatusOK {
		t.Fatalf("%d %s", done.status, done.words())
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.Record(ctx, tx, payment.NewPayment{ID: uuid.New(), AccountID: c.ID, Purpose: payment.PurposeTopUp, Method: payment.Cash, Amount: money.New(money.MustDecimal("20.00"), c.Currency), By: "test"})
		return err
	})
	contains(t, "the receipt", b.get(at+"/messages").in("#messages"), "20,00", "Your balance is now")

	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tell.Announce(ctx, tx, tell.News{ID: uuid.New(), Words: map[string]tell.NewsWords{"en": {Title: "Twice", Text: "Twice the data."}}})
		return err
	})
	if _, err := w.host.Work(t.Context(), w.Ref.ID, agenda.Messages); err != nil {
		t.Fatal(err)
	}
	var link string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := notice.List(ctx, tx, notice.Query{AccountID: c.ID, Limit: 50})
		for _, m := range list {
			if m.Kind == notice.News {
				link = m.Link
			}
		}
		return err
	})
	_, token, _ := strings.Cut(link, "/no-news/")
	out := "/t/test-1/no-news/" + token
	stranger := w.browser()
	if dead := stranger.post(out+"x", stranger.get(out)); dead.status != http.StatusNotFound {
		t.Errorf("another token: %d", dead.status)
	}
	contains(t, "out", stranger.post(out, stranger.get(out)).words(), "no more offers")
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		choice, err := tell.ChoiceOf(ctx, tx, c.ID)
		if choice.News || len(choice.Channels) != 1 || choice.Channels[0] != notice.Portal {
			t.Errorf("%+v", choice)
		}
		return err
	})
}
