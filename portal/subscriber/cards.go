package subscriber

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/debit"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/door"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// cardsView is how a subscriber pays: what is stored, and what can be.
type cardsView struct {
	Page          ui.Page
	Key           string
	Done, Refused string
	Methods       []methodView
	Mandate       bool // debits are collected, and there is none
	Holder, IBAN  ui.Field
	Local         []string // channels of the provider of local ways to pay
	LocalName     string
	Owed          string
}

type methodView struct {
	ID, Name string
	Card     bool
	Auto     bool
	Mandate  string // its reference and day, which a payer has to know
}

// cards shows the ways to pay. Somebody who comes back from storing a card sees
// what has become of it.
func cards(v *web.Visit) error { return showCards(v, http.StatusOK, cardsView{}) }

func showCards(v *web.Visit, status int, view cardsView) error {
	r := v.Reader
	if id := parseID(v.Query("stored")); id != uuid.Nil {
		view.Done = storedWords(v, id)
	} else if v.Query("done") != "" {
		view.Done = r.T("cards.done")
	}
	view.Page, view.Key = pageOf(v, sectionAccount, r.T("cards.title")), newKey()
	holder, iban := view.Holder.Error, view.IBAN.Error
	view.Holder = ui.Field{ID: "holder", Label: r.T("cards.holder"), Value: v.Form("holder"), Autocomplete: "name", MaxLength: "70", Error: holder}
	view.IBAN = ui.Field{ID: "iban", Label: r.T("cards.iban"), Value: v.Form("iban"), Autocomplete: "off", MaxLength: "42", Mono: true, Error: iban}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		methods, err := payment.Methods(ctx, tx, v.Who.AccountID)
		if err != nil {
			return err
		}
		signed := false
		for _, m := range methods {
			if m.State != payment.StoredActive {
				continue
			}
			signed = signed || m.Kind == payment.SEPADebit
			one := methodView{ID: m.ID.String(), Name: m.Name(), Card: m.Kind == payment.StoredCard, Auto: m.AutoPay}
			if m.MandateReference != "" && m.MandateDate != nil {
				one.Mandate = r.T("cards.mandate.ref", "reference", m.MandateReference, "date", r.Date(*m.MandateDate))
			}
			view.Methods = append(view.Methods, one)
		}
		laid, err := payment.GetPolicy(ctx, tx)
		if err != nil {
			return err
		}
		view.Mandate = laid.Debit.CreditorID != "" && !signed
		local, found, err := v.Stack.LocalMethods(ctx, tx)
		if err != nil || !found {
			return err
		}
		items, err := payment.OpenItems(ctx, tx, v.Who.AccountID)
		if err != nil || len(items) == 0 {
			return err
		}
		owed := items[0].Open
		for _, item := range items[1:] {
			if owed, err = owed.Add(item.Open); err != nil {
				return err
			}
		}
		view.Local, view.LocalName, view.Owed = local.Channels, local.Title, r.Money(owed)
		return nil
	})
	if err != nil {
		return err
	}
	v.AllowCheckout()
	return v.Show(status, cardsPage(view))
}

// storedWords asks the provider about a card somebody comes back from storing.
// Whatever goes wrong there, the page shows what we know.
func storedWords(v *web.Visit, id uuid.UUID) string {
	own := func() (m payment.StoredMethod, err error) {
		err = read(v, func(ctx context.Context, tx tenant.Tx) error {
			m, err = payment.GetMethod(ctx, tx, id)
			return err
		})
		return m, err
	}
	m, err := own()
	if err != nil || m.AccountID != v.Who.AccountID {
		return ""
	}
	if m.State == payment.StoredPending {
		if v.Stack.RefreshCard(v.Context(), id) == nil {
			m, err = own()
		}
	}
	if err == nil && m.State == payment.StoredActive {
		return v.Reader.T("cards.stored.done")
	}
	return v.Reader.T("cards.stored.wait")
}

// cardsPath is where the provider's page leads back to.
func cardsPath(v *web.Visit) string { return "/t/" + v.Stack.Ref.Name + "/cards" }

func storeCard(v *web.Visit) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	url, err := v.Stack.StoreCard(v.Context(), payment.SetupOrder{ID: command.ID(v), AccountID: v.Who.AccountID, AutoPay: true}, cardsPath(v))
	if title, known := refusedBecause(err); known {
		return showCards(v, http.StatusUnprocessableEntity, cardsView{Refused: v.Reader.T(title)})
	}
	if err != nil {
		return err
	}
	return v.Redirect(url)
}

// change does a command about the visitor's own stored methods.
func change(v *web.Visit, action string, id uuid.UUID, do func(ctx context.Context, tx tenant.Tx) error) error {
	c := &command.Command{Action: action, Object: "payment_method", ID: id, Part: v.Sent(), Do: func(ctx context.Context, tx tenant.Tx) (string, error) { return "", do(ctx, tx) }}
	_, err := command.CarryOut(v, c)
	return err
}

func setAutoPay(v *web.Visit) error {
	id := parseID(v.Param("method"))
	err := change(v, "payment_method.auto", id, func(ctx context.Context, tx tenant.Tx) error {
		return payment.SetAutoPay(ctx, tx, v.Who.AccountID, id, v.Form("on") == "1")
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("cards", "done", "1"))
}

func removeMethod(v *web.Visit) error {
	id := parseID(v.Param("method"))
	err := change(v, "payment_method.end", id, func(ctx context.Context, tx tenant.Tx) error { return payment.EndMethod(ctx, tx, v.Who.AccountID, id) })
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("cards", "done", "1"))
}

func signMandate(v *web.Visit) error {
	id := command.ID(v)
	err := change(v, "mandate.sign", id, func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.Debits().Sign(ctx, tx, debit.NewMandate{ID: id, AccountID: v.Who.AccountID, Holder: v.Form("holder"), IBAN: v.Form("iban"), Signed: debit.InPortal})
		return err
	})
	var wrong *account.FieldError
	if errors.As(err, &wrong) {
		var view cardsView
		words := v.Reader.T("money.want", "what", wrong.Want)
		switch wrong.Field {
		case "holder":
			view.Holder.Error = words
		case "iban":
			view.IBAN.Error = words
		default:
			view.Refused = words
		}
		return showCards(v, http.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("cards", "done", "1"))
}

// localView is a payment by the provider of local ways to pay.
type localView struct {
	Page          ui.Page
	Amount        string
	ViewBox, Path string // of the QR code
	Open          string // its address, for the phone that shows it
	Number, Bank  string
	Until         string
	State         payment.IntentState
	Again         string
	Back          string
}

func payLocal(v *web.Visit) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	n := payment.NewIntent{AccountID: v.Who.AccountID, Purpose: payment.PurposeBill, By: v.Caller()}
	if key := parseID(v.Form("key")); key.Version() != 0 {
		n.Key = v.Who.Actor() + "/local/" + key.String()
	}
	intent, err := v.Stack.PayLocal(v.Context(), n, v.Form("channel"), "/t/"+v.Stack.Ref.Name+"/")
	if title, known := refusedBecause(err); known {
		return showCards(v, http.StatusUnprocessableEntity, cardsView{Refused: v.Reader.T(title)})
	}
	if err != nil {
		return err
	}
	if intent.CheckoutURL != "" && intent.Detail.QR == "" && intent.Detail.Number == "" && !intent.State.Final() {
		return v.Redirect(intent.CheckoutURL)
	}
	return v.Redirect(v.URL("local/" + intent.ID.String()))
}

// localPage shows what a payer pays by, and what has become of it.
func localPage(v *web.Visit) error {
	id, r := parseID(v.Param("intent")), v.Reader
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
	view := localView{Page: pageOf(v, sectionAccount, r.T("cards.title")), Amount: r.Money(intent.Amount), State: intent.State, Number: intent.Detail.Number, Bank: intent.Detail.Bank,
		Again: v.URL("local/" + id.String()), Back: v.URL("cards")}
	if intent.ExpiresAt != nil {
		view.Until = r.DateTime(*intent.ExpiresAt)
	}
	if text := intent.Detail.QR; text != "" {
		if view.ViewBox, view.Path, err = door.QR(text); err != nil {
			return err
		}
		if isAddress(text) {
			view.Open = text
		}
	}
	return v.Show(http.StatusOK, localPayment(view))
}

// isAddress says whether a QR code's text can be opened on this phone.
func isAddress(text string) bool {
	return len(text) > 8 && (text[:8] == "https://" || text[:7] == "http://")
}

// channelWords are what a channel is called.
func channelWords(r ui.Reader, channel string) string {
	switch channel {
	case "qr", "va", "page":
		return r.T("cards.local." + channel)
	}
	return channel
}
