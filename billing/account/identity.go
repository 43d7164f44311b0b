package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// IdentityKind is by what the network names a service.
type IdentityKind string

// The kinds of identity.
const (
	MSISDN      IdentityKind = "msisdn" // a mobile number, E.164
	Login       IdentityKind = "login"  // a RADIUS user name
	Line        IdentityKind = "line"   // a fixed line's number
	IMSI        IdentityKind = "imsi"
	STB         IdentityKind = "stb" // a set-top box's serial
	Host        IdentityKind = "host"
	AccountCode IdentityKind = "account" // an exchange's account code
)

// Identity names one service to the network.
type Identity struct {
	Kind  IdentityKind
	Value string
}

// identityArrays are the columns of the services' identities.
type identityArrays struct {
	kinds, values []string
	services      []uuid.UUID
}

func identitiesOf(services []*Service) identityArrays {
	var c identityArrays
	for _, s := range services {
		for _, i := range s.Identities {
			c.kinds, c.values, c.services = append(c.kinds, string(i.Kind)), append(c.values, i.Value), append(c.services, s.ID)
		}
	}
	return c
}

// An identity that was released at this very instant had an empty last period
// only if it was taken at this instant too. Such a row is given to the new
// service, as the key (kind, value, valid_from) leaves no room for another. It
// happens in sandboxes, whose clock stands still between commands.
const reviveIdentities = `
update service_identity i
   set service_id = n.service_id, valid_to = null
  from unnest($1::text[], $2::text[], $3::uuid[]) as n (kind, value, service_id)
 where i.kind = n.kind and i.value = n.value and i.valid_from = $4 and i.valid_to = $4
returning i.kind, i.value`

// The unique index on current identities decides: of two transactions that take
// the same one, the second waits for the first and then finds it taken.
const insertIdentities = `
insert into service_identity (kind, value, valid_from, service_id)
select n.kind, n.value, $4, n.service_id
  from unnest($1::text[], $2::text[], $3::uuid[]) as n (kind, value, service_id)
 order by n.kind, n.value
on conflict do nothing
returning kind, value`

// claimIdentities gives the services their identities from this instant on, or
// returns an *IdentityInUseError naming the first that is not free.
func claimIdentities(ctx context.Context, tx tenant.Tx, services []*Service) error {
	c := identitiesOf(services)
	taken := map[Identity]bool{}
	for _, statement := range []string{reviveIdentities, insertIdentities} {
		rows, err := tx.Query(ctx, statement, c.kinds, c.values, c.services, tx.At)
		if err != nil {
			return fmt.Errorf("take identities: %w", err)
		}
		var i Identity
		_, err = pgx.ForEachRow(rows, []any{&i.Kind, &i.Value}, func() error { taken[i] = true; return nil })
		if err != nil {
			return fmt.Errorf("take identities: %w", err)
		}
	}
	for _, s := range services {
		for _, i := range s.Identities {
			if !taken[i] {
				return &IdentityInUseError{Identity: i}
			}
			delete(taken, i) // so that the same one wanted twice is noticed
		}
	}
	return nil
}

// InUse says which of the identities belong to a service now.
func InUse(ctx context.Context, tx tenant.Tx, identities []Identity) ([]Identity, error) {
	c := identitiesOf([]*Service{{Identities: identities}})
	rows, err := tx.Query(ctx, `
		select i.kind, i.value
		  from unnest($1::text[], $2::text[]) as n (kind, value)
		  join service_identity i on i.kind = n.kind and i.value = n.value and i.valid_to is null
		 order by i.kind, i.value`, c.kinds, c.values)
	if err != nil {
		return nil, fmt.Errorf("look for identities in use: %w", err)
	}
	used, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Identity])
	if err != nil {
		return nil, fmt.Errorf("look for identities in use: %w", err)
	}
	return used, nil
}

// ServiceAt finds the service that had an identity at an instant; ErrNotFound
// if none had.
func ServiceAt(ctx context.Context, tx tenant.Tx, identity Identity, at time.Time) (uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `
		select service_id
		  from service_identity
		 where kind = $1 and value = $2 and valid_from <= $3 and (valid_to is null or valid_to > $3)`,
		identity.Kind, identity.Value, at).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("%s %s: %w", identity.Kind, identity.Value, ErrNotFound)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find service of %s %s: %w", identity.Kind, identity.Value, err)
	}
	return id, nil
}
