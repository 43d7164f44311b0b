package subscriber

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// offersView is what promotions gave the subscriber, a field for a promo code,
// and the code with which it sends friends.
type offersView struct {
	Page         ui.Page
	Done         string
	Code         ui.Field
	Subscription ui.Field
	Choices      []ui.Choice
	Action       string
	Gifts        []offerGift
	Referral     string // empty: not drawn yet
	Draw         string // address that draws it
	Sent         string // how many have joined
}

type offerGift struct{ Name, At string }

func offers(v *web.Visit) error { return showMine(v, http.StatusOK, "") }

func showMine(v *web.Visit, status int, fault string) error {
	r := v.Reader
	s := offersView{Page: pageOf(v, sectionAccount, r.T("promo.mine")), Action: v.URL("offers"), Draw: v.URL("offers/referral"),
		Code:         ui.Field{ID: "code", Label: r.T("promo.redeem.code"), Value: v.Form("code"), Error: fault, Autocomplete: "off", Mono: true, MaxLength: "40"},
		Subscription: ui.Field{ID: "subscription", Label: r.T("promo.redeem.for")}}
	if v.Query("done") == "redeemed" {
		s.Done = r.T("promo.redeemed")
	}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error { return s.load(ctx, tx, v) })
	if err != nil {
		return err
	}
	return v.Show(status, offersPage(s))
}

func (s *offersView) load(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	r := v.Reader
	subscriptions, err := account.Subscriptions(ctx, tx, v.Who.AccountID)
	if err != nil {
		return err
	}
	for _, one := range subscriptions {
		if one.State != account.SubscriptionActive {
			continue
		}
		offering, err := catalog.LoadVersion(ctx, tx, one.OfferingID)
		if err != nil {
			return err
		}
		s.Choices = append(s.Choices, ui.Choice{Value: one.ID.String(), Label: offering.Names.In(r.Locale.Language)})
	}
	gifts, err := promotion.GiftsOf(ctx, tx, v.Who.AccountID)
	if err != nil {
		return err
	}
	for _, g := range gifts {
		version, err := promotion.Get(ctx, tx, g.PromotionID)
		if err != nil {
			return err
		}
		s.Gifts = append(s.Gifts, offerGift{version.Promotion.Names.In(r.Locale.Language), r.Date(r.LocalDate(g.GivenAt))})
	}
	if s.Referral, err = promotion.KnownReferralCode(ctx, tx, v.Who.AccountID); err != nil {
		return err
	}
	sent, err := promotion.ReferredBy(ctx, tx, v.Who.AccountID)
	if len(sent) > 0 {
		s.Sent = r.N("promo.mine.sent", int64(len(sent)))
	}
	return err
}

// redeemCode gives one of the subscriber's subscriptions what a code stands for.
func redeemCode(v *web.Visit) error {
	subscription, err := uuid.Parse(v.Form("subscription"))
	if err != nil {
		return showMine(v, http.StatusUnprocessableEntity, v.Reader.T("promo.redeem.for.not"))
	}
	err = v.Stack.TryPromoCode(v.Who.AccountID, func() error {
		return writeOwn(v, "promotion.redeem", map[string]any{"code": v.Form("code")}, func(ctx context.Context, tx tenant.Tx) error {
			one, err := account.GetSubscription(ctx, tx, subscription)
			if err != nil || one.AccountID != v.Who.AccountID {
				return errors.Join(err, account.ErrNotFound)
			}
			_, _, err = promotion.Redeem(ctx, tx, v.Who.AccountID, subscription, v.Form("code"))
			return err
		})
	})
	if why := codeRefusal(v.Reader, err); why != "" {
		return showMine(v, http.StatusUnprocessableEntity, why)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("offers", "done", "redeemed"))
}

// codeRefusal tells why a promo code is not redeemed; empty for another error.
func codeRefusal(r ui.Reader, err error) string {
	for reason, key := range map[error]string{
		promotion.ErrCode: "code", promotion.ErrNotEligible: "eligible", promotion.ErrStacking: "stacking", promotion.ErrUsedUp: "used", promotion.ErrGiven: "given",
		promotion.ErrTooMany: "many",
	} {
		if errors.Is(err, reason) {
			return r.T("promo.refused." + key)
		}
	}
	return ""
}

func drawReferral(v *web.Visit) error {
	err := writeOwn(v, "promotion.referral", nil, func(ctx context.Context, tx tenant.Tx) error {
		_, err := promotion.ReferralCode(ctx, tx, v.Who.AccountID)
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("offers"))
}
