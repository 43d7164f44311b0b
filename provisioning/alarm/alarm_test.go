package alarm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func newControl(t *testing.T) *tenants.DB {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	if err := server.MigrateControl(ctx, "control_alarm"); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, "control_alarm", 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return tenants.Open(pool, time.Now)
}

func write(t *testing.T, db *tenants.DB, fn func(ctx context.Context, tx tenants.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestRaise_countsWhatHappensAgain(t *testing.T) {
	db, machine := newControl(t), uuid.New()
	engineer := tenants.Actor{ID: uuid.New(), Email: "night@tollhouse.example", Role: tenants.Engineer}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		for _, disk := range []string{"91 %", "93 %"} {
			if err := alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.DiskLow, Subject: machine, Detail: map[string]string{"disk": disk}}); err != nil {
				return err
			}
		}
		if err := alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.TokenReused, Subject: machine}); err != nil {
			return err
		}
		open, err := alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 10})
		if err != nil {
			return err
		}
		if len(open) != 2 || open[1].Count != 2 || open[1].Detail["disk"] != "93 %" || open[1].Severity != alarm.Major {
			t.Errorf("alarms: %+v", open)
		}
		token, disk := open[0], open[1]
		if _, err := alarm.Close(ctx, tx, engineer, disk.ID); !errors.Is(err, alarm.ErrCondition) {
			t.Errorf("closed what is still so: %v", err)
		}
		for range 2 { // a repeat changes nothing
			taken, err := alarm.Acknowledge(ctx, tx, engineer, disk.ID)
			if err != nil || taken.State != alarm.Acknowledged {
				t.Errorf("acknowledged: %+v, %v", taken, err)
			}
		}
		other := tenants.Actor{ID: uuid.New(), Email: "day@tollhouse.example"}
		if _, err := alarm.Acknowledge(ctx, tx, other, disk.ID); !errors.Is(err, alarm.ErrState) {
			t.Errorf("two people took it on: %v", err)
		}
		if err := alarm.Clear(ctx, tx, alarm.DiskLow, machine); err != nil {
			return err
		}
		_, err = alarm.Close(ctx, tx, engineer, token.ID)
		return err
	})
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		open, waiting, err := alarm.Open(ctx, tx)
		if open != 0 || waiting != 0 {
			t.Errorf("%d open, %d wait", open, waiting)
		}
		return err
	})
	write(t, db, func(ctx context.Context, tx tenants.Tx) error { // a new one, not the old one again
		if err := alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.DiskLow, Subject: machine}); err != nil {
			return err
		}
		all, err := alarm.List(ctx, tx, alarm.Query{Limit: 10})
		if len(all) != 3 || all[0].State != alarm.Raised || all[0].Count != 1 {
			t.Errorf("alarms: %+v", all)
		}
		return err
	})
}

func TestRaise_knowsItsKinds(t *testing.T) {
	db := newControl(t)
	err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		return alarm.Raise(ctx, tx, alarm.Fault{Kind: "made_up", Subject: uuid.New()})
	})
	if err == nil {
		t.Error("a kind that nobody has written down was raised")
	}
}
