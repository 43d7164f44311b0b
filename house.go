package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/takings"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
	housebooks "tollhouse/tenants/house"
)

// gatherEvery is how often the control plane asks stacks for what they signed.
const gatherEvery = 10 * time.Minute

// keepGathering keeps what the stacks signed of what they collected until ctx
// ends. Stacks on machines of others tell it with their reports.
func (p *plant) keepGathering(ctx context.Context, control *tenants.DB, fleet *local.Fleet) {
	tick := time.NewTicker(gatherEvery)
	defer tick.Stop()
	for {
		err := fleet.Databases(ctx, func(_ string, db *tenant.DB) error {
			return contract.Gather(ctx, control, hostTakings{db}, refusedTotal)
		})
		if err != nil && ctx.Err() == nil {
			p.log.Error("gathering what was collected failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// hostTakings are what a host database's stacks have signed.
type hostTakings struct{ db *tenant.DB }

func (h hostTakings) Stacks(ctx context.Context) ([]tenant.ID, error) {
	return hostChains(h).Stacks(ctx)
}

func (h hostTakings) Told(ctx context.Context, id tenant.ID, after calendar.Date) (told contract.Told, err error) {
	ref, err := h.db.ByID(ctx, id)
	if err != nil {
		return told, err
	}
	err = h.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		signed, err := takings.After(ctx, tx, after, contract.MaxStatements)
		if err != nil {
			return err
		}
		for _, s := range signed {
			told.Statements = append(told.Statements, s.Statement)
		}
		keys, err := identity.SigningKeys(ctx, tx)
		for _, k := range keys {
			told.Keys = append(told.Keys, k.Public)
		}
		return err
	})
	return told, err
}

// refusedTotal raises the alarm of a statement that is not to be believed.
func refusedTotal(ctx context.Context, tx tenants.Tx, operator tenant.ID, why error) error {
	return alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.RevenueForged, Subject: uuid.UUID(operator), Operator: operator, Detail: map[string]string{"reason": why.Error()}})
}

// houseWorker closes contracts' months and carries charges into the house's
// stack, wherever it stands.
func (p *plant) houseWorker(control *tenants.DB, fleet *local.Fleet) *housebooks.Worker {
	return &housebooks.Worker{DB: control, Log: p.log,
		Find: func(ctx context.Context, id tenant.ID) (books housebooks.Books, err error) {
			found := tenant.ErrUnknown
			err = fleet.Databases(ctx, func(_ string, db *tenant.DB) error {
				ref, err := db.ByID(ctx, id)
				switch {
				case err == nil:
					books, found = housebooks.Books{DB: db, Ref: ref}, nil
				case !errors.Is(err, tenant.ErrUnknown):
					return err
				}
				return nil
			})
			if found == nil || err == nil {
				return books, found
			}
			return books, err // it may stand in the database that did not answer
		},
		Missing: func(ctx context.Context, tx tenants.Tx, c contract.Contract, days []calendar.Date) error {
			return alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.RevenueMissing, Subject: c.ID, Operator: c.Operator,
				Detail: map[string]string{"days": listDays(days)}})
		},
		Pass: func(ctx context.Context, tx tenants.Tx, c contract.Contract) error {
			_, err := hardware.Pass(ctx, tx, tenants.System, c.Operator, c.PassedOn)
			return err
		},
		Whole: func(ctx context.Context, tx tenants.Tx, c contract.Contract) error {
			return alarm.Clear(ctx, tx, alarm.RevenueMissing, c.ID)
		},
	}
}

// listDays names a few days, and how many more there are.
func listDays(days []calendar.Date) string {
	const most = 5
	var b strings.Builder
	for i, d := range days {
		if i == most {
			fmt.Fprintf(&b, " +%d", len(days)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(d.String())
	}
	return b.String()
}
