package billing

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// newsAtOnce is how many accounts one transaction tells of news.
const newsAtOnce = 200

// noNews is the name under which the token of an address is sealed on which an
// account says that it wants no news.
const noNews = "no_news"

// ErrNoNews refuses such an address that is not ours, or too old.
var ErrNoNews = errors.New("this link is not valid")

// spreadNews tells a portion of the accounts that news are for.
func (s *Stack) spreadNews(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = tell.Spread(ctx, tx, item, newsAtOnce, s.noNewsLink)
		return err
	})
	return again, err
}

func (s *Stack) noNewsLink(account uuid.UUID) (string, error) {
	sealed, err := s.Seal(noNews, account[:])
	if err != nil {
		return "", err
	}
	return s.host.config.PublicURL + "/t/" + s.Ref.Name + "/no-news/" + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// StopNews takes an account off the news, by the token of a message.
func (s *Stack) StopNews(ctx context.Context, token string) error {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return ErrNoNews
	}
	clear, err := s.Unseal(noNews, sealed)
	if err != nil {
		return ErrNoNews
	}
	account, err := uuid.FromBytes(clear)
	if err != nil {
		return ErrNoNews
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		choice, err := tell.ChoiceOf(ctx, tx, account)
		if err != nil || !choice.News {
			return err
		}
		choice.News = false
		return tell.Choose(ctx, tx, account, choice)
	})
}
