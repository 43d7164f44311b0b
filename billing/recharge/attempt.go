package recharge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// MaxFailures is after how many refusals in a row nothing is tried any more.
const MaxFailures = 3

// retryAfter is when a refused card is tried again.
const retryAfter = 6 * time.Hour

// Attempt is a charge that is to be asked of the provider; nothing where none
// is wanted any more.
type Attempt struct {
	Intent      payment.Intent
	Method      payment.StoredMethod
	Description string
}

// Begin decides, for an agenda item of kind AutoTopUp, whether an account is to
// be topped up, and stores the intent before anybody is asked. An attempt that
// was cut off is given again.
func Begin(ctx context.Context, tx tenant.Tx, item agenda.Item) (*Attempt, error) {
	o, err := lock(ctx, tx, item.Ref)
	if errors.Is(err, ErrNone) || errors.Is(err, account.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if o.IntentID != nil {
		if attempt, err := o.resume(ctx, tx); attempt != nil || err != nil {
			return attempt, err
		}
	}
	wanted, err := o.wanted(ctx, tx, item)
	if err != nil || !wanted {
		return nil, err
	}
	return o.begin(ctx, tx, item)
}

// wanted says whether an item's cause still holds.
func (o *Order) wanted(ctx context.Context, tx tenant.Tx, item agenda.Item) (bool, error) {
	var by onDay
	if err := item.Read(&by); err != nil {
		return false, err
	}
	if o.State != Active {
		return false, nil
	}
	if by.Day > 0 {
		if o.MonthDay == nil || *o.MonthDay != by.Day {
			return false, nil // it was changed meanwhile
		}
		return true, o.schedule(ctx, tx)
	}
	if o.Below == nil {
		return false, nil
	}
	main, err := balance.LockMain(ctx, tx, o.AccountID)
	return main.Value.Cmp(*o.Below) < 0, err
}

func (o *Order) begin(ctx context.Context, tx tenant.Tx, item agenda.Item) (*Attempt, error) {
	fits, err := o.withinDay(ctx, tx)
	if err != nil || !fits {
		return nil, err
	}
	method, err := o.card(ctx, tx)
	if errors.Is(err, payment.ErrNoMethod) {
		o.Failure = err.Error()
		return nil, o.stop(ctx, tx)
	}
	if err != nil {
		return nil, err
	}
	intent, err := payment.CreateStoredIntent(ctx, tx, payment.NewIntent{Key: fmt.Sprintf("auto_topup:%s:%s", o.AccountID, uuid.Must(uuid.NewV7())),
		AccountID: o.AccountID, Purpose: payment.PurposeTopUp, Amount: o.Amount}, method.ID)
	if err != nil {
		return nil, err
	}
	o.IntentID = &intent.ID
	if err := o.save(ctx, tx); err != nil {
		return nil, err
	}
	return o.attempt(ctx, tx, intent, method)
}

func (o *Order) attempt(ctx context.Context, tx tenant.Tx, intent payment.Intent, method payment.StoredMethod) (*Attempt, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	holder, err := account.Get(ctx, tx, o.AccountID)
	return &Attempt{Intent: intent, Method: method, Description: profile.Name + ", " + holder.Number}, err
}

// resume goes on with an attempt that was cut off. One that has ended by a
// webhook meanwhile is finished.
func (o *Order) resume(ctx context.Context, tx tenant.Tx) (*Attempt, error) {
	intent, err := payment.GetIntent(ctx, tx, *o.IntentID)
	if err != nil {
		return nil, err
	}
	if intent.State.Final() || intent.State == payment.IntentFailed {
		return nil, o.finish(ctx, tx, intent)
	}
	method, err := payment.GetMethod(ctx, tx, o.MethodID)
	if err != nil {
		return nil, err
	}
	return o.attempt(ctx, tx, intent, method)
}

// withinDay says whether one more top-up stays within the day's limit.
func (o *Order) withinDay(ctx context.Context, tx tenant.Tx) (bool, error) {
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return false, err
	}
	var today money.Decimal
	err = tx.QueryRow(ctx, `select coalesce(sum(amount), 0) from payment_intent
		where account_id = $1 and method_id is not null and state <> 'failed' and state <> 'canceled' and created_at >= $2`,
		o.AccountID, calendar.DateOf(tx.At, zone).Start(zone)).Scan(&today)
	if err != nil {
		return false, fmt.Errorf("automatic top-ups of today: %w", err)
	}
	return today.Add(o.Amount.Decimal()).Cmp(o.DayLimit) <= 0, nil
}

// Finish counts what has become of an attempt, after its answer was applied,
// and says whether another may be wanted at once: the balance is still below.
func Finish(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (again bool, err error) {
	o, err := lock(ctx, tx, accountID)
	if err != nil || o.IntentID == nil {
		return false, err
	}
	intent, err := payment.GetIntent(ctx, tx, *o.IntentID)
	if err != nil {
		return false, err
	}
	if !intent.State.Final() && intent.State != payment.IntentFailed {
		return false, nil // under way: the webhook tells
	}
	if err := o.finish(ctx, tx, intent); err != nil {
		return false, err
	}
	if intent.State != payment.IntentSucceeded || o.Below == nil || o.State != Active {
		return false, nil
	}
	main, err := balance.LockMain(ctx, tx, accountID)
	return main.Value.Cmp(*o.Below) < 0, err
}

func (o *Order) finish(ctx context.Context, tx tenant.Tx, intent payment.Intent) error {
	o.IntentID = nil
	if intent.State == payment.IntentSucceeded {
		o.Failures, o.Failure = 0, ""
		return o.save(ctx, tx) // the receipt of the payment tells of it
	}
	o.Failures, o.Failure = o.Failures+1, intent.Failure
	if o.Failures >= MaxFailures {
		return o.stop(ctx, tx)
	}
	if err := o.save(ctx, tx); err != nil {
		return err
	}
	again := agenda.Item{Kind: agenda.AutoTopUp, Ref: o.AccountID, DueAt: tx.At.Add(retryAfter)}
	if o.Below == nil && o.MonthDay != nil {
		again.Detail = onDay{*o.MonthDay}
	}
	return agenda.Add(ctx, tx, again)
}

// stop ends the order after refusals and tells its owner.
func (o *Order) stop(ctx context.Context, tx tenant.Tx) error {
	if !o.State.may(Stopped) {
		return o.save(ctx, tx)
	}
	o.State = Stopped
	if err := o.save(ctx, tx); err != nil {
		return err
	}
	return o.tell(ctx, tx, stopped)
}

func (o *Order) tell(ctx context.Context, tx tenant.Tx, words tell.Wordings) error {
	return tell.Account(ctx, tx, o.AccountID, words, func(r tell.Reader) []string {
		return []string{"amount", r.Money(o.Amount), "reason", o.Failure}
	})
}

var stopped = tell.Wordings{
	"en": {Subject: "Automatic top-up has stopped", Body: "Your card was refused, so your balance is not topped up by itself any more: {reason} Store another card on your page to go on."},
	"id": {Subject: "Isi ulang otomatis berhenti", Body: "Kartu Anda ditolak, jadi saldo tidak lagi diisi otomatis: {reason} Simpan kartu lain di halaman Anda untuk melanjutkan."},
	"ru": {Subject: "Автопополнение остановлено", Body: "Карта отклонена, поэтому баланс больше не пополняется сам: {reason} Сохраните другую карту на вашей странице, чтобы продолжить."},
}
