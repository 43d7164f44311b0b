package charging

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// holding is a span of time in which an identity belonged to a service, and
// the span in which that service's subscription was active.
type holding struct {
	service      uuid.UUID
	subscription uuid.UUID
	account      uuid.UUID
	offering     uuid.UUID
	options      []uuid.UUID // whose prices go before the offering's
	owner        uuid.UUID   // whose shared balances it uses now; uuid.Nil: nobody's
	joined       time.Time   // since when

	heirs []uuid.UUID // subscriptions that have taken its place since, which have what goes on

	suspended            bool
	heldFrom, heldTo     time.Time // heldTo zero: still
	activeFrom, activeTo time.Time // both zero: never; activeTo zero: still
}

func covers(from, to, at time.Time) bool {
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

func (h *holding) plan() plan { return plan{h.offering, h.options} }

func (h *holding) active(at time.Time) bool {
	return !h.activeFrom.IsZero() && covers(h.activeFrom, h.activeTo, at)
}

// holdings are all spans of one identity. They don't overlap.
type holdings []holding

// at is who held the identity at an instant.
func (hs holdings) at(at time.Time) *holding {
	for i := range hs {
		if covers(hs[i].heldFrom, hs[i].heldTo, at) {
			return &hs[i]
		}
	}
	return nil
}

// The primary key of service_identity answers it per identity. Suspension has
// no history, and who was cut off used nothing: only activation and the end
// bound a subscription's active time, and an option's.
const selectHoldings = `
	select w.kind, w.value, v.id, s.id, s.account_id, s.offering_id, s.state = 'suspended', i.valid_from, i.valid_to, s.activated_at, s.terminated_at,
	       coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000'), m.joined_at, ` + selectOptions + `, ` + selectHeirs + `
	from unnest($1::text[], $2::text[]) as w (kind, value)
	join service_identity as i on i.kind = w.kind and i.value = w.value
	join service as v on v.id = i.service_id
	join subscription as s on s.id = v.subscription_id
	left join sharing_member as m on m.account_id = s.account_id
	left join sharing_group as g on g.id = m.group_id`

// loadHoldings reads the spans of identities, all with one statement.
// Identities that nobody ever held are in the answer with none.
func loadHoldings(ctx context.Context, tx tenant.Tx, wanted []usage.Identity) (map[usage.Identity]holdings, error) {
	found, kinds, values := wantedHoldings(wanted)
	rows, err := tx.Query(ctx, selectHoldings, planned, kinds, values)
	if err != nil {
		return nil, fmt.Errorf("find subscribers: %w", err)
	}
	defer rows.Close()
	scan := scanHoldings(found)
	for rows.Next() {
		if err := scan(rows); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find subscribers: %w", err)
	}
	return found, nil
}

// queueHoldings does what loadHoldings does with a flow's next trip.
func queueHoldings(f *tenant.Flow, wanted []usage.Identity) map[usage.Identity]holdings {
	found, kinds, values := wantedHoldings(wanted)
	f.Query(selectHoldings, []any{kinds, values}, scanHoldings(found))
	return found
}

func wantedHoldings(wanted []usage.Identity) (found map[usage.Identity]holdings, kinds, values []string) {
	found = make(map[usage.Identity]holdings, len(wanted))
	kinds, values = make([]string, len(wanted)), make([]string, len(wanted))
	for i, w := range wanted {
		kinds[i], values[i] = string(w.Kind), w.Value
		found[w] = nil
	}
	return found, kinds, values
}

// scanHoldings adds rows to what was found.
func scanHoldings(found map[usage.Identity]holdings) func(row pgx.CollectableRow) error {
	var (
		identity                     usage.Identity
		h                            holding
		heldTo, activeFrom, activeTo *time.Time
		joined                       *time.Time
		options                      []option
		heirs                        []uuid.UUID
	)
	into := []any{
		&identity.Kind, &identity.Value, &h.service, &h.subscription, &h.account, &h.offering, &h.suspended,
		&h.heldFrom, &heldTo, &activeFrom, &activeTo, &h.owner, &joined, &options, &heirs,
	}
	return func(row pgx.CollectableRow) error {
		options, heirs = nil, nil
		if err := row.Scan(into...); err != nil {
			return fmt.Errorf("find subscribers: %w", err)
		}
		h.heldTo, h.activeFrom, h.activeTo = orZero(heldTo), orZero(activeFrom), orZero(activeTo)
		h.joined, h.heirs = orZero(joined), heirs
		if len(options) > 0 {
			found[identity] = h.split(options, found[identity])
		} else {
			found[identity] = append(found[identity], h)
		}
		return nil
	}
}

func orZero(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}
