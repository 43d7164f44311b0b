package subscriber

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// confirmView asks once more before something is bought, ended or left as it is.
type confirmView struct {
	Page    ui.Page
	Key     string
	Title   string
	Refused string
	Rows    [][2]string
	More    []string
	Action  string // empty: it cannot be done
	Choices []ui.Choice
	Back    string
	TopUp   string // address that helps a balance that is too low
}

var errPoor = errors.New("the balance does not reach for it")

// ownSubscription is a subscription of the visitor's account; another's is not
// there.
func ownSubscription(ctx context.Context, tx tenant.Tx, v *web.Visit, id uuid.UUID) (account.Subscription, error) {
	one, err := account.GetSubscription(ctx, tx, id)
	if err == nil && one.AccountID != v.Who.AccountID {
		err = account.ErrNotFound
	}
	return one, err
}

// offerFor is an option on sale for a subscription.
func offerFor(ctx context.Context, tx tenant.Tx, subscription, offering uuid.UUID) (onboarding.Offer, error) {
	sold, err := onboarding.Options(ctx, tx, subscription)
	if err != nil {
		return onboarding.Offer{}, err
	}
	for _, o := range sold {
		if o.ID == offering {
			return o, nil
		}
	}
	return onboarding.Offer{}, catalog.ErrNotFound
}

func showBuying(v *web.Visit) error { return answerBuying(v, http.StatusOK, "") }

func answerBuying(v *web.Visit, status int, refused string) error {
	r := v.Reader
	s := confirmView{Page: pageOf(v, sectionHome, r.T("sales.options")), Key: newKey(), Refused: refused, Back: v.URL("options")}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		plan, err := ownSubscription(ctx, tx, v, parseID(v.Param("subscription")))
		if err != nil {
			return err
		}
		o, err := offerFor(ctx, tx, plan.ID, parseID(v.Param("offering")))
		if err != nil {
			return err
		}
		a, err := account.Get(ctx, tx, plan.AccountID)
		if err != nil {
			return err
		}
		available, enough, err := reaches(ctx, tx, a, o.Offering)
		if err != nil {
			return err
		}
		s.buying(v, plan, o, a, enough, r.Money(available))
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(status, confirmPage(s))
}

func (s *confirmView) buying(v *web.Visit, plan account.Subscription, o onboarding.Offer, a account.Account, enough bool, available string) {
	r, words := v.Reader, soldOption(v, plan.ID, o)
	next := r.Date(cycleEndOf(v, a))
	s.Title = r.T("sales.buy.title", "name", words.Name)
	s.Rows = [][2]string{{r.T("sales.buy.price"), words.Price}, {r.T("sales.buy.for"), numbersOf(r, plan)}}
	s.More = words.Brings
	if a.Kind == account.Prepaid {
		s.More = append(s.More, r.T("sales.buy.prepaid", "balance", available))
	} else {
		s.More = append(s.More, r.T("sales.buy.bill"))
	}
	if len(o.Obstacles) > 0 {
		s.Refused = words.More
		return
	}
	s.Action = words.Href
	s.Choices = []ui.Choice{{Value: "now", Label: r.T("sales.buy.now"), Hint: r.T("sales.buy.now.more")}, {Value: "next", Label: r.T("sales.buy.next", "date", next)}}
	if !enough {
		s.Choices, s.TopUp = s.Choices[1:], v.URL("")+"#amount"
		s.More = append(s.More, r.T("sales.buy.poor"))
	}
}

// buyOption orders an option as the desk does, from now or from the next cycle.
func buyOption(v *web.Visit) error {
	next := v.Form("when") == "next"
	err := onceOwn(v, "option.buy", map[string]any{"offering": v.Param("offering"), "next_cycle": next}, func(ctx context.Context, tx tenant.Tx) error {
		plan, err := ownSubscription(ctx, tx, v, parseID(v.Param("subscription")))
		if err != nil {
			return err
		}
		o, err := offerFor(ctx, tx, plan.ID, parseID(v.Param("offering")))
		if err != nil {
			return err
		}
		a, err := account.Lock(ctx, tx, plan.AccountID)
		if err != nil {
			return err
		}
		if !next {
			if _, enough, err := reaches(ctx, tx, a, o.Offering); err != nil || !enough {
				return errors.Join(err, errPoor)
			}
		}
		placed, err := v.Stack.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: o.ID, PartOf: &plan.ID, NextCycle: next, CreatedBy: v.Who.Actor()}})
		if err == nil && !next {
			_, err = v.Stack.Desk().Activate(ctx, tx, placed[0].ID)
		}
		return err
	})
	switch {
	case errors.Is(err, errPoor):
		return answerBuying(v, http.StatusUnprocessableEntity, v.Reader.T("sales.buy.poor"))
	case errors.Is(err, onboarding.ErrIncomplete), errors.Is(err, onboarding.ErrNotSold):
		return answerBuying(v, http.StatusUnprocessableEntity, v.Reader.T("sales.buy.not"))
	case err != nil:
		return err
	case next:
		return v.Redirect(v.URL("options", "done", "planned"))
	}
	return v.Redirect(v.URL("options", "done", "bought"))
}

func showEnding(v *web.Visit) error {
	r := v.Reader
	s := confirmView{Page: pageOf(v, sectionHome, r.T("sales.options")), Key: newKey(), Back: v.URL("options"), Action: v.URL("options/" + v.Param("subscription") + "/end")}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		one, o, a, err := ownOption(ctx, tx, v)
		if err != nil {
			return err
		}
		name := o.Names.In(r.Locale.Language)
		s.Title = r.T("sales.end.title", "name", name)
		s.Rows = [][2]string{{r.T("sales.buy.price"), priceWords(r, o)}}
		s.More = []string{r.T("sales.end.more", "date", r.Date(cycleEndOf(v, a).AddDays(-1)))}
		s.Choices = []ui.Choice{{Value: "next", Label: r.T("sales.end.do", "name", name)}}
		if one.EndsOn != nil {
			s.Action, s.Refused = "", r.T("sales.ends", "date", r.Date(one.EndsOn.AddDays(-1)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, confirmPage(s))
}

// ownOption is an option of the visitor's that has not ended.
func ownOption(ctx context.Context, tx tenant.Tx, v *web.Visit) (one account.Subscription, o catalog.Offering, a account.Account, err error) {
	if one, err = ownSubscription(ctx, tx, v, parseID(v.Param("subscription"))); err != nil {
		return one, o, a, err
	}
	if one.Part != account.OnTop || one.State == account.SubscriptionTerminated {
		return one, o, a, account.ErrNotFound
	}
	if o, err = catalog.LoadVersion(ctx, tx, one.OfferingID); err != nil {
		return one, o, a, err
	}
	a, err = account.Get(ctx, tx, one.AccountID)
	return one, o, a, err
}

// endOption ends an option with the present cycle: it is paid for until then.
func endOption(v *web.Visit) error {
	err := onceOwn(v, "option.end", map[string]any{"subscription": v.Param("subscription")}, func(ctx context.Context, tx tenant.Tx) error {
		one, _, _, err := ownOption(ctx, tx, v)
		if err == nil && one.EndsOn == nil {
			_, err = onboarding.EndPart(ctx, tx, one.ID, false)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("options", "done", "ended"))
}

// dropOption takes an option back that has not begun.
func dropOption(v *web.Visit) error {
	err := onceOwn(v, "option.drop", map[string]any{"order": v.Param("order")}, func(ctx context.Context, tx tenant.Tx) error {
		coming, err := v.Stack.Desk().Coming(ctx, tx, v.Who.AccountID)
		if err != nil {
			return err
		}
		for _, o := range coming {
			if o.ID == parseID(v.Param("order")) {
				_, err := v.Stack.Desk().Cancel(ctx, tx, o.ID)
				return err
			}
		}
		return account.ErrNotFound
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("options", "done", "dropped"))
}

// onceOwn is writeOwn for a form with a key: sent again, it changes nothing
// more.
func onceOwn(v *web.Visit, action string, detail map[string]any, fn func(ctx context.Context, tx tenant.Tx) error) error {
	key := parseID(v.Form("key"))
	if key == uuid.Nil {
		key = uuid.New()
	}
	return v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		request := idempotency.Request{Actor: v.Who.Actor(), Operation: action, Key: "portal/" + key.String(), BodyHash: idempotency.Fingerprint(action, []byte(v.Sent())), WallAt: v.Caller().WallAt}
		_, err := idempotency.Do(ctx, tx, request, func(ctx context.Context, tx tenant.Tx) (idempotency.Answer, error) {
			if err := fn(ctx, tx); err != nil {
				return idempotency.Answer{}, err
			}
			return idempotency.Answer{Status: http.StatusSeeOther}, audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: action, Object: "user", ObjectID: v.Who.UserID, Detail: detail})
		})
		return err
	})
}
