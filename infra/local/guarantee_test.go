package local_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/guarantee"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// carries sets what a host database carries.
func (r *road) carries(t *testing.T, host string, perSecond int64) {
	t.Helper()
	err := r.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update host_database set charges_per_second = $2 where name = $1`, host, perSecond)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *road) promise(want guarantee.Terms) (g guarantee.Guarantee, err error) {
	err = r.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		g, err = guarantee.Set(ctx, tx, tenants.System, r.made.ID, want)
		return err
	})
	return g, err
}

func (r *road) shares(t *testing.T, db *tenant.DB) []tenant.Share {
	t.Helper()
	shares, err := db.Shares(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return shares
}

// A guarantee that fits is obeyed by the host database, goes where the stack
// goes, and is judged by what its processes attained.
func TestGuarantee_fromPromiseToAlarm(t *testing.T) {
	t.Parallel()
	r, ctx := newRoad(t), context.Background()
	keeper := guarantee.NewKeeper(r.control, r.fleet, r.log())
	if _, err := r.promise(guarantee.Terms{Rate: 100, P99: 200 * time.Millisecond}); !errors.Is(err, guarantee.ErrRoom) {
		t.Errorf("guaranteed where nobody has said what is carried: %v", err)
	}
	r.carries(t, r.host.Database, 1000)
	for _, wrong := range []guarantee.Terms{{Rate: -1, P99: time.Second}, {Rate: 5}, {P99: time.Second}, {Rate: 5, P99: time.Millisecond}, {Weight: 1001}} {
		if _, err := r.promise(wrong); err == nil || errors.Is(err, guarantee.ErrRoom) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	_, err := r.promise(guarantee.Terms{Rate: 801, P99: 200 * time.Millisecond})
	if room, is := errors.AsType[*guarantee.RoomError](err); !is || room.Room.Free() != 800 || !strings.Contains(err.Error(), "800 are free") {
		t.Errorf("over four fifths: %v", err)
	}
	want := guarantee.Terms{Rate: 800, P99: 200 * time.Millisecond}
	for range 2 { // a repeat changes nothing
		if g, err := r.promise(want); err != nil || g.No != 1 || g.Carried || g.Weight != tenant.DefaultWeight {
			t.Fatalf("%+v, %v", g, err)
		}
	}
	for range 2 {
		if err := keeper.Carry(ctx); err != nil {
			t.Fatal(err)
		}
	}
	share := tenant.Share{Tenant: r.made.ID, Weight: tenant.DefaultWeight, Rate: 800, P99: 200 * time.Millisecond}
	if got := r.shares(t, r.db); len(got) != 1 || got[0] != share {
		t.Errorf("the host has %+v", got)
	}
	// An older change that comes late changes nothing.
	late := share
	late.Rate = 5
	if err := r.fleet.Share(ctx, r.host.Database, late, 1); err != nil || r.shares(t, r.db)[0] != share {
		t.Errorf("an older change: %+v, %v", r.shares(t, r.db), err)
	}

	r.attains(t, keeper, tenant.Attained{Tenant: r.made.ID, Seconds: 300, Promised: 30_000, Late: 300, P99: 190 * time.Millisecond}, "")
	r.attains(t, keeper, tenant.Attained{Tenant: r.made.ID, Seconds: 300, Promised: 30_000, Late: 301, P99: 220 * time.Millisecond}, "220")
	r.attains(t, keeper, tenant.Attained{Tenant: r.made.ID, Seconds: 300, Promised: 30_000, Late: 1, P99: 20 * time.Millisecond}, "")

	// It moves only where it can be held.
	var moved move.Move
	order := func() error {
		return r.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			moved, err = move.Start(ctx, tx, tenants.System, move.Order{Operator: r.made.ID, To: r.other.Database})
			return err
		})
	}
	if err := order(); !errors.Is(err, guarantee.ErrRoom) {
		t.Errorf("moved where it can't be held: %v", err)
	}
	r.carries(t, r.other.Database, 2000)
	r.mover(t, r.fleet)
	if err := order(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the move", func() bool {
		err := keeper.Carry(ctx)
		return err == nil && len(r.shares(t, r.other.DB)) == 1
	})
	if got := r.shares(t, r.other.DB)[0]; got != share {
		t.Errorf("the new host has %+v", got)
	}
	r.until(t, moved.ID, move.Moved)
	r.decide(t, moved.ID, move.Confirm)
	r.until(t, moved.ID, move.Done)
	if got := r.shares(t, r.db); len(got) != 0 {
		t.Errorf("the former host has %+v", got)
	}
}

// attains has a process say something, and looks at the operator's alarm: empty
// if there is none, or else the p99 that it tells.
func (r *road) attains(t *testing.T, keeper *guarantee.Keeper, said tenant.Attained, want string) {
	t.Helper()
	ctx := context.Background()
	if err := r.db.NoteAttained(ctx, "one", tenant.Throughput{Now: 100, Most: 400}, []tenant.Attained{said}); err != nil {
		t.Fatal(err)
	}
	if err := keeper.Measure(ctx); err != nil {
		t.Fatal(err)
	}
	err := r.control.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		g, err := guarantee.Of(ctx, tx, r.made.ID)
		if err != nil {
			return err
		}
		if a := g.Attained; a == nil || a.P99 != said.P99 || a.PerSecond() != 100 || a.Held() != (want == "") {
			t.Errorf("attained %+v", a)
		}
		found, err := alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 10})
		told := ""
		for _, a := range found {
			if a.Kind == alarm.GuaranteeMissed && a.Subject == uuid.UUID(r.made.ID) {
				told = a.Detail["seen_p99_ms"]
			}
		}
		if told != want {
			t.Errorf("the alarm tells %q, want %q", told, want)
		}
		rooms, err2 := guarantee.Rooms(ctx, tx)
		if len(rooms) == 0 || rooms[0].Most == 0 && rooms[1].Most == 0 {
			t.Errorf("measured: %+v", rooms)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}
