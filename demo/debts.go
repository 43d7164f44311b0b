package demo

import (
	"context"
	"errors"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/collection"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// ladders are what follows when bills stay unpaid: by country, a fee where its
// people are used to one.
func ladders(country string, currency money.Currency) collection.Policy {
	by := []notice.Channel{notice.Mail, notice.Portal}
	loud := []notice.Channel{notice.Mail, notice.SMS, notice.Portal}
	ladder := collection.Ladder{
		Code: "standard", Names: catalog.Names{"en": "Standard", "id": "Standar", "ru": "Обычная"}, Move: collection.Next,
		Minimum: collection.Amounts{currency.Code(): money.NewDecimal(1)},
		Promise: &collection.PromiseRule{Days: 10, Times: 2, PerDays: 180, Restores: true, BySubscriber: true},
		Steps: []collection.Step{
			{Code: "reminder", AfterDays: 3, Action: collection.Remind, Channels: by},
			{Code: "last-reminder", AfterDays: 10, Action: collection.Remind, Template: notice.DunningFinal, Channels: loud},
			{Code: "slow", AfterDays: 14, Action: collection.Slow, Channels: by},
			{Code: "wall", AfterDays: 21, Action: collection.Wall, Channels: loud, WaitDays: 2},
			{Code: "suspend", AfterDays: 45, Action: collection.Suspend, Channels: loud, WaitDays: 5},
		},
	}
	if country == "DE" {
		ladder.ReconnectFee = collection.Amounts{currency.Code(): money.MustDecimal("7.50")}
	}
	return collection.Policy{Time: "08:00", DaysOff: []string{"sat", "sun"}, Ladders: []collection.Ladder{ladder}}
}

// layLadders lays the ladders down some weeks before the history ends: its
// debtors then stand on different steps.
func (o *operator) layLadders(ctx context.Context, t tick) error {
	if t.month < o.plan.Months-1 {
		return nil
	}
	return o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := collection.Current(ctx, tx); !errors.Is(err, collection.ErrNoPolicy) {
			return err
		}
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		_, err = collection.Put(ctx, tx, ladders(o.application.Country, profile.Currency), o.clerk)
		return err
	})
}

// arrange is what the desk agrees on with two who owe: one has promised to pay,
// with another nothing is done while a question is cleared up.
func (o *operator) arrange(ctx context.Context, tx tenant.Tx) error {
	cases, err := collection.Board(ctx, tx, collection.BoardQuery{Limit: 50})
	if err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	collector, at := o.stack.Collection(), profile.LocalDate(tx.At)
	promised, held := false, false
	for i := range cases {
		c := &cases[i]
		switch {
		case !promised && c.Level == access.Walled:
			_, err := collector.Promise(ctx, tx, collection.NewPromise{AccountID: c.AccountID, Until: at.AddDays(6), Reason: "is paid on the 15th", By: o.clerk})
			if err != nil {
				return err
			}
			promised = true
		case !held && c.Level == access.Allowed:
			until := at.AddDays(14)
			_, err := collector.Hold(ctx, tx, collection.NewHold{AccountID: c.AccountID, Until: &until, Reason: "asks about the roaming on the last bill", By: o.clerk})
			if err != nil {
				return err
			}
			held = true
		}
	}
	return nil
}
