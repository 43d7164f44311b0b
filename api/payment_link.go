package api

import (
	"context"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// payPage is where links to pay lead, below a stack's address; the token
// follows. The page there is the portal's.
const payPage = "link/"

// linksShown bounds the list of an account's links.
const linksShown = 100

// CreatePaymentLink implements oapi.StrictServerInterface.
func (s *Server) CreatePaymentLink(ctx context.Context, r oapi.CreatePaymentLinkRequestObject) (oapi.CreatePaymentLinkResponseObject, error) {
	return nil, once(ctx, oapi.CreatePaymentLinkResponseObject.VisitCreatePaymentLinkResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreatePaymentLinkResponseObject, error) {
		c := callOf(ctx)
		const day = 24 * time.Hour
		token, link, err := payment.CreateLink(ctx, tx, payment.NewLink{AccountID: r.Account, BillID: value(r.Body.Bill),
			Life: time.Duration(value(r.Body.Days)) * day, By: c.who.Actor()})
		c.about("payment_link", link.ID)
		return oapi.CreatePaymentLink201JSONResponse{Body: oapi.PaymentLinkCreated{Link: paymentLink(link), Url: s.pageLink(c, payPage) + token}}, err
	})
}

func paymentLink(l payment.Link) oapi.PaymentLink {
	return oapi.PaymentLink{Id: l.ID, Account: l.AccountID, CreatedBy: l.CreatedBy, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, RevokedAt: l.RevokedAt}
}

// ListPaymentLinks implements oapi.StrictServerInterface.
func (s *Server) ListPaymentLinks(ctx context.Context, r oapi.ListPaymentLinksRequestObject) (oapi.ListPaymentLinksResponseObject, error) {
	var links []payment.Link
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			links, err = payment.Links(ctx, tx, r.Account, linksShown)
		}
		return err
	})
	return oapi.ListPaymentLinks200JSONResponse{Items: mapped(links, paymentLink)}, err
}

// RevokePaymentLink implements oapi.StrictServerInterface.
func (s *Server) RevokePaymentLink(ctx context.Context, r oapi.RevokePaymentLinkRequestObject) (oapi.RevokePaymentLinkResponseObject, error) {
	return nil, once(ctx, oapi.RevokePaymentLinkResponseObject.VisitRevokePaymentLinkResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RevokePaymentLinkResponseObject, error) {
		callOf(ctx).about("payment_link", r.Link)
		return oapi.RevokePaymentLink204Response{}, payment.RevokeLink(ctx, tx, r.Account, r.Link)
	})
}
