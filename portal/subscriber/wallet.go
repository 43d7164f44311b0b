package subscriber

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/voucher"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// walletView is the page on which a subscriber does things with its balance.
type walletView struct {
	Page    ui.Page
	Key     string
	Done    string
	Refused string
	Prepaid bool
	Balance string

	PIN ui.Field

	MayGive        bool
	To, Give, Note ui.Field
	Confirm        string // what would be given to whom; empty: not asked yet
	GiveHint       string

	Card            bool // there is one that can be charged
	AutoState       string
	AutoOn          bool
	AutoAmount      ui.Field
	Below, MonthDay ui.Field
	DayLimit        ui.Field

	Points  string
	Expires string
	Rewards []rewardView

	Alerts []alertView
}

type rewardView struct {
	Code, Name, Price string
	More              string // what is given, or how many points lack
	Enough            bool
}

func wallet(v *web.Visit) error {
	view := walletView{}
	for _, done := range []string{"voucher", "transfer", "auto", "auto-off", "reward", "alert"} {
		if v.Query("done") == done {
			view.Done = v.Reader.T("wallet.done." + done)
		}
	}
	return showWallet(v, http.StatusOK, view)
}

// showWallet shows the page, after a form that was refused with what was typed.
func showWallet(v *web.Visit, status int, w walletView) error {
	r := v.Reader
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		a, err := ownAccount(ctx, tx, v)
		if err != nil {
			return err
		}
		w.Prepaid = a.Kind == account.Prepaid
		w.fields(v, a)
		for _, load := range []func(context.Context, tenant.Tx, *web.Visit, account.Account) error{w.loadBalance, w.loadOrder, w.loadPoints, w.loadAlerts} {
			if err := load(ctx, tx, v, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.Page, w.Key = pageOf(v, sectionHome, r.T("wallet.title")), newKey()
	if w.Confirm != "" {
		w.Key = v.Form("key")
	}
	v.AllowCheckout()
	return v.Show(status, walletPage(w))
}

func (w *walletView) fields(v *web.Visit, a account.Account) {
	r, sign := v.Reader, v.Reader.Locale.Symbol(a.Currency)
	typed := func(f ui.Field, id, label, hint, mode string) ui.Field {
		return ui.Field{ID: id, Label: label, Hint: hint, Value: v.Form(id), Error: f.Error, InputMode: mode, Autocomplete: "off", MaxLength: "60"}
	}
	w.PIN = typed(w.PIN, "pin", r.T("wallet.pin"), r.T("wallet.pin.hint"), "numeric")
	w.PIN.Value = ""
	w.To = typed(w.To, "to", r.T("wallet.to"), r.T("wallet.to.hint"), "tel")
	w.Give = typed(w.Give, "give", r.T("wallet.give", "currency", sign), "", "decimal")
	w.Note = typed(w.Note, "note", r.T("wallet.note"), "", "")
	w.Note.Optional, w.Note.MaxLength = true, "140"
	w.AutoAmount = typed(w.AutoAmount, "auto_amount", r.T("wallet.auto.amount", "currency", sign), "", "decimal")
	w.Below = typed(w.Below, "below", r.T("wallet.auto.below", "currency", sign), r.T("wallet.auto.below.hint"), "decimal")
	w.MonthDay = typed(w.MonthDay, "month_day", r.T("wallet.auto.day"), r.T("wallet.auto.day.hint"), "numeric")
	w.DayLimit = typed(w.DayLimit, "day_limit", r.T("wallet.auto.limit", "currency", sign), "", "decimal")
	w.Below.Optional, w.MonthDay.Optional = true, true
}

func (w *walletView) loadBalance(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account) error {
	buckets, err := balance.List(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	for _, b := range buckets {
		if b.Origin == balance.Main {
			w.Balance = v.Reader.Money(money.New(b.Value, a.Currency))
		}
	}
	allowed, err := transfer.Get(ctx, tx)
	w.MayGive = w.Prepaid && allowed.Enabled && allowed.SubscribersDo
	if w.MayGive {
		w.GiveHint = v.Reader.T("wallet.give.rules", "least", v.Reader.Money(money.New(allowed.Minimum, a.Currency)), "fee", v.Reader.Money(money.New(allowed.Fee, a.Currency)))
	}
	return err
}

func (w *walletView) loadOrder(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account) error {
	r := v.Reader
	_, err := payment.Chargeable(ctx, tx, a.ID)
	if err != nil && !errors.Is(err, payment.ErrNoMethod) {
		return err
	}
	w.Card = err == nil
	o, err := recharge.Get(ctx, tx, a.ID)
	if errors.Is(err, recharge.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	w.AutoOn = o.State == recharge.Active
	w.AutoState = r.T("wallet.auto."+string(o.State), "amount", r.Money(o.Amount), "reason", o.Failure)
	if v.Form("auto_amount") != "" {
		return nil
	}
	plain := func(d money.Decimal) string { return r.Locale.FormatFigure(money.New(d, a.Currency)) }
	w.AutoAmount.Value, w.DayLimit.Value = plain(o.Amount.Decimal()), plain(o.DayLimit)
	if o.Below != nil {
		w.Below.Value = plain(*o.Below)
	}
	if o.MonthDay != nil {
		w.MonthDay.Value = strconv.Itoa(*o.MonthDay)
	}
	return nil
}

func (w *walletView) loadPoints(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account) error {
	programme, err := points.Get(ctx, tx)
	if err != nil || len(programme.Earnings) == 0 && len(programme.Rewards) == 0 {
		return err
	}
	have, buckets, err := points.Have(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	r := v.Reader
	w.Points = r.T("wallet.points.have", "n", r.Number(have))
	for _, b := range buckets {
		if b.ExpiresAt != nil {
			w.Expires = r.T("wallet.points.expire", "n", r.Number(b.Value), "day", r.Date(r.LocalDate(b.ExpiresAt.Add(-1))))
			break
		}
	}
	for _, reward := range programme.Rewards {
		cost := money.NewDecimal(reward.Points)
		view := rewardView{Code: reward.Code, Name: reward.Name(r.Locale.Language), Price: r.T("wallet.points.price", "n", r.Number(cost)), Enough: have.Cmp(cost) >= 0}
		if reward.Option == "" {
			view.More = r.T("wallet.points.gives", "what", quantityOf(r, reward.Amount, reward.Unit), "days", r.N("kept.days", int64(reward.Days)))
		}
		if !view.Enough {
			view.More = r.T("wallet.points.lack", "n", r.Number(cost.Sub(have)))
		}
		w.Rewards = append(w.Rewards, view)
	}
	return nil
}

func (w *walletView) loadAlerts(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account) error {
	subscriptions, err := account.Subscriptions(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	offerings, err := offeringsOf(ctx, tx, subscriptions)
	if err != nil {
		return err
	}
	w.Alerts, err = noticesOf(ctx, tx, v, a, subscriptions, offerings)
	return err
}

// quantityOf writes money as money and units as units.
func quantityOf(r ui.Reader, d money.Decimal, unit money.Unit) string {
	if c, err := money.ParseCurrency(string(unit)); err == nil {
		return r.Money(money.New(d, c))
	}
	return r.Quantity(d, unit)
}

// commandID is the id of what a form asks for: the same however often it is sent.
func commandID(v *web.Visit) uuid.UUID {
	if key := parseID(v.Form("key")); key.Version() != 0 {
		return uuid.NewSHA1(v.Who.AccountID, key[:])
	}
	return uuid.Must(uuid.NewV7())
}

func sendVoucher(v *web.Visit) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	note := func(ctx context.Context, tx tenant.Tx, _ payment.Payment) error {
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: "voucher.redeem", Object: "user", ObjectID: v.Who.UserID})
	}
	_, err := v.Stack.RedeemVoucher(v.Context(), voucher.Redemption{ID: commandID(v), AccountID: v.Who.AccountID, PIN: v.Form("pin"), By: v.Who.Actor(), Note: note}, v.Address())
	for _, refused := range []struct {
		err error
		key string
	}{{voucher.ErrTooMany, "many"}, {voucher.ErrUsed, "used"}, {voucher.ErrExpired, "expired"}, {voucher.ErrPIN, "wrong"}, {voucher.ErrCurrency, "currency"}, {payment.ErrPurpose, "postpaid"}} {
		if errors.Is(err, refused.err) {
			return showWallet(v, http.StatusUnprocessableEntity, walletView{PIN: ui.Field{Error: v.Reader.T("wallet.pin." + refused.key)}})
		}
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("wallet", "done", "voucher"))
}

func sendTransfer(v *web.Visit) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	a, err := currentAccount(v)
	if err != nil {
		return err
	}
	r, w := v.Reader, walletView{}
	amount, err := ui.ParseAmount(v.Form("give"), a.Currency, r.Locale)
	if err != nil {
		w.Give.Error = r.T("wallet.give.not")
		return showWallet(v, http.StatusUnprocessableEntity, w)
	}
	o := transfer.Order{ID: commandID(v), From: a.ID, Amount: amount, Note: strings.TrimSpace(v.Form("note")), By: v.Who.Actor(), Self: true}
	var name string
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		o.To, name, err = transfer.Find(ctx, tx, v.Form("to"))
		return err
	})
	if err == nil && v.Form("confirmed") == "" {
		w.Confirm = r.T("wallet.give.confirm", "amount", r.Money(amount), "name", name, "number", strings.TrimSpace(v.Form("to")))
		return showWallet(v, http.StatusOK, w)
	}
	if err == nil {
		err = writeOwn(v, "transfer.send", map[string]any{"amount": amount.Text(), "to": o.To.String()}, func(ctx context.Context, tx tenant.Tx) error {
			_, err := v.Stack.SendMoney(ctx, tx, o)
			return err
		})
	}
	limit := (*transfer.LimitError)(nil)
	switch {
	case err == nil:
		return v.Redirect(v.URL("wallet", "done", "transfer"))
	case errors.As(err, &limit):
		most := r.Money(limit.Most)
		if limit.Count > 0 {
			most = strconv.Itoa(limit.Count)
		}
		w.Give.Error = r.T("wallet.give.limit."+limit.Which, "most", most)
	case errors.Is(err, transfer.ErrReceiver), errors.Is(err, transfer.ErrSelf):
		w.To.Error = r.T("wallet.to.not")
	case errors.Is(err, balance.ErrInsufficient):
		w.Give.Error = r.T("wallet.give.toomuch")
	case errors.Is(err, transfer.ErrOff), errors.Is(err, transfer.ErrAmount):
		w.Refused = r.T("wallet.give.off")
	default:
		return err
	}
	return showWallet(v, http.StatusUnprocessableEntity, w)
}

// saveAuto keeps how the balance tops itself up. Without a card that is kept
// the first top-up is paid on the provider's page, which keeps it.
func saveAuto(v *web.Visit) error {
	if err := servesPayments(v); err != nil {
		return err
	}
	a, err := currentAccount(v)
	if err != nil {
		return err
	}
	r, w := v.Reader, walletView{}
	o := recharge.Order{AccountID: a.ID, By: v.Who.Actor()}
	amount := func(id string, f *ui.Field, optional bool) money.Amount {
		typed := strings.TrimSpace(v.Form(id))
		if typed == "" && optional {
			return money.Amount{}
		}
		parsed, err := ui.ParseAmount(typed, a.Currency, r.Locale)
		if err != nil {
			f.Error = r.T("wallet.give.not")
		}
		return parsed
	}
	o.Amount = amount("auto_amount", &w.AutoAmount, false)
	if below := amount("below", &w.Below, true); below.Sign() > 0 {
		d := below.Decimal()
		o.Below = &d
	}
	o.DayLimit = amount("day_limit", &w.DayLimit, false).Decimal()
	if typed := strings.TrimSpace(v.Form("month_day")); typed != "" {
		day, err := strconv.Atoi(typed)
		if err != nil || day < 1 || day > 31 {
			w.MonthDay.Error = r.T("wallet.auto.day.not")
		}
		o.MonthDay = &day
	}
	if len(ui.FaultsOf(w.AutoAmount, w.Below, w.DayLimit, w.MonthDay)) > 0 {
		return showWallet(v, http.StatusUnprocessableEntity, w)
	}
	err = writeOwn(v, "auto_topup.set", map[string]any{"amount": o.Amount.Text()}, func(ctx context.Context, tx tenant.Tx) error {
		_, err := recharge.Set(ctx, tx, o)
		return err
	})
	field := (*account.FieldError)(nil)
	switch {
	case err == nil:
		return v.Redirect(v.URL("wallet", "done", "auto"))
	case errors.Is(err, payment.ErrNoMethod):
		w.Refused = r.T("wallet.auto.nocard")
	case errors.As(err, &field) && field.Field == "below":
		w.Below.Error = r.T("wallet.auto.when")
	case errors.As(err, &field) && field.Field == "day_limit":
		w.DayLimit.Error = r.T("wallet.auto.limit.not")
	case errors.As(err, &field):
		w.AutoAmount.Error = r.T("wallet.give.not")
	default:
		return err
	}
	return showWallet(v, http.StatusUnprocessableEntity, w)
}

// keepCard pays a top-up on the provider's page, which keeps the card.
func keepCard(v *web.Visit) error {
	a, err := currentAccount(v)
	if err != nil {
		return err
	}
	amount, err := ui.ParseAmount(v.Form("card_amount"), a.Currency, v.Reader.Locale)
	if err != nil {
		return showWallet(v, http.StatusUnprocessableEntity, walletView{Refused: v.Reader.T("wallet.give.not")})
	}
	return checkoutKeeping(v, payment.NewIntent{Purpose: payment.PurposeTopUp, Amount: amount})
}

func stopAuto(v *web.Visit) error {
	err := writeOwn(v, "auto_topup.off", nil, func(ctx context.Context, tx tenant.Tx) error {
		_, err := recharge.TurnOff(ctx, tx, v.Who.AccountID, v.Who.Actor())
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("wallet", "done", "auto-off"))
}

func sendReward(v *web.Visit) error {
	err := writeOwn(v, "points.burn", map[string]any{"reward": v.Form("reward")}, func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.BurnPoints(ctx, tx, points.Burn{ID: commandID(v), AccountID: v.Who.AccountID, Reward: v.Form("reward"), By: v.Who.Actor()})
		return err
	})
	switch {
	case errors.Is(err, points.ErrTooFew):
		return showWallet(v, http.StatusUnprocessableEntity, walletView{Refused: v.Reader.T("wallet.points.few")})
	case errors.Is(err, points.ErrNoReward):
		return showWallet(v, http.StatusUnprocessableEntity, walletView{Refused: v.Reader.T("wallet.points.gone")})
	case err != nil:
		return err
	}
	return v.Redirect(v.URL("wallet", "done", "reward"))
}

func confirmAlert(v *web.Visit) error {
	err := writeOwn(v, "alert.confirm", map[string]any{"alert": v.Param("alert")}, func(ctx context.Context, tx tenant.Tx) error {
		_, err := alert.Confirm(ctx, tx, v.Who.AccountID, parseID(v.Param("alert")), v.Who.Actor())
		return err
	})
	if err != nil && !errors.Is(err, alert.ErrEnded) {
		return err
	}
	return v.Redirect(v.URL("wallet", "done", "alert"))
}
