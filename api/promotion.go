package api

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
)

// ImportPromotion implements oapi.StrictServerInterface. The document is read
// from the bytes as sent: its faults are told by line.
func (s *Server) ImportPromotion(ctx context.Context, _ oapi.ImportPromotionRequestObject) (oapi.ImportPromotionResponseObject, error) {
	c := callOf(ctx)
	p, err := promotion.Parse(c.body)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ImportPromotionResponseObject.VisitImportPromotionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ImportPromotionResponseObject, error) {
		v, err := promotion.SaveDraft(ctx, tx, p)
		c.about("promotion", v.ID)
		return oapi.ImportPromotion201JSONResponse{Body: promotionOf(v)}, err
	})
}

func promotionOf(v promotion.Version) oapi.Promotion {
	return oapi.Promotion{Id: v.ID, Code: v.Promotion.Code, Version: v.Number, State: oapi.PromotionState(v.State), Given: v.Given,
		Promised: v.Promised.String(), CreatedAt: v.CreatedAt, PublishedAt: v.PublishedAt, EndedAt: v.EndedAt, Document: document(v.Promotion)}
}

// ListPromotions implements oapi.StrictServerInterface.
func (s *Server) ListPromotions(ctx context.Context, _ oapi.ListPromotionsRequestObject) (oapi.ListPromotionsResponseObject, error) {
	var versions []promotion.Version
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		versions, err = promotion.List(ctx, tx)
		return err
	})
	return oapi.ListPromotions200JSONResponse{Items: mapped(versions, promotionOf)}, err
}

// GetPromotion implements oapi.StrictServerInterface.
func (s *Server) GetPromotion(ctx context.Context, r oapi.GetPromotionRequestObject) (oapi.GetPromotionResponseObject, error) {
	var v promotion.Version
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		v, err = promotion.Get(ctx, tx, r.Promotion)
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.GetPromotion200JSONResponse(promotionOf(v)), nil
}

// CheckPromotion implements oapi.StrictServerInterface.
func (s *Server) CheckPromotion(ctx context.Context, r oapi.CheckPromotionRequestObject) (oapi.CheckPromotionResponseObject, error) {
	var findings []promotion.Finding
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		v, err := promotion.Get(ctx, tx, r.Promotion)
		if err == nil {
			findings, err = promotion.Findings(ctx, tx, v.Promotion)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.CheckPromotion200JSONResponse{Publishable: len(findings) == 0, Findings: mapped(findings, func(f promotion.Finding) oapi.Finding {
		return oapi.Finding{Path: f.Path, Message: f.Message}
	})}, nil
}

// PublishPromotion implements oapi.StrictServerInterface.
func (s *Server) PublishPromotion(ctx context.Context, r oapi.PublishPromotionRequestObject) (oapi.PublishPromotionResponseObject, error) {
	return nil, once(ctx, oapi.PublishPromotionResponseObject.VisitPublishPromotionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PublishPromotionResponseObject, error) {
		callOf(ctx).about("promotion", r.Promotion)
		v, err := promotion.Publish(ctx, tx, r.Promotion)
		return oapi.PublishPromotion200JSONResponse{Body: promotionOf(v)}, err
	})
}

// EndPromotion implements oapi.StrictServerInterface.
func (s *Server) EndPromotion(ctx context.Context, r oapi.EndPromotionRequestObject) (oapi.EndPromotionResponseObject, error) {
	return nil, once(ctx, oapi.EndPromotionResponseObject.VisitEndPromotionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndPromotionResponseObject, error) {
		callOf(ctx).about("promotion", r.Promotion)
		v, err := promotion.End(ctx, tx, r.Promotion)
		return oapi.EndPromotion200JSONResponse{Body: promotionOf(v)}, err
	})
}

// MakePromoCodes implements oapi.StrictServerInterface.
func (s *Server) MakePromoCodes(ctx context.Context, r oapi.MakePromoCodesRequestObject) (oapi.MakePromoCodesResponseObject, error) {
	n := promotion.NewCodes{PromotionID: r.Promotion, Letters: value(r.Body.Letters), Prefix: value(r.Body.Prefix), Count: max(1, value(r.Body.Count)),
		Uses: r.Body.Uses, AccountID: r.Body.Account, ExpiresAt: r.Body.ExpiresAt, By: callOf(ctx).who.Actor()}
	return nil, once(ctx, oapi.MakePromoCodesResponseObject.VisitMakePromoCodesResponse, func(ctx context.Context, tx tenant.Tx) (oapi.MakePromoCodesResponseObject, error) {
		callOf(ctx).about("promotion", r.Promotion)
		if n.AccountID != nil {
			if err := accountExists(ctx, tx, *n.AccountID); err != nil {
				return nil, err
			}
		}
		made, err := promotion.MakeCodes(ctx, tx, n)
		return oapi.MakePromoCodes201JSONResponse{Body: oapi.PromoCodePage{Items: mapped(made, promoCode)}}, err
	})
}

func promoCode(c promotion.Code) oapi.PromoCode {
	return oapi.PromoCode{Id: c.ID, Code: c.Code, UsesLeft: c.UsesLeft, Used: c.Used, Blocked: c.Blocked, Account: c.AccountID,
		ExpiresAt: c.ExpiresAt, CreatedAt: c.CreatedAt}
}

// ListPromoCodes implements oapi.StrictServerInterface.
func (s *Server) ListPromoCodes(ctx context.Context, r oapi.ListPromoCodesRequestObject) (oapi.ListPromoCodesResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var codes []promotion.Code
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := promotion.Get(ctx, tx, r.Promotion)
		if err == nil {
			codes, err = promotion.Codes(ctx, tx, r.Promotion, after, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(codes, r.Params.Limit, func(c promotion.Code) []string { return []string{c.ID.String()} })
	return oapi.ListPromoCodes200JSONResponse{Items: mapped(page, promoCode), Next: next}, err
}

// BlockPromoCode implements oapi.StrictServerInterface.
func (s *Server) BlockPromoCode(ctx context.Context, r oapi.BlockPromoCodeRequestObject) (oapi.BlockPromoCodeResponseObject, error) {
	return nil, once(ctx, oapi.BlockPromoCodeResponseObject.VisitBlockPromoCodeResponse, func(ctx context.Context, tx tenant.Tx) (oapi.BlockPromoCodeResponseObject, error) {
		callOf(ctx).about("promo_code", r.Code)
		return oapi.BlockPromoCode204Response{}, promotion.BlockCode(ctx, tx, r.Code)
	})
}

// ListPromotionGifts implements oapi.StrictServerInterface.
func (s *Server) ListPromotionGifts(ctx context.Context, r oapi.ListPromotionGiftsRequestObject) (oapi.ListPromotionGiftsResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var gifts []promotion.Gift
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := promotion.Get(ctx, tx, r.Promotion)
		if err == nil {
			gifts, err = promotion.GiftsBy(ctx, tx, r.Promotion, after, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(gifts, r.Params.Limit, func(g promotion.Gift) []string { return []string{g.ID.String()} })
	return oapi.ListPromotionGifts200JSONResponse{Items: mapped(page, giftOf), Next: next}, err
}

func giftOf(g promotion.Gift) oapi.Gift {
	return oapi.Gift{Id: g.ID, Promotion: g.PromotionID, Account: g.AccountID, Subscription: g.SubscriptionID, Occasion: g.Key,
		Promised: g.Promised.String(), Bucket: g.BucketID, Discount: g.DiscountID, GivenAt: g.GivenAt, EndedAt: g.EndedAt}
}

// ListGifts implements oapi.StrictServerInterface.
func (s *Server) ListGifts(ctx context.Context, r oapi.ListGiftsRequestObject) (oapi.ListGiftsResponseObject, error) {
	var gifts []promotion.Gift
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			gifts, err = promotion.GiftsOf(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListGifts200JSONResponse{Items: mapped(gifts, giftOf)}, err
}

// RedeemPromoCode implements oapi.StrictServerInterface. What another has is
// told as what does not exist. A try that comes too soon is not stored under its
// key: the same may come again.
func (s *Server) RedeemPromoCode(ctx context.Context, r oapi.RedeemPromoCodeRequestObject) (oapi.RedeemPromoCodeResponseObject, error) {
	c := callOf(ctx)
	c.about("subscription", r.Subscription)
	if known, err := c.lookUp(ctx); err != nil || known != nil {
		c.answer = known
		return nil, err
	}
	var holder uuid.UUID
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		subscription, err := account.GetSubscription(ctx, tx, r.Subscription)
		holder = subscription.AccountID
		return err
	})
	if err == nil {
		err = c.sees(holder)
	}
	if err != nil {
		return nil, err
	}
	var refused, stored error
	err = c.stack.TryPromoCode(holder, func() error {
		stored = once(ctx, oapi.RedeemPromoCodeResponseObject.VisitRedeemPromoCodeResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RedeemPromoCodeResponseObject, error) {
			_, gift, err := promotion.Redeem(ctx, tx, holder, r.Subscription, r.Body.Code)
			refused = err
			return oapi.RedeemPromoCode201JSONResponse{Body: giftOf(gift)}, err
		})
		return errors.Join(refused, stored)
	})
	if errors.Is(err, promotion.ErrTooMany) {
		return nil, err
	}
	return nil, stored
}

// DrawReferral implements oapi.StrictServerInterface.
func (s *Server) DrawReferral(ctx context.Context, r oapi.DrawReferralRequestObject) (oapi.DrawReferralResponseObject, error) {
	return nil, once(ctx, oapi.DrawReferralResponseObject.VisitDrawReferralResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DrawReferralResponseObject, error) {
		callOf(ctx).about("account", r.Account)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		code, err := promotion.ReferralCode(ctx, tx, r.Account)
		if err != nil {
			return nil, err
		}
		sent, err := promotion.ReferredBy(ctx, tx, r.Account)
		out := oapi.Referral{Code: code, Referred: mapped(sent, func(one promotion.Referred) oapi.Referred {
			return oapi.Referred{Account: one.AccountID, Given: one.Given}
		})}
		return oapi.DrawReferral200JSONResponse{Body: out}, err
	})
}
