package history

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Use is one accepted usage record with its price, if it has one.
type Use struct {
	ID          uuid.UUID
	Kind        usage.Kind
	ServiceID   uuid.UUID
	Start, End  time.Time
	Origin      string
	Destination string
	Quality     string
	Amount      *money.Decimal // the event's own; nil: it has none
	Quantity    money.Decimal
	Unit        money.Unit
	Price       *money.Amount // with its corrections; nil: nothing was charged
	Covered     money.Decimal // of what was charged for, by allowances
}

// Place is where the list goes on after this use.
func (u Use) Place() Place { return Place{u.End, u.ID} }

// Uses lists what an account used, by its end. usage_record_account gives the
// rows and their order; a usage's charge has its primary key, and
// charge_corrects finds what has corrected it.
func Uses(ctx context.Context, tx tenant.Tx, account uuid.UUID, after Place, limit int) ([]Use, error) {
	at, id := after.bounds()
	rows, err := tx.Query(ctx, `
		select u.id, u.kind, u.service_id, u.started_at, u.ended_at, u.origin, u.destination, u.quality, u.amount, u.quantity::numeric, u.unit,
		       c.price + coalesce((select sum(k.price) from charge k where k.corrects_id = c.id), 0), c.currency, c.allowance
		  from usage_record u
		  left join charge c on c.period = u.period and c.id = u.id
		 where u.account_id = $1 and ($2::timestamptz is null or (u.ended_at, u.id) < ($2, $3))
		 order by u.ended_at desc, u.id desc
		 limit $4`, account, at, id, bounded(limit))
	return collect("usage", rows, err, scanUse)
}

func scanUse(row pgx.CollectableRow) (Use, error) {
	var u Use
	var price, covered *money.Decimal
	var currency *string
	err := row.Scan(&u.ID, &u.Kind, &u.ServiceID, &u.Start, &u.End, &u.Origin, &u.Destination, &u.Quality, &u.Amount, &u.Quantity, &u.Unit, &price, &currency, &covered)
	u.Start, u.End = u.Start.UTC(), u.End.UTC()
	if err != nil || price == nil || currency == nil {
		return u, err
	}
	if covered != nil {
		u.Covered = *covered
	}
	c, err := money.ParseCurrency(*currency)
	amount := money.New(*price, c)
	u.Price = &amount
	return u, err
}
