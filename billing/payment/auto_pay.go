package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// autoPayHour is at which local hour of the due date a card is charged: when
// people are awake to read that it was, or was not.
const autoPayHour = 9

// autoPayDue is the detail of an agenda item: which try it is of what fell due.
type autoPayDue struct {
	Due calendar.Date `json:"due"`
	Try int           `json:"try"`
}

// SetAutoPay says whether a stored card pays what falls due by itself: one card
// an account. What is open already is put on the agenda.
func SetAutoPay(ctx context.Context, tx tenant.Tx, accountID, methodID uuid.UUID, on bool) error {
	if _, err := lockPayer(ctx, tx, accountID); err != nil {
		return err
	}
	m, err := GetMethod(ctx, tx, methodID)
	if err == nil && (m.AccountID != accountID || m.State == StoredEnded) {
		err = ErrNoMethod
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update payment_method set auto_pay = ($2 and id = $3) where account_id = $1 and (id = $3 or $2)`, accountID, on, methodID)
	if err != nil {
		return fmt.Errorf("set automatic payment: %w", err)
	}
	if !on {
		return nil
	}
	return ScheduleAutoPay(ctx, tx, accountID)
}

// Each due date of what an account owes is tried first at the hour of that day,
// or now where it has passed. What is on the agenda stays as it is.
const scheduleAutoPay = `
	insert into agenda (id, kind, ref, detail, due_at, created_at)
	select gen_random_uuid(), $1, d.account_id, jsonb_build_object('due', d.due_date, 'try', 1), d.at, $2
	  from (select distinct o.account_id, o.due_date, greatest((o.due_date + make_interval(hours => $3)) at time zone $4, $2) as at
	          from payment_method m
	          join open_item o on o.account_id = m.account_id and o.open > 0
	         where m.auto_pay and m.state = 'active' and m.kind = 'card' and `

// ScheduleAutoPay puts on the agenda what accounts that pay by themselves owe,
// each due date once.
func ScheduleAutoPay(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	return schedule(ctx, tx, `m.account_id = any($5)`, accounts)
}

// ScheduleAutoPayOf does it for the bills of a run (by bill_of_run).
func ScheduleAutoPayOf(ctx context.Context, tx tenant.Tx, run uuid.UUID) error {
	return schedule(ctx, tx, `o.bill_id in (select b.id from bill b where b.run_id = $5)`, run)
}

func schedule(ctx context.Context, tx tenant.Tx, which string, of any) error {
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	var first *time.Time
	err = tx.QueryRow(ctx, `with added as (`+scheduleAutoPay+which+`) as d
		 order by d.account_id, d.due_date on conflict (kind, ref, due_at) do nothing returning due_at) select min(due_at) from added`,
		string(agenda.AutoPay), tx.At, autoPayHour, zone.String(), of).Scan(&first)
	if err != nil {
		return fmt.Errorf("put what pays itself on the agenda: %w", err)
	}
	if first == nil {
		return nil
	}
	return tx.Wake(ctx, first.UTC())
}

// StoredAttempt is a charge of a stored card that is to be made now.
type StoredAttempt struct {
	Intent      Intent
	Method      StoredMethod
	Description string
}

// BeginAutoPay stores the wish to charge what an account owes by its due date;
// nil where nothing is to be done any more. Cut off, it gives the same again.
func BeginAutoPay(ctx context.Context, tx tenant.Tx, item agenda.Item) (*StoredAttempt, error) {
	var at autoPayDue
	if err := item.Read(&at); err != nil {
		return nil, err
	}
	p, err := lockPayer(ctx, tx, item.Ref)
	if errors.Is(err, account.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := oneMethod(ctx, tx, `account_id = $1 and kind = 'card' and state = 'active' and auto_pay limit 1`, p.id)
	if errors.Is(err, ErrNoMethod) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("auto_pay:%s:%s:%d", p.id, at.Due, at.Try)
	i, err := oneIntent(ctx, tx, selectIntent+`where idempotency_key = $1`, key)
	if errors.Is(err, ErrNotFound) {
		var owed money.Decimal
		if owed, err = p.owedBy(ctx, tx, at.Due); err != nil || owed.Sign() <= 0 {
			return nil, err
		}
		i, err = CreateStoredIntent(ctx, tx, NewIntent{Key: key, AccountID: p.id, Purpose: PurposeBill, Amount: p.amount(owed)}, m.ID)
	}
	if err != nil || i.State != IntentCreated {
		return nil, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	holder, err := account.Get(ctx, tx, p.id)
	return &StoredAttempt{i, m, profile.Name + ", " + holder.Number}, err
}

// owedBy is what of an account is due on a day, less what is being collected.
func (p payer) owedBy(ctx context.Context, tx tenant.Tx, day calendar.Date) (money.Decimal, error) {
	var owed money.Decimal
	err := tx.QueryRow(ctx, `select coalesce(sum(open), 0) from open_item where account_id = $1 and open > 0 and due_date <= $2`, p.id, day).Scan(&owed)
	if err != nil {
		return owed, fmt.Errorf("what is due of account %s: %w", p.id, err)
	}
	pending, err := PendingDebits(ctx, tx, p.id)
	return owed.Sub(pending.Decimal()), err
}

// decline is what a provider's code for a refusal asks for.
type decline int

const (
	tryLater decline = iota // it may work another day
	askOwner                // the owner's bank wants them to confirm
	hopeless                // this card will never pay again
)

// declines are the codes that ask for something else than another day:
// https://docs.stripe.com/declines/codes
var declines = map[string]decline{
	"authentication_required": askOwner,
	"expired_card":            hopeless, "incorrect_number": hopeless, "invalid_number": hopeless, "invalid_account": hopeless,
	"lost_card": hopeless, "stolen_card": hopeless, "pickup_card": hopeless, "restricted_card": hopeless, "fraudulent": hopeless,
	"new_account_information_available": hopeless, "revocation_of_authorization": hopeless, "revocation_of_all_authorizations": hopeless,
	"stop_payment_order": hopeless, "transaction_not_allowed": hopeless, "card_not_supported": hopeless, "resource_missing": hopeless,
}

// FinishAutoPay does what follows from a charge that has ended: nothing where it
// paid, another try by the operator's ladder, or a word to the card's owner.
// link makes an address on which they pay or confirm.
func FinishAutoPay(ctx context.Context, tx tenant.Tx, item agenda.Item, intentID uuid.UUID, link func(token string) string) error {
	var at autoPayDue
	if err := item.Read(&at); err != nil {
		return err
	}
	i, p, err := lockIntent(ctx, tx, intentID)
	if err != nil || i.State != IntentFailed {
		return err
	}
	laid, err := GetPolicy(ctx, tx)
	if err != nil {
		return err
	}
	what := declines[i.Detail.Decline]
	then := ThenConfirm
	switch {
	case what == hopeless:
		then = ThenOther
		if _, err := tx.Exec(ctx, `update payment_method set auto_pay = false, details = details || jsonb_build_object('failure', $2::text)
			where id = (select method_id from payment_intent where id = $1)`, i.ID, i.Failure); err != nil {
			return fmt.Errorf("stop automatic payment: %w", err)
		}
	case what == tryLater && at.Try <= len(laid.RetryDays):
		then = ThenAgain
		next := tx.At.AddDate(0, 0, laid.RetryDays[at.Try-1])
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.AutoPay, Ref: p.id, DueAt: next, Detail: autoPayDue{at.Due, at.Try + 1}}); err != nil {
			return err
		}
	case what == tryLater:
		then = ThenGivenUp
	}
	token, _, err := CreateLink(ctx, tx, NewLink{AccountID: p.id, By: "auto_pay"})
	if errors.Is(err, ErrNothingOwed) {
		return nil
	}
	if err != nil {
		return err
	}
	return TellFailure(ctx, tx, Failure{Intent: i, Then: then, Link: link(token)})
}
