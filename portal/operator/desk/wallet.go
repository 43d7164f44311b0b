package desk

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/web"
)

// walletView is what a clerk does with a subscriber's balance beside taking
// money: what the subscriber could do itself.
type walletView struct {
	here, key  string
	prepaid    bool
	card       bool
	auto       string // its state in words
	autoOn     bool
	mayAuto    bool
	mayBalance bool // transfer and rewards
	mayConfirm bool
	transfers  bool // the operator offers them
	points     string
	rewards    []rewardView
	alerts     []alertView
	refused    string
}

type rewardView struct {
	code, name, price string
	enough            bool
}

type alertView struct {
	id, text, at string
	held         bool
}

func showWallet(v *web.Visit) error { return answerWallet(v, http.StatusOK, "") }

func answerWallet(v *web.Visit, status int, refused string) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	w := walletView{here: v.Console(p.path("")), key: command.NewKey(), prepaid: p.prepaid(), refused: refused,
		mayAuto: v.May(identity.PaymentWrite), mayBalance: v.May(identity.BalanceWrite), mayConfirm: v.May(identity.AccountWrite)}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		for _, read := range []func(context.Context, tenant.Tx, *web.Visit, *person) error{w.loadAuto, w.loadPoints, w.loadAlerts} {
			if err := read(ctx, tx, v, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	page, head := p.framed(v, "wallet")
	return v.Show(status, walletPage(page, head, w))
}

func (w *walletView) loadAuto(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	if !w.prepaid {
		return nil
	}
	var err error
	if w.transfers, err = transfersOffered(ctx, tx); err != nil {
		return err
	}
	_, err = payment.Chargeable(ctx, tx, p.ID)
	if err != nil && !errors.Is(err, payment.ErrNoMethod) {
		return err
	}
	w.card = err == nil
	o, err := recharge.Get(ctx, tx, p.ID)
	if errors.Is(err, recharge.ErrNone) {
		w.auto = v.Reader.T("kept.auto.none")
		return nil
	}
	if err != nil {
		return err
	}
	r := v.Reader
	w.autoOn = o.State == recharge.Active
	w.auto = r.T("wallet.auto."+string(o.State), "amount", r.Money(o.Amount), "reason", o.Failure)
	if o.Below != nil && w.autoOn {
		w.auto += " " + r.T("kept.auto.below", "amount", r.Money(p.amount(*o.Below)))
	}
	if o.MonthDay != nil && w.autoOn {
		w.auto += " " + r.T("kept.auto.day", "day", r.Number(money.NewDecimal(int64(*o.MonthDay))))
	}
	return nil
}

func (w *walletView) loadPoints(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	programme, err := points.Get(ctx, tx)
	if err != nil || len(programme.Earnings)+len(programme.Rewards) == 0 {
		return err
	}
	have, _, err := points.Have(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	r := v.Reader
	w.points = r.T("wallet.points.have", "n", r.Number(have))
	for _, one := range programme.Rewards {
		cost := money.NewDecimal(one.Points)
		w.rewards = append(w.rewards, rewardView{one.Code, one.Name(r.Locale.Language), r.T("wallet.points.price", "n", r.Number(cost)), have.Cmp(cost) >= 0})
	}
	return nil
}

func (w *walletView) loadAlerts(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	const shown = 20
	list, err := alert.List(ctx, tx, p.ID, shown)
	if err != nil {
		return err
	}
	r := v.Reader
	for i := range list {
		one := &list[i]
		name := one.Terms.Code
		if a, found := explain.AllowanceNamed(explain.OfferingOf(one.SubscriptionID, name, p.subscriptions, p.offerings), name); found {
			name = a.Names.In(r.Locale.Language)
		}
		text := r.T("kept.alert."+string(one.Terms.Measure), "reached", unitWords(r, one.Reached, one.Unit), "threshold", unitWords(r, one.Threshold, one.Unit), "percent", r.Number(one.Terms.Percent), "code", name)
		if one.State == alert.Held {
			text += " " + r.T("wallet.alert.held."+string(one.Action))
		}
		w.alerts = append(w.alerts, alertView{one.ID.String(), text, r.Short(one.At), one.State == alert.Held})
	}
	return nil
}

// walletAct carries out an act on the address's account and leads back.
func walletAct(v *web.Visit, action string, detail map[string]any, do func(ctx context.Context, tx tenant.Tx, p *person) error) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	c := &command.Command{Action: action, Object: "account", ID: p.ID, Detail: detail}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console(p.path("wallet"), "done", "wallet"), do(ctx, tx, p)
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, points.ErrTooFew), errors.Is(err, points.ErrNoReward), errors.Is(err, alert.ErrEnded), errors.Is(err, balance.ErrInsufficient):
		return answerWallet(v, http.StatusUnprocessableEntity, v.Reader.T("kept.refused."+walletFault(err)))
	case err != nil:
		return err
	}
	return v.Lead(next)
}

func walletFault(err error) string {
	switch {
	case errors.Is(err, points.ErrTooFew), errors.Is(err, balance.ErrInsufficient):
		return "few"
	case errors.Is(err, points.ErrNoReward):
		return "reward"
	}
	return "ended"
}

func takeReward(v *web.Visit) error {
	return walletAct(v, "points.burn", map[string]any{"reward": v.Form("reward")}, func(ctx context.Context, tx tenant.Tx, p *person) error {
		_, err := v.Stack.BurnPoints(ctx, tx, points.Burn{ID: command.ID(v), AccountID: p.ID, Reward: v.Form("reward"), By: v.Who.Actor()})
		return err
	})
}

func confirmAlert(v *web.Visit) error {
	id := idOf(v, "alert")
	return walletAct(v, "alert.confirm", map[string]any{"alert": id}, func(ctx context.Context, tx tenant.Tx, p *person) error {
		_, err := alert.Confirm(ctx, tx, p.ID, id, v.Who.Actor())
		return err
	})
}

func stopAuto(v *web.Visit) error {
	return walletAct(v, "auto_topup.off", nil, func(ctx context.Context, tx tenant.Tx, p *person) error {
		_, err := recharge.TurnOff(ctx, tx, p.ID, v.Who.Actor())
		return err
	})
}
