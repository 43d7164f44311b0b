package promote

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// giftsView is what promotions gave one subscriber, and the form that redeems
// a promo code for it.
type giftsView struct {
	subscriber, number, action, done string
	rows                             []giftRow
	code, subscription               ui.Field
	choices                          []ui.Choice
	key                              string // empty for who may not
}

func showGifts(v *web.Visit) error { return answerGifts(v, http.StatusOK, "") }

func answerGifts(v *web.Visit, status int, fault string) error {
	id, err := uuid.Parse(v.Param("account"))
	if err != nil {
		return account.ErrNotFound
	}
	r := v.Reader
	page := &giftsView{subscriber: v.Console("subscribers/" + id.String()), action: v.Console("subscribers/" + id.String() + "/promotions")}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		page.number = a.Number
		gifts, err := promotion.GiftsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		for i := range gifts {
			g := &gifts[i]
			version, err := promotion.Get(ctx, tx, g.PromotionID)
			if err != nil {
				return err
			}
			page.rows = append(page.rows, giftRow{account: version.Promotion.Names.In(r.Locale.Language), href: v.ConsoleFor(identity.OfferingRead, "promotions/"+g.PromotionID.String()),
				what: given(r, g), at: r.DateTime(g.GivenAt), worth: worth(r, g.Promised, version.Promotion.Currency)})
		}
		return page.subscriptions(ctx, tx, r, id)
	})
	if err != nil {
		return err
	}
	if v.Query("done") == "redeemed" {
		page.done = r.T("promo.redeemed")
	}
	page.code = ui.Field{ID: "code", Label: r.T("promo.redeem.code"), Value: v.Form("code"), Error: fault, Autocomplete: "off", Mono: true}
	if v.May(identity.AccountWrite) && len(page.choices) > 0 {
		page.key = command.NewKey()
	}
	return v.Show(status, giftsPage(frame.Of(v, frame.Subscribers, r.T("promo.gifts.of", "number", page.number)), page))
}

func (page *giftsView) subscriptions(ctx context.Context, tx tenant.Tx, r ui.Reader, id uuid.UUID) error {
	subscriptions, err := account.Subscriptions(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, s := range subscriptions {
		if s.State != account.SubscriptionActive {
			continue
		}
		offering, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
		if err != nil {
			return err
		}
		page.choices = append(page.choices, ui.Choice{Value: s.ID.String(), Label: offering.Names.In(r.Locale.Language)})
	}
	page.subscription = ui.Field{ID: "subscription", Label: r.T("promo.redeem.for")}
	return nil
}

func redeem(v *web.Visit) error {
	id, err := uuid.Parse(v.Param("account"))
	if err != nil {
		return account.ErrNotFound
	}
	subscription, err := uuid.Parse(v.Form("subscription"))
	if err != nil {
		return answerGifts(v, http.StatusUnprocessableEntity, v.Reader.T("promo.redeem.for.not"))
	}
	c := &command.Command{Action: "redeemPromoCode", Object: "subscription", ID: subscription, Detail: map[string]any{"code": strings.ToUpper(v.Form("code"))}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		s, err := account.GetSubscription(ctx, tx, subscription)
		if err != nil || s.AccountID != id {
			return "", errors.Join(err, account.ErrNotFound)
		}
		_, _, err = promotion.Redeem(ctx, tx, id, subscription, v.Form("code"))
		return v.Console("subscribers/"+id.String()+"/promotions", "done", "redeemed"), err
	}
	var next string
	err = v.Stack.TryPromoCode(id, func() (err error) {
		next, err = command.CarryOut(v, c)
		return err
	})
	if why := Refusal(v.Reader, err); why != "" {
		return answerGifts(v, http.StatusUnprocessableEntity, why)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// Refusal tells why a promo code is not redeemed; empty for another error.
func Refusal(r ui.Reader, err error) string {
	switch {
	case errors.Is(err, promotion.ErrTooMany):
		return r.T("promo.refused.many")
	case errors.Is(err, promotion.ErrCode):
		return r.T("promo.refused.code")
	case errors.Is(err, promotion.ErrNotEligible):
		return r.T("promo.refused.eligible")
	case errors.Is(err, promotion.ErrStacking):
		return r.T("promo.refused.stacking")
	case errors.Is(err, promotion.ErrUsedUp):
		return r.T("promo.refused.used")
	case errors.Is(err, promotion.ErrGiven):
		return r.T("promo.refused.given")
	}
	return ""
}
