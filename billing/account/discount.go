package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Discount takes something off a subscription's recurring fees: a share of
// each, or an amount from those of a cycle together. Exactly one of Percent
// and Amount is set.
type Discount struct {
	ID             uuid.UUID // given by GiveDiscounts where it is Nil
	SubscriptionID uuid.UUID
	Code           string         // tells a subscription's discounts apart; empty: "discount"
	Reason         string         // printed on bills
	Percent        *money.Decimal // above 0, at most 100
	Amount         *money.Decimal // as prices are written, in the account's currency
	CyclesLeft     *int           // in which it is still to be given; nil: always
	ValidFrom      calendar.Date  // fees of cycles that began before it are not reduced; zero: today
	// CountedThrough: cycles before it are counted already.
	CountedThrough calendar.Date
	CreatedAt      time.Time
	Stacking       int // discounts are taken off in this order, then the oldest first
}

// ErrDiscountTaken means that the subscription has a discount of that code.
var ErrDiscountTaken = errors.New("the subscription has a discount of this code")

const defaultDiscountCode = "discount"

var (
	discountCode = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	wholePercent = money.NewDecimal(100)
)

func (d Discount) check() error {
	switch {
	case !discountCode.MatchString(d.Code):
		return &FieldError{"code", "1 to 40 lower-case letters, digits, - and _"}
	case !printable(d.Reason):
		return &FieldError{"reason", "the words that bills print, on one line"}
	case (d.Percent == nil) == (d.Amount == nil):
		return &FieldError{"percent", "either a percentage or an amount"}
	case d.Percent != nil && (d.Percent.Sign() <= 0 || d.Percent.Cmp(wholePercent) > 0):
		return &FieldError{"percent", "a number above 0 and up to 100"}
	case d.Amount != nil && d.Amount.Sign() <= 0:
		return &FieldError{"amount", "an amount above zero"}
	case d.CyclesLeft != nil && *d.CyclesLeft < 1:
		return &FieldError{"cycles_left", "a number of cycles from 1 on, or nothing for always"}
	}
	return nil
}

// Covers says whether the fees of a cycle that begins on a day are reduced,
// given how many cycles are left.
func (d *Discount) Covers(cycle calendar.Date) bool {
	if cycle.Before(d.ValidFrom) {
		return false
	}
	return cycle.Before(d.CountedThrough) || d.CyclesLeft == nil || *d.CyclesLeft > 0
}

// Count uses the discount up for a cycle that it covers: once, however many of
// the cycle's fees it reduces and however often they are reckoned.
func (d *Discount) Count(cycle calendar.Period) {
	if cycle.From.Before(d.CountedThrough) {
		return
	}
	d.CountedThrough = cycle.To
	if d.CyclesLeft != nil {
		left := *d.CyclesLeft - 1
		d.CyclesLeft = &left
	}
}

// Words are what a bill prints: the reason, with the percentage if there is one.
func (d *Discount) Words() string {
	if d.Percent == nil {
		return d.Reason
	}
	return fmt.Sprintf("%s, %s%%", d.Reason, d.Percent)
}

// GiveDiscounts gives subscriptions discounts. ErrDiscountTaken where one has
// a discount of that code already.
func GiveDiscounts(ctx context.Context, tx tenant.Tx, discounts []Discount) ([]Discount, error) {
	profile, err := GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	given, rows := make([]Discount, len(discounts)), make([][]any, len(discounts))
	for i, d := range discounts {
		if d.Code == "" {
			d.Code = defaultDiscountCode
		}
		if err := d.check(); err != nil {
			return nil, err
		}
		if d.ID == uuid.Nil {
			d.ID = uuid.Must(uuid.NewV7())
		}
		if d.ValidFrom.IsZero() {
			d.ValidFrom = profile.LocalDate(tx.At)
		}
		d.CountedThrough, d.CreatedAt = d.ValidFrom, tx.At
		given[i] = d
		rows[i] = []any{d.ID, d.SubscriptionID, d.Code, d.Reason, d.Percent, d.Amount, d.CyclesLeft, d.ValidFrom, d.CountedThrough, d.CreatedAt, d.Stacking}
	}
	columns := []string{"id", "subscription_id", "code", "reason", "percent", "amount", "cycles_left", "valid_from", "counted_through", "created_at", "stacking"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"subscription_discount"}, columns, pgx.CopyFromRows(rows)); err != nil {
		const uniqueViolation = "23505"
		if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == uniqueViolation {
			return nil, fmt.Errorf("give discounts: %w", ErrDiscountTaken)
		}
		return nil, fmt.Errorf("give discounts: %w", missingReference(err))
	}
	return given, nil
}

// EndDiscount gives a discount no more; what was given stays.
func EndDiscount(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `update subscription_discount set cycles_left = 0 where id = $1`, id)
	if err != nil {
		return fmt.Errorf("end discount %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("discount %s: %w", id, ErrNotFound)
	}
	return nil
}

// Discounts reads subscriptions' discounts, ended ones too, in the order in
// which they are taken off: by their stacking, then the oldest first.
func Discounts(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) (map[uuid.UUID][]Discount, error) {
	rows, err := tx.Query(ctx, `
		select id, subscription_id, code, reason, percent, amount, cycles_left, valid_from, counted_through, created_at, stacking
		  from subscription_discount
		 where subscription_id = any ($1)
		 order by subscription_id, stacking, created_at, code`, subscriptions)
	if err != nil {
		return nil, fmt.Errorf("read discounts: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Discount])
	if err != nil {
		return nil, fmt.Errorf("read discounts: %w", err)
	}
	found := map[uuid.UUID][]Discount{}
	for _, d := range list {
		found[d.SubscriptionID] = append(found[d.SubscriptionID], d)
	}
	return found, nil
}

// CountDiscounts keeps how far discounts have been counted (Count). The
// accounts are locked, so nobody counts beside.
func CountDiscounts(ctx context.Context, tx tenant.Tx, counted []Discount) error {
	if len(counted) == 0 {
		return nil
	}
	slices.SortFunc(counted, func(a, b Discount) int { return slices.Compare(a.ID[:], b.ID[:]) })
	ids, left, through := make([]uuid.UUID, len(counted)), make([]*int, len(counted)), make([]calendar.Date, len(counted))
	for i, d := range counted {
		ids[i], left[i], through[i] = d.ID, d.CyclesLeft, d.CountedThrough
	}
	done, err := tx.Exec(ctx, `
		update subscription_discount d
		   set cycles_left = n.cycles_left, counted_through = n.counted_through
		  from unnest($1::uuid[], $2::integer[], $3::date[]) as n (id, cycles_left, counted_through)
		 where d.id = n.id`, ids, left, through)
	if err != nil {
		return fmt.Errorf("count discounts: %w", err)
	}
	if int(done.RowsAffected()) != len(counted) {
		return fmt.Errorf("count discounts: %d of %d found", done.RowsAffected(), len(counted))
	}
	return nil
}
