package subscriber

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// linkPath is where links to pay lead: the token follows.
const linkPath = "link/"

// PayLink is a link to pay as a message may carry it.
func PayLink(v *web.Visit, token string) string { return v.PublicLink(linkPath + token) }

// linkView is what the holder of a link sees: whom it pays, how much, and no
// more of whose it is than who knows them needs.
type linkView struct {
	Page    ui.Page
	For     string // the payer, masked
	Number  string // of the account, masked
	Items   []dueItem
	Total   *string // written; nil: nothing is owed
	Overdue bool
	Payment *paymentView
	Refused *refusal
	Action  string
	Paid    bool
}

// linkPage shows a link's bill to whoever holds it.
func linkPage(v *web.Visit) error { return showLink(v, http.StatusOK, nil) }

func showLink(v *web.Visit, status int, refused *refusal) error {
	if err := refreshLink(v); err != nil {
		return err
	}
	var due payment.LinkDue
	var owner account.Account
	var party account.Party
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if due, err = payment.OpenLink(ctx, tx, v.Param("token")); err != nil {
			return err
		}
		if owner, err = account.Get(ctx, tx, due.AccountID); err != nil {
			return err
		}
		party, err = account.GetParty(ctx, tx, owner.PartyID)
		return err
	})
	if errors.Is(err, payment.ErrLink) {
		return showDeadLink(v)
	}
	if err != nil {
		return err
	}
	view := linkViewOf(v, due, owner, party)
	view.Refused = refused
	v.AllowCheckout()
	return v.Show(status, payLinkPage(view))
}

func linkViewOf(v *web.Visit, due payment.LinkDue, owner account.Account, party account.Party) linkView {
	r := v.Reader
	view := linkView{Page: v.Page(r.T("link.title")), For: masked(party.Name), Number: lastDigits(owner.Number),
		Action: v.URL(linkPath + v.Param("token")), Paid: due.Total.IsZero()}
	for _, item := range due.Items {
		when, late := dueWhen(r, item.DueDate)
		view.Overdue = view.Overdue || late
		view.Items = append(view.Items, dueItem{Number: item.Number, Open: item.Open, When: when, Overdue: late})
	}
	if !view.Paid {
		total := r.Money(due.Total)
		view.Total = &total
	}
	view.Payment = linkPayment(v, due, view.Action)
	return view
}

// linkPayment tells of the payment that was begun by the link, to who comes
// back from it, and to everybody while it is being processed.
func linkPayment(v *web.Visit, due payment.LinkDue, here string) *paymentView {
	i := due.Intent
	if i == nil {
		return nil
	}
	back := v.Query("paid") == i.ID.String() || v.Query("canceled") == i.ID.String()
	paid := i.State == payment.IntentSucceeded && due.Total.IsZero()
	if !paid && !back && i.State != payment.IntentProcessing {
		return nil
	}
	view := paymentOf(v, i)
	view.Retry = "" // the form below pays again
	if view.Again != "" {
		view.Again = here + "?paid=" + i.ID.String()
	}
	view.Poll = ""
	if i.State == payment.IntentSucceeded {
		view.More = v.Reader.T("link.done")
	}
	return view
}

// showDeadLink tells nothing of why: a guess must learn nothing.
func showDeadLink(v *web.Visit) error {
	return v.Show(http.StatusNotFound, deadLinkPage(v.Page(v.Reader.T("link.dead")), v.Profile.SupportContact))
}

// payLink begins the payment of a link, and leads on to the provider's page.
func payLink(v *web.Visit) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	token := v.Param("token")
	intent, err := v.Stack.PayLink(v.Context(), v.Caller(), token, "/t/"+v.Stack.Ref.Name+"/"+linkPath+token, v.Reader.Locale.Language)
	switch title, known := refusedBecause(err); {
	case errors.Is(err, payment.ErrLink):
		return showDeadLink(v)
	case errors.Is(err, payment.ErrNothingOwed):
		return v.Redirect(v.URL(linkPath + token))
	case known:
		return showLink(v, http.StatusUnprocessableEntity, &refusal{v.Reader.T("pay.refused"), v.Reader.T(title)})
	case err != nil:
		return err
	case intent.CheckoutURL == "" || intent.State.Final() || intent.State == payment.IntentProcessing:
		return v.Redirect(v.URL(linkPath+token, "paid", intent.ID.String()))
	}
	return v.Redirect(intent.CheckoutURL)
}

// refreshLink asks the provider about the payment somebody comes back from, if
// its webhook is late.
func refreshLink(v *web.Visit) error {
	id := parseID(v.Query("paid"))
	if id == uuid.Nil {
		return nil
	}
	var due payment.LinkDue
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		due, err = payment.OpenLink(ctx, tx, v.Param("token"))
		return err
	})
	if errors.Is(err, payment.ErrLink) {
		return nil
	}
	if err != nil || due.Intent == nil || due.Intent.ID != id {
		return err
	}
	refresh(v, due.Intent)
	return nil
}

// masked leaves of a name what tells its owner that it is theirs.
func masked(name string) string {
	words := strings.Fields(name)
	const most = 4
	for i, word := range words {
		letters := []rune(word)
		words[i] = string(letters[:1]) + "•••"
	}
	return strings.Join(words[:min(len(words), most)], " ")
}

// lastDigits leaves the end of a number.
func lastDigits(number string) string {
	const shown = 3
	letters := []rune(number)
	if len(letters) <= shown {
		return number
	}
	return "•••" + string(letters[len(letters)-shown:])
}
