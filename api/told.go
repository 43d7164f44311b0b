package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// GetMessageChoice implements oapi.StrictServerInterface.
func (s *Server) GetMessageChoice(ctx context.Context, r oapi.GetMessageChoiceRequestObject) (oapi.GetMessageChoiceResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	var choice tell.Choice
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		choice, err = tell.ChoiceOf(ctx, tx, r.Account)
		return err
	})
	return oapi.GetMessageChoice200JSONResponse(choiceOut(choice)), err
}

func choiceOut(c tell.Choice) oapi.MessageChoice {
	return oapi.MessageChoice{News: c.News, Channels: mapped(c.Channels, func(one notice.Channel) oapi.ChosenWay { return oapi.ChosenWay(one) })}
}

// PutMessageChoice implements oapi.StrictServerInterface.
func (s *Server) PutMessageChoice(ctx context.Context, r oapi.PutMessageChoiceRequestObject) (oapi.PutMessageChoiceResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.PutMessageChoiceResponseObject.VisitPutMessageChoiceResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutMessageChoiceResponseObject, error) {
		c.about("account", r.Account)
		choice := tell.Choice{News: r.Body.News, Channels: mapped(r.Body.Channels, func(one oapi.ChosenWay) notice.Channel { return notice.Channel(one) })}
		return oapi.PutMessageChoice200JSONResponse{Body: choiceOut(choice)}, tell.Choose(ctx, tx, r.Account, choice)
	})
}

// SendBill implements oapi.StrictServerInterface.
func (s *Server) SendBill(ctx context.Context, r oapi.SendBillRequestObject) (oapi.SendBillResponseObject, error) {
	return nil, once(ctx, oapi.SendBillResponseObject.VisitSendBillResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SendBillResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		b, err := bill.Get(ctx, tx, r.Bill)
		if err != nil {
			return nil, err
		}
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return nil, err
		}
		var ways []notice.Channel
		for _, one := range value(r.Body.Channels) {
			ways = append(ways, notice.Channel(one))
		}
		return oapi.SendBill204Response{}, c.stack.Letters(profile).Bill(ctx, tx, b, c.who.Actor(), ways...)
	})
}

// SendNews implements oapi.StrictServerInterface.
func (s *Server) SendNews(ctx context.Context, r oapi.SendNewsRequestObject) (oapi.SendNewsResponseObject, error) {
	id := newID()
	return nil, once(ctx, oapi.SendNewsResponseObject.VisitSendNewsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SendNewsResponseObject, error) {
		callOf(ctx).about("news", id)
		news := tell.News{ID: id, Tag: value(r.Body.Tag), Offering: value(r.Body.Offering), Words: map[string]tell.NewsWords{}}
		for language, w := range r.Body.Words {
			news.Words[language] = tell.NewsWords{Title: w.Title, Text: w.Text}
		}
		accounts, err := tell.Announce(ctx, tx, news)
		return oapi.SendNews202JSONResponse{Body: oapi.NewsSent{Id: id, Accounts: accounts}}, err
	})
}
