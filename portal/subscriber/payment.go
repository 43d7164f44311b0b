package subscriber

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// paymentView tells what became of a payment that somebody comes back from.
type paymentView struct {
	Tone        ui.Tone
	Title, More string
	Again       string // address that looks again, while it is under way
	Poll        string // the same for htmx; empty when it has looked long enough
	Retry       string // the provider's page, where that may still be paid
}

// servesPayments refuses payments where the operator's time of service is over.
func servesPayments(v *web.Visit) error {
	return v.Profile.Standing.Refuses(account.Serve, v.Caller().WallAt)
}

// pay begins a card payment of one open bill, or of all that is owed.
func pay(v *web.Visit) error {
	return checkout(v, payment.NewIntent{Purpose: payment.PurposeBill, BillID: parseID(v.Form("bill"))}, nil)
}

// checkout sends the payer on to the provider's page. The form's key makes a
// second click, and a reload, the same payment.
func checkout(v *web.Visit, n payment.NewIntent, form *topUpView) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	n.AccountID, n.By = v.Who.AccountID, v.Caller()
	if key := parseID(v.Form("key")); key.Version() != 0 {
		n.Key = v.Who.Actor() + "/portal/" + key.String()
	}
	intent, err := v.Stack.Checkout(v.Context(), n, returnPath(v))
	if title, known := refusedBecause(err); known {
		return showHome(v, http.StatusUnprocessableEntity, &refusal{v.Reader.T("pay.refused"), v.Reader.T(title)}, form)
	}
	if err != nil {
		return err
	}
	if intent.CheckoutURL == "" || intent.State.Final() { // a repeat of one that has ended
		return v.Redirect(v.URL("", "paid", intent.ID.String()))
	}
	return v.Redirect(intent.CheckoutURL)
}

// checkoutKeeping is checkout for a top-up whose card the provider keeps.
func checkoutKeeping(v *web.Visit, n payment.NewIntent) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	n.AccountID, n.By = v.Who.AccountID, v.Caller()
	if key := parseID(v.Form("key")); key.Version() != 0 {
		n.Key = v.Who.Actor() + "/portal/" + key.String()
	}
	intent, err := v.Stack.CheckoutKeeping(v.Context(), n, returnPath(v))
	if title, known := refusedBecause(err); known {
		return showWallet(v, http.StatusUnprocessableEntity, walletView{Refused: v.Reader.T(title)})
	}
	if err != nil {
		return err
	}
	if intent.CheckoutURL == "" || intent.State.Final() {
		return v.Redirect(v.URL("wallet"))
	}
	return v.Redirect(intent.CheckoutURL)
}

// returnPath is where the provider's page leads back to. Under the tenant's own
// host name the way leads through an address that goes back to that name.
func returnPath(v *web.Visit) string {
	tenantPath := "/t/" + v.Stack.Ref.Name + "/"
	if host, own := v.OwnName(); own {
		return tenantPath + "returned?host=" + host
	}
	return tenantPath
}

// returned leads back to the host name on which somebody is signed in.
func returned(v *web.Visit) error {
	pairs := []string{}
	for _, name := range []string{"paid", "canceled"} {
		if id := v.Query(name); id != "" {
			pairs = append(pairs, name, id)
		}
	}
	address := v.URL("", pairs...)
	if there, own := v.AtOwnName(v.Query("host"), "/"+address[len(v.Base):]); own {
		return v.Redirect(there)
	}
	return v.Redirect(address)
}

// refusedBecause gives the words for why a payment was not begun.
func refusedBecause(err error) (key string, known bool) {
	if errors.Is(err, payment.ErrCeiling) {
		return "pay.refused.ceiling", true
	}
	for _, r := range []struct {
		err error
		key string
	}{
		{payment.ErrNothingOwed, "pay.refused.owed"}, {payment.ErrBill, "pay.refused.owed"},
		{payment.ErrProviderUnavailable, "pay.refused.provider"}, {payment.ErrProviderRefused, "pay.refused.provider"},
		{payment.ErrProviderNotConfigured, "pay.refused.off"},
		{payment.ErrAmount, "pay.refused.amount"}, {payment.ErrProviderAmount, "pay.refused.amount"}, {payment.ErrPurpose, "pay.refused.amount"},
	} {
		if errors.Is(err, r.err) {
			return r.key, true
		}
	}
	return "", false
}

// mostPolls is how often a page looks by itself: two minutes, at pollEvery.
// After that the provider is late, and a person may look.
const (
	mostPolls = 60
	pollEvery = "every 2s"
)

// providerAfter is from when on the provider is asked about a payment whose
// webhook has not come: most come within a second.
const providerAfter = 3 * time.Second

// refreshAsked does so for the visitor's own payment that the page is about.
func refreshAsked(v *web.Visit) error {
	id := intentAsked(v)
	if id == uuid.Nil || v.Query("canceled") != "" {
		return nil
	}
	var intent *payment.Intent
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		intent, err = ownIntent(ctx, tx, v.Who.AccountID, id)
		return err
	})
	if err == nil && intent != nil {
		refresh(v, intent)
	}
	return err
}

// refresh asks the provider what has become of a payment, if that is not known
// after some seconds. Whatever goes wrong there, the page shows what we know.
func refresh(v *web.Visit, intent *payment.Intent) *payment.Intent {
	looked, _ := strconv.Atoi(v.Query("looked"))
	if intent.State.Final() || v.At().Sub(intent.UpdatedAt) < providerAfter || looked%askEvery != 0 {
		return intent
	}
	if now, err := v.Stack.RefreshPayment(v.Context(), intent.ID); err == nil {
		return &now
	}
	return intent
}

// askEvery is at which of its looks a page has the provider asked: each tenth
// second, with pollEvery.
const askEvery = 5

// paymentOf tells of the payment that the address names, if any.
func paymentOf(v *web.Visit, intent *payment.Intent) *paymentView {
	if intent == nil {
		return nil
	}
	r, amount := v.Reader, v.Reader.Money(intent.Amount)
	view := &paymentView{}
	left := v.Query("canceled") != ""
	topUp := intent.Purpose == payment.PurposeTopUp
	switch state := intent.State; {
	case state == payment.IntentSucceeded:
		view.Tone, view.Title, view.More = ui.OK, r.T("pay.done", "amount", amount), r.T("pay.done."+string(intent.Purpose))
	case state == payment.IntentFailed:
		view.Tone, view.Title, view.More, view.Retry = ui.Bad, r.T("pay.failed", "amount", amount), r.T("pay.failed.more"), intent.CheckoutURL
		if intent.Failure != "" {
			view.More = r.T("pay.failed.reason", "reason", intent.Failure) + " " + view.More
		}
	case state == payment.IntentCanceled, left && state == payment.IntentCreated && topUp:
		view.Tone, view.Title, view.More = ui.Off, r.T("pay.canceled"), r.T("pay.canceled.more", "amount", amount)
		if topUp {
			view.More = r.T("pay.canceled.topup")
		}
		if state == payment.IntentCreated {
			view.Retry = intent.CheckoutURL
		}
	case left && state == payment.IntentCreated:
		view.Tone, view.Title, view.More, view.Retry = ui.Off, r.T("pay.canceled"), r.T("pay.canceled.more", "amount", amount), intent.CheckoutURL
	default:
		view.Tone, view.Title, view.More = ui.Info, r.T("pay.wait", "amount", amount), r.T("pay.wait.more")
		id := intent.ID.String()
		view.Again = v.URL("", "paid", id)
		if looked, _ := strconv.Atoi(v.Query("looked")); looked < mostPolls {
			view.Poll = v.URL("payments/"+id, "looked", strconv.Itoa(looked+1))
		}
	}
	return view
}

// paymentState answers a page that looks by itself. When there is something
// new the whole page is, as a payment changes what is owed and left.
func paymentState(v *web.Visit) error {
	id := parseID(v.Param("intent"))
	var intent *payment.Intent
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		intent, err = ownIntent(ctx, tx, v.Who.AccountID, id)
		return err
	})
	if err != nil {
		return err
	}
	if intent == nil {
		return payment.ErrNotFound
	}
	intent = refresh(v, intent)
	if !v.Part("payment") {
		return v.Redirect(v.URL("", "paid", id.String()))
	}
	view := paymentOf(v, intent)
	if view.Again == "" {
		return v.Reload()
	}
	return v.Show(http.StatusOK, paymentSection(v.Reader, *view))
}
