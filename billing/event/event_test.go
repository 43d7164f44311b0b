package event_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func keep(t *testing.T, db *pgtest.TenantDB) {
	t.Helper()
	if _, err := db.Admin.Exec(t.Context(), `update `+db.Ref.Slot.Schema()+`.operator set events_kept = true`); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *pgtest.TenantDB, where string) (n int) {
	t.Helper()
	if err := db.Admin.QueryRow(t.Context(), `select count(*) from `+db.Ref.Slot.Schema()+`.`+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var party = event.PartyData{Kind: "individual", Language: "en"}

func TestRecord_keepsNothingBeforeTheFirstEndpoint(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	one := event.Event{Type: event.PartyCreated, ObjectID: uuid.New(), Data: party}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return errors.Join(event.Record(ctx, tx, one), event.RecordMany(ctx, tx, []event.Event{one, one}),
			event.Collect(ctx, tx, func() ([]event.Event, error) { t.Error("made in vain"); return nil, nil }))
	})
	if n := count(t, db, `event`); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestRecord_numbersByObjectInOrder(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	keep(t, db)
	a, b := uuid.New(), uuid.New()
	for range 3 {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			return event.RecordMany(ctx, tx, []event.Event{
				{Type: event.PartyCreated, ObjectID: a, Data: party}, {Type: event.PartyChanged, ObjectID: b, Data: party}, {Type: event.PartyChanged, ObjectID: a, Data: party}})
		})
	}
	for object, want := range map[uuid.UUID]int64{a: 6, b: 3} {
		var last, distinct int64
		var ordered bool
		err := db.Admin.QueryRow(t.Context(), `select max(sequence), count(distinct sequence), bool_and(sequence = place)
			from (select sequence, row_number() over (order by id) as place from `+db.Ref.Slot.Schema()+`.event where object_id = $1) e`, object).Scan(&last, &distinct, &ordered)
		if err != nil || last != want || distinct != want || !ordered {
			t.Errorf("last %d of %d, want %d, in order %v: %v", last, distinct, want, ordered, err)
		}
	}
}

func TestRecord_isGoneWithItsTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	keep(t, db)
	stop := errors.New("stop")
	err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada"}}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) || count(t, db, `event`) != 0 {
		t.Errorf("%v, %d events", err, count(t, db, `event`))
	}
}

func TestRecord_refusesAnUnknownType(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return event.Record(ctx, tx, event.Event{Type: "party.vanished", ObjectID: uuid.New()})
	})
	if !errors.Is(err, event.ErrEvent) {
		t.Error(err)
	}
}

// Whoever opens an account is heard of, with what an integrator needs.
func TestRecord_fromTheAccounts(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	keep(t, db)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada"}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
		if err != nil {
			return err
		}
		return account.Close(ctx, tx, opened[0].ID)
	})
	for _, want := range []string{"party.created", "account.created", "account.closed"} {
		if n := count(t, db, `event where type = '`+want+`' and data ->> 'id' = object_id::text`); n != 1 {
			t.Errorf("%s: %d events", want, n)
		}
	}
}
