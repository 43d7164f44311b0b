package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// DepositReturn gives a deposit back.
type DepositReturn struct {
	ID        uuid.UUID // of the command, and of the credit that it becomes: a repeat changes nothing
	DepositID uuid.UUID
	Amount    *money.Amount // of what is held; nil: all, and nothing more is asked for
	ToDebt    bool          // pays what the account owes, the oldest due first; else it stays credit
	By        string
}

// Returned is what became of a deposit that was given back.
type Returned struct {
	Deposit  Deposit
	Amount   money.Amount // given back, without interest
	Interest money.Amount
	Applied  money.Amount // to what the account owed
	Credit   money.Amount // left to the customer
}

// ReturnDeposit turns what is held of a deposit, with its interest, into the
// customer's credit. Given back in whole, what was not paid of it is not asked
// for any more. Whether credit goes out as money is payment's part.
func ReturnDeposit(ctx context.Context, tx tenant.Tx, r DepositReturn) (Returned, error) {
	d, err := GetDeposit(ctx, tx, r.DepositID)
	if err != nil {
		return Returned{}, err
	}
	a, err := account.Lock(ctx, tx, d.AccountID)
	if err != nil {
		return Returned{}, err
	}
	if r.ID == uuid.Nil {
		r.ID = uuid.Must(uuid.NewV7())
	} else if known, err := returnedUnder(ctx, tx, r, a); known != nil || err != nil {
		return deref(known), err
	}
	if _, err := tx.Exec(ctx, `select id from open_item where deposit_id = $1 for no key update`, d.ID); err != nil {
		return Returned{}, fmt.Errorf("lock deposit: %w", err)
	}
	if d, err = GetDeposit(ctx, tx, d.ID); err != nil { // as it is under the lock
		return Returned{}, err
	}
	held := d.Held()
	amount := held
	if r.Amount != nil {
		amount = *r.Amount
		if amount.Currency() != a.Currency {
			return Returned{}, money.ErrCurrencyMismatch
		}
		if amount.Sign() <= 0 || amount.Decimal().Cmp(held.Decimal()) > 0 || !amount.RoundToDocument().Decimal().Equal(amount.Decimal()) {
			return Returned{}, fmt.Errorf("%s of %s: %w", amount, held, ErrDepositAmount)
		}
	}
	back := amount.Decimal()
	out := Returned{Amount: amount, Interest: money.Zero(a.Currency), Applied: money.Zero(a.Currency), Credit: money.Zero(a.Currency)}
	post := &poster{account: a.ID, unit: a.Currency.Unit()}
	credit := ledger.Of(ledger.CustomerCredit, a.ID)
	if r.Amount == nil && d.Open.Sign() > 0 { // never paid: not asked for any more
		if _, err := tx.Exec(ctx, `update open_item set open = 0, `+KeepPast(2)+` where id = $1`, d.OpenItemID, tx.At); err != nil {
			return Returned{}, fmt.Errorf("end what is asked for: %w", err)
		}
		post.move(ledger.General(ledger.Deposit), ledger.Of(ledger.Receivable, a.ID), d.Open.Decimal())
		back = back.Add(d.Open.Decimal())
	}
	if back.IsZero() {
		return Returned{}, fmt.Errorf("deposit %s: %w", d.Number, ErrDepositAmount)
	}
	if out.Interest, err = d.interestOn(ctx, tx, amount); err != nil {
		return Returned{}, err
	}
	post.move(ledger.General(ledger.Deposit), credit, amount.Decimal())
	post.move(ledger.General(ledger.Interest), credit, out.Interest.Decimal())
	var batch pgx.Batch
	batch.Queue(`update deposit set returned = returned + $2, closed_at = case when returned + $2 = amount then $3::timestamptz end where id = $1`, d.ID, back, tx.At)
	if err := oneRowEach(ctx, tx, &batch); err != nil {
		return Returned{}, fmt.Errorf("give deposit %s back: %w", d.Number, err)
	}
	event := ledger.Event{Kind: ledger.Deposited, ID: r.ID, At: tx.At, LegalEntity: a.LegalEntity, Branch: a.Branch}
	var debts []item
	if r.ToDebt {
		if debts, err = lockDebts(ctx, tx, a.ID); err != nil {
			return Returned{}, err
		}
	}
	if err := ledger.Post(ctx, tx, event, post.transfers); err != nil {
		return Returned{}, fmt.Errorf("post deposit %s: %w", d.Number, err)
	}
	if sum := amount.Decimal().Add(out.Interest.Decimal()); sum.Sign() > 0 {
		applied, err := gift{id: r.ID, account: a, method: "deposit", amount: sum, reference: d.Number, by: r.By, entity: a.LegalEntity, branch: a.Branch}.give(ctx, tx, debts)
		if err != nil {
			return Returned{}, err
		}
		out.Applied, out.Credit = money.New(applied, a.Currency), money.New(sum.Sub(applied), a.Currency)
	}
	out.Deposit, err = GetDeposit(ctx, tx, d.ID)
	return out, err
}

func deref(r *Returned) Returned {
	if r == nil {
		return Returned{}
	}
	return *r
}

// returnedUnder finds what an earlier command of the same id gave back.
func returnedUnder(ctx context.Context, tx tenant.Tx, r DepositReturn, a account.Account) (*Returned, error) {
	var amount, unapplied, applied money.Decimal
	var method string
	var owner uuid.UUID
	err := tx.QueryRow(ctx, `
		select p.account_id, p.method, p.amount, p.unapplied, coalesce((select sum(x.amount - x.reversed) from payment_allocation x where x.payment_id = p.id), 0)
		  from payment p where p.id = $1`, r.ID).Scan(&owner, &method, &amount, &unapplied, &applied)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was given back: %w", err)
	}
	if owner != a.ID || method != "deposit" {
		return nil, ErrNoteID
	}
	d, err := GetDeposit(ctx, tx, r.DepositID)
	return &Returned{Deposit: d, Amount: money.New(amount, a.Currency), Interest: money.Zero(a.Currency),
		Applied: money.New(applied, a.Currency), Credit: money.New(unapplied, a.Currency)}, err
}

// interestOn is what an amount has earned since the deposit was paid: by the
// day, of 365 a year.
func (d Deposit) interestOn(ctx context.Context, tx tenant.Tx, amount money.Amount) (money.Amount, error) {
	none := money.Zero(amount.Currency())
	if d.Interest == nil || amount.Sign() <= 0 {
		return none, nil
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return none, err
	}
	var paid calendar.Date
	err = tx.QueryRow(ctx, `select max((at at time zone $2)::date) from payment_allocation where open_item_id = $1 and amount > reversed`,
		d.OpenItemID, profile.Zone.String()).Scan(&paid)
	if err != nil {
		return none, fmt.Errorf("when deposit %s was paid: %w", d.Number, err)
	}
	days := paid.DaysUntil(profile.LocalDate(tx.At))
	return amount.MulDiv(d.Interest.Mul(money.NewDecimal(int64(days))), money.NewDecimal(36500), amount.Currency().DocumentDigits(), money.HalfAwayFromZero)
}

// An account pays on time where nothing that fell due in the months before was
// open after its day.
const paidLate = `
	select exists (select from open_item i
	                where i.account_id = $1 and i.due_date >= $2 and i.due_date < $3
	                  and (i.open > 0
	                    or exists (select from payment_allocation p where p.open_item_id = i.id and (p.at at time zone $4)::date > i.due_date)))`

// ReviewDeposit gives a deposit back once its months of paying on time are
// over: to what is owed, the rest as credit. Where something was paid late it
// is looked at again a month later.
func ReviewDeposit(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	d, err := GetDeposit(ctx, tx, id)
	if errors.Is(err, ErrNoDeposit) {
		return nil
	}
	if err != nil || d.Months == nil {
		return err
	}
	if _, err := account.Lock(ctx, tx, d.AccountID); err != nil {
		return err
	}
	if d, err = GetDeposit(ctx, tx, id); err != nil {
		return err
	}
	if d.Held().Sign() <= 0 && d.Open.IsZero() {
		return nil // given back already
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	today := profile.LocalDate(tx.At)
	var late bool
	if err := tx.QueryRow(ctx, paidLate, d.AccountID, today.AddMonths(-*d.Months), today, profile.Zone.String()).Scan(&late); err != nil {
		return fmt.Errorf("read how account pays: %w", err)
	}
	if late || d.Open.Sign() > 0 {
		return reviewOn(ctx, tx, id, profile, today.AddMonths(1))
	}
	_, err = ReturnDeposit(ctx, tx, DepositReturn{ID: uuid.NewSHA1(id, []byte("on time")), DepositID: id, ToDebt: true, By: "system"})
	return err
}
