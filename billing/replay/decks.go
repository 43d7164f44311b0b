package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// Decks says by which decks of prefixes usage is priced.
type Decks string

// Decks of a trial or re-rating.
const (
	// DecksThen are those in force when each use began.
	DecksThen Decks = "then"
	// DecksPresent are those in force now: what was put right since counts for
	// what happened before.
	DecksPresent Decks = "present"
)

// or is the choice, by default the decks of then.
func (d Decks) or() Decks {
	if d == "" {
		return DecksThen
	}
	return d
}

func (d Decks) check() error {
	if d.or() != DecksThen && d != DecksPresent {
		return &ChoiceError{"decks", "then or present"}
	}
	return nil
}

// basis is what accounts' charges were priced by in re-ratings that stand: the
// latest of each charge. Each account's part of a re-rating is found by its key.
func basis(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) (map[uuid.UUID]charging.Basis, error) {
	rows, err := tx.Query(ctx, `
		select distinct on (c.charge_id) c.charge_id, r.offering_id, c.holder_id, case when r.decks = 'present' then coalesce(r.ready_at, r.asked_at) end
		from rerating r
		join rerating_account a on a.rerating_id = r.id and a.account_id = any ($1) and a.state = 'applied'
		join rerating_change c on c.rerating_id = r.id and c.account_id = a.account_id and c.chosen and c.problem = ''
		where r.action = 'price_again' and r.state in ('applying', 'applied')
		  and not exists (select from rerating u join rerating_account ua on ua.rerating_id = u.id and ua.account_id = a.account_id and ua.state = 'applied' where u.undoes = r.id)
		order by c.charge_id, r.applied_at desc, r.id desc`, accounts)
	if err != nil {
		return nil, fmt.Errorf("read what charges were priced by: %w", err)
	}
	found := map[uuid.UUID]charging.Basis{}
	var charge uuid.UUID
	var version, holder *uuid.UUID
	var decks *time.Time
	_, err = pgx.ForEachRow(rows, []any{&charge, &version, &holder, &decks}, func() error {
		b := charging.Basis{Offering: orNil(version), Holder: orNil(holder)}
		if decks != nil {
			b.Decks = *decks
		}
		found[charge] = b
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what charges were priced by: %w", err)
	}
	return found, nil
}
