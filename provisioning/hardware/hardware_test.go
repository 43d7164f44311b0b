package hardware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

type register struct {
	*tenants.DB
	at       atomic.Int64
	operator tenant.ID
}

func (r *register) now() time.Time          { return time.UnixMicro(r.at.Load()).UTC() }
func (r *register) pass(wait time.Duration) { r.at.Add(wait.Microseconds()) }

func newRegister(t *testing.T) *register {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	name := fmt.Sprintf("control_hw_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r := &register{}
	r.at.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	r.DB = tenants.Open(pool, r.now)
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	registry := tenants.NewRegistry(noStacks{}, passwords, func(string) bool { return true }, r.now)
	admission, err := registry.Admit(ctx, tenants.Application{
		Name: "nordnetz", DisplayName: "Nordnetz", LegalName: "Nordnetz Telekom GmbH", Country: "DE", Zone: "Europe/Berlin",
		Currency: "EUR", Language: "en", OwnerEmail: "owner@nordnetz.example",
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"}, TaxID: "DE123456789"}})
	if err != nil {
		t.Fatal(err)
	}
	r.do(t, func(ctx context.Context, tx tenants.Tx) error {
		made, err := registry.Create(ctx, tx, tenants.System, admission)
		r.operator = made.ID
		return err
	})
	return r
}

type noStacks struct{}

func (noStacks) Request(context.Context, pgx.Tx, tenant.ID, tenants.Placement, time.Time) error {
	return nil
}
func (noStacks) Stand(context.Context, pgx.Tx, tenant.ID, int64, time.Time) error { return nil }
func (noStacks) Wake()                                                            {}

func (r *register) do(t *testing.T, fn func(ctx context.Context, tx tenants.Tx) error) {
	t.Helper()
	if err := r.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// put writes a piece; what is not said is usual.
func (r *register) put(w hardware.Wanted) (p hardware.Piece, err error) {
	if w.ID == uuid.Nil {
		w.ID = uuid.New()
	}
	if w.Model == "" {
		w.Model = "TA-200"
	}
	if w.Kind == "" {
		w.Kind = hardware.Appliance
	}
	w.BoughtOn, w.WarrantyUntil = date("2026-01-31"), date("2028-01-31")
	err = r.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		p, err = hardware.Put(ctx, tx, tenants.System, w)
		return err
	})
	return p, err
}

func date(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func (r *register) must(t *testing.T, w hardware.Wanted) hardware.Piece {
	t.Helper()
	p, err := r.put(w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *register) alarms(t *testing.T, id uuid.UUID) (kinds []alarm.Kind) {
	t.Helper()
	if err := hardware.Look(context.Background(), r.DB); err != nil {
		t.Fatal(err)
	}
	r.do(t, func(ctx context.Context, tx tenants.Tx) error {
		kinds = nil
		open, err := alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 100})
		for _, a := range open {
			if a.Subject == id {
				kinds = append(kinds, a.Kind)
			}
		}
		return err
	})
	return kinds
}

func TestPut_aRepeatChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	w := hardware.Wanted{ID: uuid.New(), Serial: "A1", State: hardware.Spare}
	first := r.must(t, w)
	if first.SupportUntil != date("2029-01-31") {
		t.Errorf("support until %s: three years are promised", first.SupportUntil)
	}
	r.pass(time.Hour)
	if again := r.must(t, w); !again.ChangedAt.Equal(first.ChangedAt) {
		t.Error("a repeat changed it")
	}
	if _, err := r.put(hardware.Wanted{Serial: "a1", State: hardware.Spare}); !errors.Is(err, hardware.ErrSerialTaken) {
		t.Errorf("the same serial number: %v", err)
	}
	_, err := r.put(hardware.Wanted{State: "lost", Kind: "toaster", PowerW: -1})
	for _, field := range []string{"serial", "state", "kind", "power_w"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
	if _, err := r.put(hardware.Wanted{Serial: "A2", State: hardware.InUse}); err == nil || !strings.Contains(err.Error(), "operator:") {
		t.Errorf("in use at nobody's: %v", err)
	}
}

func TestReplace_withinADay(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	out := r.must(t, hardware.Wanted{Serial: "A1", State: hardware.InUse, Operator: r.operator, Location: "Hamburg, Hafenstraße 5"})
	spare := r.must(t, hardware.Wanted{Serial: "A2", State: hardware.Spare})
	other := r.must(t, hardware.Wanted{Serial: "B1", Model: "TA-900", State: hardware.Spare})
	act := func(fn func(ctx context.Context, tx tenants.Tx) (hardware.Piece, error)) (p hardware.Piece, err error) {
		err = r.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
			p, err = fn(ctx, tx)
			return err
		})
		return p, err
	}
	since := r.now().Add(-time.Hour)
	fail := func(ctx context.Context, tx tenants.Tx) (hardware.Piece, error) {
		return hardware.Fail(ctx, tx, tenants.System, out.ID, since, "no light")
	}
	for range 2 { // a repeat changes nothing
		failed, err := act(fail)
		if err != nil || failed.State != hardware.Failed || !failed.ReplaceBy.Equal(since.Add(24*time.Hour)) {
			t.Fatalf("failed: %+v, %v", failed, err)
		}
	}
	r.pass(23 * time.Hour)
	if got := r.alarms(t, out.ID); len(got) != 0 {
		t.Errorf("alarms in time: %v", got)
	}
	r.pass(time.Second)
	for range 2 {
		if got := r.alarms(t, out.ID); len(got) != 1 || got[0] != alarm.ReplacementMissed {
			t.Errorf("alarms after the time: %v", got)
		}
	}
	replace := func(by uuid.UUID) (hardware.Piece, error) {
		return act(func(ctx context.Context, tx tenants.Tx) (hardware.Piece, error) {
			return hardware.Replace(ctx, tx, tenants.System, out.ID, by)
		})
	}
	for _, wrong := range []uuid.UUID{other.ID, out.ID} {
		if _, err := replace(wrong); !errors.Is(err, hardware.ErrNoSpare) {
			t.Errorf("replaced by what is no spare of its model: %v", err)
		}
	}
	for range 2 {
		gone, err := replace(spare.ID)
		if err != nil || gone.State != hardware.Replaced || !gone.Missed() || gone.ReplacedBy != spare.ID {
			t.Fatalf("replaced: %+v, %v", gone, err)
		}
	}
	if got := r.alarms(t, out.ID); len(got) != 0 {
		t.Errorf("alarms after the replacement: %v", got)
	}
	r.do(t, func(ctx context.Context, tx tenants.Tx) error {
		fresh, err := hardware.Get(ctx, tx, spare.ID)
		if fresh.State != hardware.InUse || fresh.Operator != r.operator || fresh.Location != out.Location {
			t.Errorf("the spare: %+v", fresh)
		}
		return err
	})
	if _, err := r.put(hardware.Wanted{ID: out.ID, Serial: "A1", State: hardware.Spare}); !errors.Is(err, hardware.ErrState) {
		t.Errorf("a replaced piece is a spare again: %v", err)
	}
}

func TestFail_onlyAppliancesHaveTheClock(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	server := r.must(t, hardware.Wanted{Serial: "S1", Kind: hardware.Server, Model: "R640", State: hardware.InUse, Operator: r.operator})
	r.do(t, func(ctx context.Context, tx tenants.Tx) error {
		failed, err := hardware.Fail(ctx, tx, tenants.System, server.ID, tx.At, "fan")
		if failed.ReplaceBy != nil {
			t.Error("nobody promised to replace the operator's own server")
		}
		if err != nil {
			return err
		}
		repaired, err := hardware.Repair(ctx, tx, tenants.System, server.ID)
		if repaired.State != hardware.InUse || repaired.FailedAt != nil {
			t.Errorf("repaired: %+v", repaired)
		}
		return err
	})
}

func TestRack_givesUnitsAndPowerOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	rack := hardware.Rack{ID: uuid.New(), Name: "R1", Site: "Hamburg 2", Units: 10, PowerW: 1000}
	putRack := func(k hardware.Rack) error {
		return r.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
			_, err := hardware.PutRack(ctx, tx, tenants.System, k)
			return err
		})
	}
	if err := errors.Join(putRack(rack), putRack(rack)); err != nil {
		t.Fatal(err)
	}
	if err := putRack(hardware.Rack{ID: uuid.New(), Name: "R1", Site: "x", Units: 1, PowerW: 1}); !errors.Is(err, hardware.ErrNameTaken) {
		t.Errorf("the same name: %v", err)
	}
	server := func(serial string, first, units, power int) error {
		_, err := r.put(hardware.Wanted{Serial: serial, Model: "R640", Kind: hardware.Server, State: hardware.InUse, Operator: r.operator, PowerW: power,
			Slot: &hardware.Slot{Rack: rack.ID, First: first, Units: units}})
		return err
	}
	for _, c := range []struct {
		name                string
		first, units, power int
		want                error
	}{
		{"the first", 3, 2, 600, nil},
		{"below it", 1, 2, 100, nil},
		{"over its upper unit", 4, 1, 1, hardware.ErrUnitsTaken},
		{"over its lower unit", 2, 2, 1, hardware.ErrUnitsTaken},
		{"beyond the top", 10, 2, 1, hardware.ErrUnitsTaken},
		{"too hungry", 9, 2, 301, hardware.ErrPower},
		{"at the top, with all the power", 9, 2, 300, nil},
	} {
		if err := server(c.name, c.first, c.units, c.power); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	rack.Units = 9
	if err := putRack(rack); !errors.Is(err, hardware.ErrRackUsed) {
		t.Errorf("the rack became smaller than what stands in it: %v", err)
	}
	r.do(t, func(ctx context.Context, tx tenants.Tx) error {
		racks, err := hardware.Racks(ctx, tx)
		if len(racks) != 1 || racks[0].UsedUnits != 6 || racks[0].UsedW != 1000 {
			t.Errorf("racks: %+v", racks)
		}
		return err
	})
}

func TestLook_tellsWhatEndsSoon(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	p := r.must(t, hardware.Wanted{Serial: "A1", State: hardware.InUse, Operator: r.operator})
	if got := r.alarms(t, p.ID); len(got) != 0 {
		t.Errorf("alarms: %v", got)
	}
	r.at.Store(time.Date(2027, 12, 15, 12, 0, 0, 0, time.UTC).UnixMicro())
	if got := r.alarms(t, p.ID); len(got) != 1 || got[0] != alarm.WarrantyEnds {
		t.Errorf("alarms in December 2027: %v", got)
	}
	r.must(t, hardware.Wanted{ID: p.ID, Serial: "A1", State: hardware.Retired})
	if got := r.alarms(t, p.ID); len(got) != 0 {
		t.Errorf("alarms about what is retired: %v", got)
	}
}
