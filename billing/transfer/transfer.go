package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// Order is money that somebody wants to give.
type Order struct {
	ID     uuid.UUID // of the command; a repeat changes nothing
	From   uuid.UUID // account
	To     uuid.UUID // account, found by Find
	Amount money.Amount
	Note   string
	By     string
	// Self says that the giver does it by itself, which the operator may not offer.
	Self bool
	// Take takes the fee from the giver's main balance, with its tax; the
	// accounts are locked. It is asked for where there is a fee.
	Take func(ctx context.Context, tx tenant.Tx, from uuid.UUID, fee money.Decimal) error
}

// FeeCode names the fee on statements.
const FeeCode = "transfer-fee"

// Transfer is money that was given.
type Transfer struct {
	ID     uuid.UUID
	From   uuid.UUID
	To     uuid.UUID
	Amount money.Amount
	Fee    money.Amount
	Note   string
	By     string
	At     time.Time
}

// maxNote bounds what is said with a transfer.
const maxNote = 140

// Send moves the money. It tells both by a message. ErrOff, ErrSelf, a
// *LimitError, ErrReceiver and balance.ErrInsufficient refuse.
func Send(ctx context.Context, tx tenant.Tx, o Order) (Transfer, error) {
	p, err := Get(ctx, tx)
	if err != nil {
		return Transfer{}, err
	}
	switch {
	case !p.Enabled, o.Self && !p.SubscribersDo:
		return Transfer{}, ErrOff
	case o.From == o.To:
		return Transfer{}, ErrSelf
	case len(o.Note) > maxNote:
		return Transfer{}, &account.FieldError{Field: "note", Want: "at most 140 characters"}
	}
	from, to, err := lockBoth(ctx, tx, o)
	if err != nil {
		return Transfer{}, err
	}
	if known, err := get(ctx, tx, o.ID); err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return known, err
	}
	if err := p.admit(ctx, tx, o, from); err != nil {
		return Transfer{}, err
	}
	if from.Currency != to.Currency || from.LegalEntity != to.LegalEntity || to.Kind != account.Prepaid || to.State != account.Active {
		return Transfer{}, ErrReceiver
	}
	t := Transfer{ID: o.ID, From: o.From, To: o.To, Amount: o.Amount, Fee: money.New(p.Fee, o.Amount.Currency()), Note: o.Note, By: o.By, At: tx.At}
	if err := o.takeFee(ctx, tx, p.Fee); err != nil {
		return Transfer{}, err
	}
	if err := t.move(ctx, tx, p, from); err != nil {
		return Transfer{}, err
	}
	return t, t.tell(ctx, tx)
}

// takeFee takes the fee first: it may lock more of the giver's balances.
func (o Order) takeFee(ctx context.Context, tx tenant.Tx, fee money.Decimal) error {
	if fee.IsZero() {
		return nil
	}
	return o.Take(ctx, tx, o.From, fee)
}

// lockBoth locks both accounts, the lower id first.
func lockBoth(ctx context.Context, tx tenant.Tx, o Order) (from, to account.Account, err error) {
	first, second := o.From, o.To
	if bytes.Compare(first[:], second[:]) > 0 {
		first, second = second, first
	}
	a, err := account.Lock(ctx, tx, first)
	if err == nil {
		var b account.Account
		if b, err = account.Lock(ctx, tx, second); err == nil {
			if a.ID == o.From {
				return a, b, nil
			}
			return b, a, nil
		}
	}
	if errors.Is(err, account.ErrNotFound) {
		err = ErrReceiver
	}
	return account.Account{}, account.Account{}, err
}

// admit holds the order against what is allowed. The giver's account is
// locked, so nothing can leave it meanwhile.
func (p Policy) admit(ctx context.Context, tx tenant.Tx, o Order, from account.Account) error {
	bound := func(kind error, which string, most money.Decimal) error {
		return &LimitError{Kind: kind, Which: which, Most: money.New(most, p.Currency)}
	}
	amount := o.Amount.Decimal()
	switch {
	case from.Kind != account.Prepaid || from.State != account.Active:
		return fmt.Errorf("%w: only a prepaid balance can be given from", ErrAmount)
	case o.Amount.Currency() != from.Currency || from.Currency != p.Currency || !o.Amount.RoundToDocument().Decimal().Equal(amount) || amount.Cmp(p.Minimum) < 0:
		return bound(ErrAmount, "minimum", p.Minimum)
	case !p.Maximum.IsZero() && amount.Cmp(p.Maximum) > 0:
		return bound(ErrAmount, "maximum", p.Maximum)
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	month := ledger.Period(tx.At, zone)
	local := tx.At.In(zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	var dayCount, monthCount int
	var daySum, monthSum money.Decimal
	// balance_act_account
	err = tx.QueryRow(ctx, `
		select count(*) filter (where at >= $3), coalesce(sum(amount) filter (where at >= $3), 0), count(*), coalesce(sum(amount), 0)
		from balance_act where account_id = $1 and kind = 'transfer' and at >= $2`, o.From, month.Start(zone), day).
		Scan(&dayCount, &daySum, &monthCount, &monthSum)
	if err != nil {
		return fmt.Errorf("transfers of account %s: %w", o.From, err)
	}
	left := func(most, gone money.Decimal) money.Decimal {
		if rest := most.Sub(gone); rest.Sign() > 0 {
			return rest
		}
		return money.Decimal{}
	}
	switch {
	case p.DayCount > 0 && dayCount >= p.DayCount:
		return &LimitError{Kind: ErrLimit, Which: "day_count", Count: p.DayCount}
	case p.MonthCount > 0 && monthCount >= p.MonthCount:
		return &LimitError{Kind: ErrLimit, Which: "month_count", Count: p.MonthCount}
	case !p.DayAmount.IsZero() && daySum.Add(amount).Cmp(p.DayAmount) > 0:
		return bound(ErrLimit, "day_amount", left(p.DayAmount, daySum))
	case !p.MonthAmount.IsZero() && monthSum.Add(amount).Cmp(p.MonthAmount) > 0:
		return bound(ErrLimit, "month_amount", left(p.MonthAmount, monthSum))
	}
	return nil
}

// move books it, the fee apart: what reservations of sessions hold back is not
// there.
func (t Transfer) move(ctx context.Context, tx tenant.Tx, p Policy, from account.Account) error {
	giver, taker, err := balance.LockMains(ctx, tx, t.From, t.To)
	if err != nil {
		return err
	}
	held, err := balance.Reserved(ctx, tx, giver.ID)
	if err != nil {
		return err
	}
	amount, fee := t.Amount.Decimal(), t.Fee.Decimal()
	if giver.Value.Sub(held).Sub(amount).Cmp(p.KeepAtLeast) < 0 {
		return fmt.Errorf("give %s of %s: %w", t.Amount, money.New(giver.Value.Sub(held), t.Amount.Currency()), balance.ErrInsufficient)
	}
	unit := t.Amount.Currency().Unit()
	between := ledger.General(ledger.Deposit)
	transfers := []ledger.Transfer{
		{Debit: giver.Ledger(), Credit: between, Amount: amount, Unit: unit, AccountID: t.From},
		{Debit: between, Credit: taker.Ledger(), Amount: amount, Unit: unit, AccountID: t.To},
	}
	// Tax that was due when the money was sold goes along with it.
	if giver.TaxAhead.Sign() > 0 && giver.Value.Sign() > 0 {
		part, err := giver.TaxAhead.MulDiv(amount, giver.Value, money.Scale, money.HalfAwayFromZero)
		if err != nil {
			return err
		}
		if amount.Cmp(giver.Value) >= 0 || part.Cmp(giver.TaxAhead) > 0 {
			part = giver.TaxAhead
		}
		if part.Sign() > 0 {
			transfers = append(transfers, ledger.Transfer{Debit: ledger.Of(ledger.TaxAhead, taker.ID), Credit: ledger.Of(ledger.TaxAhead, giver.ID),
				Amount: part, Unit: unit, AccountID: t.To})
		}
	}
	err = ledger.Post(ctx, tx, ledger.Event{Kind: ledger.Move, ID: t.ID, At: tx.At, LegalEntity: from.LegalEntity, Branch: from.Branch}, transfers)
	if err != nil {
		return fmt.Errorf("transfer %s: %w", t.ID, err)
	}
	_, err = tx.Exec(ctx, `
		insert into balance_act (id, kind, account_id, other_account, amount, fee, unit, note, actor, at)
		values ($1, 'transfer', $2, $3, $4, $5, $6, $7, $8, $9)`, t.ID, t.From, t.To, amount, fee, string(unit), t.Note, t.By, tx.At)
	if err != nil {
		return fmt.Errorf("note transfer %s: %w", t.ID, err)
	}
	if err := balance.Turned(ctx, tx, t.From, t.To); err != nil {
		return err
	}
	return balance.Sunk(ctx, tx, giver, giver.Value.Sub(amount))
}

const columns = `id, account_id, other_account, amount, fee, unit, note, actor, at`

func scan(row pgx.CollectableRow) (Transfer, error) {
	var t Transfer
	var amount, fee money.Decimal
	var currency money.Currency
	err := row.Scan(&t.ID, &t.From, &t.To, &amount, &fee, &currency, &t.Note, &t.By, &t.At)
	t.Amount, t.Fee, t.At = money.New(amount, currency), money.New(fee, currency), t.At.UTC()
	return t, err
}

func get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Transfer, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from balance_act where id = $1 and kind = 'transfer'`, id)
	if err != nil {
		return Transfer{}, fmt.Errorf("read transfer %s: %w", id, err)
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}

// List reads what an account has given and got, newest first.
func List(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, limit int) ([]Transfer, error) {
	// each half by an index of its own
	rows, err := tx.Query(ctx, `
		select `+columns+` from (
			(select `+columns+` from balance_act where account_id = $1 and kind = 'transfer' order by at desc limit $2)
			union all
			(select `+columns+` from balance_act where other_account = $1 order by at desc limit $2)) as t
		order by at desc, id desc limit $2`, accountID, min(max(limit, 1), 200))
	if err != nil {
		return nil, fmt.Errorf("list transfers: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list transfers: %w", err)
	}
	return list, nil
}

func (t Transfer) tell(ctx context.Context, tx tenant.Tx) error {
	giver, err := Receiver(ctx, tx, t.From)
	if err != nil {
		return err
	}
	taker, err := Receiver(ctx, tx, t.To)
	if err != nil {
		return err
	}
	for _, one := range []struct {
		account uuid.UUID
		words   tell.Wordings
		other   string
	}{{t.From, given, taker}, {t.To, got, giver}} {
		err := tell.Account(ctx, tx, one.account, one.words, func(r tell.Reader) []string {
			return []string{"amount", r.Money(t.Amount), "fee", r.Money(t.Fee), "other", one.other, "note", t.Note}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var given = tell.Wordings{
	"en": {Subject: "You gave {amount}", Body: "You gave {amount} to {other}. The fee was {fee}."},
	"id": {Subject: "Anda mengirim {amount}", Body: "Anda mengirim {amount} kepada {other}. Biaya: {fee}."},
	"ru": {Subject: "Вы перевели {amount}", Body: "Вы перевели {amount} на имя {other}. Комиссия: {fee}."},
}

var got = tell.Wordings{
	"en": {Subject: "You got {amount}", Body: "{other} gave you {amount}. {note}"},
	"id": {Subject: "Anda menerima {amount}", Body: "{other} mengirimi Anda {amount}. {note}"},
	"ru": {Subject: "Вам перевели {amount}", Body: "{other} перевёл(а) вам {amount}. {note}"},
}
