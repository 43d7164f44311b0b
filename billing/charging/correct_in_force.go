package charging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// InForce is a charge with what its corrections have made of it so far.
type InForce struct {
	Charge Charge // as it was first booked

	Price, Net, Tax     money.Decimal // what is left of it
	Quantity, Allowance money.Decimal
	Given               money.Decimal               // price given back by refunds, below zero; Price has it taken off
	Units               map[uuid.UUID]money.Decimal // what allowances cover of it, by bucket
	Paid                []Part                      // what money buckets paid, in order of use
	Counted             map[string]int64            // what it moved tier counters by
	PaidMoney           money.Decimal               // by money buckets, in any currency they were kept in
	Corrections         []uuid.UUID

	whole bool               // a refund gave all of it back, its quantity too
	steps rating.Explanation // of the charge as it was booked
}

// Part is one bucket's part of a charge.
type Part struct {
	Bucket uuid.UUID
	Amount money.Decimal
}

// Rated is the price that rating stands for: refunds are no matter of price.
func (s *InForce) Rated() money.Decimal { return s.Price.Sub(s.Given) }

// Gone says that the charge was given back whole: to rating it never was.
func (s *InForce) Gone() bool {
	return (s.Given.Sign() < 0 || s.whole) && s.Price.IsZero() && len(s.Units) == 0
}

func (s *InForce) ownCycle() calendar.Date {
	if s.Charge.OwnCycle.IsZero() {
		return s.Charge.CycleStart
	}
	return s.Charge.OwnCycle
}

// inForce begins with a charge as it was booked.
func inForce(c Charge) (*InForce, error) {
	s := &InForce{
		Charge: c, Price: c.Price, Net: c.Net, Tax: c.Tax, Quantity: c.Quantity, Allowance: c.Allowance,
		PaidMoney: c.PaidFromMoney, Units: map[uuid.UUID]money.Decimal{}, Counted: map[string]int64{},
	}
	var err error
	s.steps, err = s.follow(c.Why, c.PaidFromMoney)
	return s, err
}

// correct takes in a correction that was booked before.
func (s *InForce) correct(c *Charge) error {
	s.Price, s.Net, s.Tax = s.Price.Add(c.Price), s.Net.Add(c.Net), s.Tax.Add(c.Tax)
	s.Quantity, s.Allowance = s.Quantity.Add(c.Quantity), s.Allowance.Add(c.Allowance)
	if c.Kind == RefundedCharge {
		s.Given = s.Given.Add(c.Price)
		s.whole = s.whole || c.Quantity.Sign() < 0 && s.Quantity.IsZero()
	}
	s.PaidMoney = s.PaidMoney.Add(c.PaidFromMoney)
	s.Corrections = append(s.Corrections, c.ID)
	_, err := s.follow(c.Why, c.PaidFromMoney)
	return err
}

// follow reads from the steps of a price which buckets gave what, and which
// counters moved; paid is what money paid of it.
func (s *InForce) follow(why []byte, paid money.Decimal) (rating.Explanation, error) {
	var steps rating.Explanation
	if err := json.Unmarshal(why, &steps); err != nil {
		return nil, fmt.Errorf("steps of charge %s: %w", s.Charge.ID, err)
	}
	counted, piece := map[string]int64{}, false
	for i := range steps {
		switch step := &steps[i]; step.Op {
		case rating.OpCover:
			s.cover(step.Bucket, money.NewDecimal(step.Units))
		case rating.OpPay:
			if paid.IsZero() {
				s.cover(step.Bucket, step.Amount) // money that is an allowance lowers the price
			} else {
				s.pay(step.Bucket, step.Amount)
			}
		case rating.OpTier:
			counted[step.Counter] += step.Units
		case rating.OpLess:
			piece = true
		}
	}
	if piece && len(counted) == 1 { // its tier step tells the whole session, not this piece
		for code := range counted {
			counted[code], _ = s.Charge.Quantity.Sub(s.Charge.Allowance).Int64()
		}
	}
	for code, n := range counted {
		s.Counted[code] += n
	}
	return steps, nil
}

func (s *InForce) cover(bucket uuid.UUID, units money.Decimal) {
	if sum := s.Units[bucket].Add(units); sum.IsZero() {
		delete(s.Units, bucket)
	} else {
		s.Units[bucket] = sum
	}
}

// pay notes what a bucket paid; what comes back is taken off its last parts.
func (s *InForce) pay(bucket uuid.UUID, amount money.Decimal) {
	for i := len(s.Paid) - 1; i >= 0; i-- {
		if s.Paid[i].Bucket == bucket {
			s.Paid[i].Amount = s.Paid[i].Amount.Add(amount)
			return
		}
	}
	s.Paid = append(s.Paid, Part{bucket, amount})
}

type chargeKey struct {
	period calendar.Date
	id     uuid.UUID
}

const inForceColumns = `
	c.period, c.id, c.kind, c.usage_id, c.account_id, c.subscription_id, c.service_id, c.offering_id, c.cycle_start, c.own_cycle,
	c.at, c.rated_at, c.line_code, c.quantity, c.unit, c.allowance, c.price, c.net, c.tax, c.currency, c.tax_category,
	c.paid_from_balance, c.why, c.corrects_id, c.corrects_period, c.reason`

// The primary key finds the charges, charge_corrects what corrects them.
const (
	selectCharges = `
		select ` + inForceColumns + `
		from unnest($1::date[], $2::uuid[]) as w (period, id)
		join charge as c on c.period = w.period and c.id = w.id
		where c.corrects_id is null`
	selectCorrections = `
		select ` + inForceColumns + `
		from unnest($1::uuid[]) as w (id)
		join charge as c on c.corrects_id = w.id
		order by c.id`
	selectBooked = `
		select ` + inForceColumns + `
		from unnest($1::date[], $2::uuid[]) as w (period, id)
		join charge as c on c.period = w.period and c.id = w.id
		where c.corrects_id is not null`
)

// loadInForce reads charges with what corrects them, by id.
func loadInForce(ctx context.Context, tx tenant.Tx, wanted []chargeKey) (map[uuid.UUID]*InForce, error) {
	periods, ids := columnsOf(wanted)
	first, err := queryCharges(ctx, tx, selectCharges, periods, ids)
	if err != nil {
		return nil, err
	}
	charges := make(map[uuid.UUID]*InForce, len(first))
	for i := range first {
		if charges[first[i].ID], err = inForce(first[i]); err != nil {
			return nil, err
		}
	}
	later, err := queryCharges(ctx, tx, selectCorrections, ids)
	if err != nil {
		return nil, err
	}
	for i := range later {
		if s := charges[later[i].Corrects]; s != nil {
			if err := s.correct(&later[i]); err != nil {
				return nil, err
			}
		}
	}
	return charges, nil
}

// PeriodOf is the month in which an account's charge is kept; ErrNoCharge if
// there is none, or it corrects another. charge_cycle finds the account's.
func PeriodOf(ctx context.Context, tx tenant.Tx, account, charge uuid.UUID) (period calendar.Date, err error) {
	err = tx.QueryRow(ctx, `select period from charge where account_id = $1 and id = $2 and corrects_id is null`, account, charge).Scan(&period)
	if errors.Is(err, pgx.ErrNoRows) {
		return period, fmt.Errorf("charge %s: %w", charge, ErrNoCharge)
	}
	if err != nil {
		return period, fmt.Errorf("find charge %s: %w", charge, err)
	}
	return period, nil
}

// InForceOf reads charges of an account, by id and period, as they are now,
// and locks the account.
func (e *Engine) InForceOf(ctx context.Context, tx tenant.Tx, account uuid.UUID, charges map[uuid.UUID]calendar.Date) (map[uuid.UUID]*InForce, error) {
	s, err := e.begin(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := s.lockAccounts(ctx, tx, keys(map[uuid.UUID]bool{account: true}), tx.At); err != nil {
		return nil, err
	}
	wanted := make([]chargeKey, 0, len(charges))
	for id, period := range charges {
		wanted = append(wanted, chargeKey{period, id})
	}
	return loadInForce(ctx, tx, wanted)
}

// loadBooked reads correcting charges by their own ids.
func loadBooked(ctx context.Context, tx tenant.Tx, wanted []chargeKey) (map[uuid.UUID]Charge, error) {
	periods, ids := columnsOf(wanted)
	list, err := queryCharges(ctx, tx, selectBooked, periods, ids)
	if err != nil {
		return nil, err
	}
	booked := make(map[uuid.UUID]Charge, len(list))
	for i := range list {
		booked[list[i].ID] = list[i]
	}
	return booked, nil
}

// columnsOf turns keys for unnest, each once.
func columnsOf(wanted []chargeKey) (periods []time.Time, ids []uuid.UUID) {
	seen := make(map[uuid.UUID]bool, len(wanted))
	for _, key := range wanted {
		if !seen[key.id] {
			seen[key.id] = true
			periods, ids = append(periods, key.period.Start(time.UTC)), append(ids, key.id)
		}
	}
	return periods, ids
}

func queryCharges(ctx context.Context, tx tenant.Tx, query string, args ...any) ([]Charge, error) {
	rows, err := tx.Query(ctx, query, append([]any{planned}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanCharge)
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	return list, nil
}

func scanCharge(row pgx.CollectableRow) (Charge, error) {
	var scan chargeScan
	err := row.Scan(scan.into()...)
	return scan.charge(), err
}

// chargeScan takes a row of inForceColumns.
type chargeScan struct {
	c                        Charge
	usage, service, corrects *uuid.UUID
	own, correctsPeriod      *calendar.Date
}

func (s *chargeScan) into() []any {
	c := &s.c
	return []any{
		&c.Period, &c.ID, &c.Kind, &s.usage, &c.AccountID, &c.SubscriptionID, &s.service, &c.OfferingID, &c.CycleStart, &s.own,
		&c.At, &c.RatedAt, &c.LineCode, &c.Quantity, &c.Unit, &c.Allowance, &c.Price, &c.Net, &c.Tax, &c.Currency, &c.TaxCategory,
		&c.PaidFromMoney, &c.Why, &s.corrects, &s.correctsPeriod, &c.Reason,
	}
}

func (s *chargeScan) charge() Charge {
	c := s.c
	c.At, c.RatedAt = c.At.UTC(), c.RatedAt.UTC()
	c.UsageID, c.ServiceID, c.Corrects = orNil(s.usage), orNil(s.service), orNil(s.corrects)
	if s.own != nil {
		c.OwnCycle = *s.own
	}
	if s.correctsPeriod != nil {
		c.CorrectsPeriod = *s.correctsPeriod
	}
	return c
}

func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
