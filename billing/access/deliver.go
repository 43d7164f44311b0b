package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// Network does on the network what an intent says.
type Network interface {
	// Deliver returns once the network has done it; the receipt says who
	// confirms that. The same order again must do no harm.
	Deliver(ctx context.Context, o Order) (Receipt, error)
}

// Order is an intent on its way to the network.
type Order struct {
	Tenant     tenant.ID
	ServiceID  uuid.UUID
	Generation int
	Level      Level
	Kind       string // of the service
	Identities []account.Identity
}

// Receipt is a network's word that an order is carried out.
type Receipt struct{ By string }

// ErrNoNetwork means that nothing is set up that could tell the network.
var ErrNoNetwork = errors.New("no way to the network is set up")

// Recorder stands for the network of a sandbox, which has none: what is to be
// done is written down, and that is what it confirms.
type Recorder struct{}

// RecorderName is who confirms a sandbox's intents.
const RecorderName = "recorder"

// Deliver confirms that the order stands in the sandbox's books.
func (Recorder) Deliver(context.Context, Order) (Receipt, error) { return Receipt{RecorderName}, nil }

// Waiting reads the order of a service's pending intent; found is false when
// there is nothing to tell.
func Waiting(ctx context.Context, tx tenant.Tx, service uuid.UUID) (o Order, found bool, err error) {
	o = Order{Tenant: tx.Tenant, ServiceID: service}
	err = tx.QueryRow(ctx, `select i.generation, i.level, v.kind from access_intent i join service v on v.id = i.service_id
		where i.service_id = $1 and i.state = 'pending'`, service).Scan(&o.Generation, &o.Level, &o.Kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return Order{}, false, nil
	}
	if err != nil {
		return Order{}, false, fmt.Errorf("read intent of service %s: %w", service, err)
	}
	rows, err := tx.Query(ctx, `select kind, value from service_identity where service_id = $1 and valid_to is null order by kind, value`, service)
	if err != nil {
		return Order{}, false, fmt.Errorf("identities of service %s: %w", service, err)
	}
	o.Identities, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (i account.Identity, err error) {
		err = row.Scan(&i.Kind, &i.Value)
		return i, err
	})
	return o, err == nil, err
}

// Pauses between attempts: they double from the first to the longest.
const (
	firstPause   = 5 * time.Second
	longestPause = 15 * time.Minute
)

func pauseAfter(attempts int) time.Duration {
	pause := firstPause
	for n := 1; n < attempts && pause < longestPause; n++ {
		pause *= 2
	}
	return min(pause, longestPause)
}

// Tried notes what became of an order: confirmed by whoever did it, or not, and
// then tried again until it is. Where there is no network, it waits until
// somebody asks again (Retry). An order that was overtaken meanwhile is nobody's.
func Tried(ctx context.Context, tx tenant.Tx, o Order, by Receipt, cause error) error {
	if cause == nil {
		tag, err := tx.Exec(ctx, `update access_intent set state = 'confirmed', attempts = attempts + 1, failure = '', tried_at = $3, settled_at = $3, confirmed_by = $4
			where service_id = $1 and generation = $2 and state = 'pending'`, o.ServiceID, o.Generation, tx.At, by.By)
		if err == nil && tag.RowsAffected() > 1 {
			err = fmt.Errorf("%d rows written, want 1 at most", tag.RowsAffected())
		}
		if err != nil {
			return fmt.Errorf("confirm intent of service %s: %w", o.ServiceID, err)
		}
		return nil
	}
	var attempts int
	err := tx.QueryRow(ctx, `update access_intent set attempts = attempts + 1, failure = left($4, 500), tried_at = $3
		where service_id = $1 and generation = $2 and state = 'pending' returning attempts`, o.ServiceID, o.Generation, tx.At, cause.Error()).Scan(&attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("note attempt for service %s: %w", o.ServiceID, err)
	}
	if errors.Is(cause, ErrNoNetwork) {
		return nil
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.AccessTell, Ref: o.ServiceID, DueAt: tx.At.Add(pauseAfter(attempts))})
}

// Retry tries again, now, what the network has not confirmed: of one account,
// or of all for the zero id.
func Retry(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (int, error) {
	rows, err := tx.Query(ctx, `select service_id from access_intent where state = 'pending' and ($1 = '00000000-0000-0000-0000-000000000000' or account_id = $1) order by service_id`, accountID)
	if err != nil {
		return 0, fmt.Errorf("find unconfirmed intents: %w", err)
	}
	services, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("find unconfirmed intents: %w", err)
	}
	return len(services), agenda.AddFor(ctx, tx, agenda.AccessTell, tx.At, services)
}
