package billing

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity/limit"
	"tollhouse/billing/promotion"
)

// How often promo codes may be guessed: by an account, and by all of an
// operator's together, so that many accounts do not get around the first.
var (
	guessRate  = limit.Rate{Burst: 10, PerMinute: 1}
	guessesAll = limit.Rate{Burst: 200, PerMinute: 60}
)

// guesses count tries of promo codes that are wrong.
type guesses struct{ byAccount, all *limit.Limiter }

func newGuesses(now func() time.Time) guesses {
	return guesses{limit.New(guessRate, now), limit.New(guessesAll, now)}
}

// TryPromoCode lets an account try a promo code. The try is counted before it is
// made, so that tries at the same time do not outrun the limit, and given back
// unless the code was wrong (promotion.ErrCode). A *promotion.TriesError says
// when the next may come. redeem is not called then.
func (s *Stack) TryPromoCode(account uuid.UUID, redeem func() error) error {
	g, own, all := s.host.guesses, s.Ref.ID.String()+"/"+account.String(), s.Ref.ID.String()
	if ok, after := g.byAccount.Allow(own); !ok {
		return &promotion.TriesError{After: after}
	}
	if ok, after := g.all.Allow(all); !ok {
		g.byAccount.Refund(own)
		return &promotion.TriesError{After: after}
	}
	err := redeem()
	if !errors.Is(err, promotion.ErrCode) {
		g.byAccount.Refund(own)
		g.all.Refund(all)
	}
	return err
}
