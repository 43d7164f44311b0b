package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/demo"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// The months of the demo's contracts: each is closed on the second of the next, and
// billed the day after.
const (
	demoContractsFrom = "2026-09-01"
	demoContractsNext = "2027-01-01"           // of what is to follow
	demoHouseOpens    = "2026-10-02T06:00:00Z" // when the first month can be closed
	demoHouseCloses   = "2026-11-02T06:00:00Z" // the second
	demoHouseStands   = "2026-11-12T06:00:00Z" // as the operators' clocks do
)

// demoID is the same in each run of the demo.
func demoID(of string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://tollhouse.example/demo/"+of))
}

// openHouse sets our own company up with what the operators agreed on with us:
// two months of contracts, closed and billed, and some hardware. What an earlier
// run left is found and kept.
func (d *demoRun) openHouse(ctx context.Context, world demo.World, keep func(demo.Login) error) error {
	control := world.Control
	d.progress(990, "billing the operators themselves")
	opens, err := time.Parse(time.RFC3339, demoHouseOpens)
	if err != nil {
		return err
	}
	password, err := setUpHouse(ctx, control, tenants.Application{DisplayName: "Tollhouse", LegalName: "Tollhouse Hosting GmbH", Country: "DE", Zone: "Europe/Berlin",
		Currency: "EUR", Language: "en", OwnerEmail: "finance@tollhouse.example", Sandbox: true, ClockAt: &opens,
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Am Zollhaus 1", Postcode: "20457", City: "Hamburg"}, TaxID: "DE136695976",
			BankName: "Musterbank Hamburg", BankIBAN: "DE89370400440532013000", BankBIC: "COBADEFF"}})
	if err != nil {
		return err
	}
	if password != "" {
		login := demo.Login{Who: "owner of our own company", Path: "/t/" + tenants.HouseName + "/console/", Email: "finance@tollhouse.example", Password: password}
		if err := keep(login); err != nil {
			return err
		}
	}
	if err := gatherTakings(ctx, world.Host, control); err != nil {
		return err
	}
	if err := d.agree(ctx, control); err != nil {
		return fmt.Errorf("contracts of the demo: %w", err)
	}
	if err := d.furnishRack(ctx, control); err != nil {
		return fmt.Errorf("hardware of the demo: %w", err)
	}
	house, err := awaitHouse(ctx, world.Host)
	if err != nil {
		return err
	}
	if err := d.billContracts(ctx, house); err != nil {
		return err
	}
	if err := d.standApart(ctx, control, keep); err != nil {
		return fmt.Errorf("operator on a machine of its own: %w", err)
	}
	return nil
}

// awaitHouse waits until the house's stack answers.
func awaitHouse(ctx context.Context, host *billing.Host) (*billing.Stack, error) {
	for deadline := time.Now().Add(time.Minute); ; {
		stack, err := host.Resolve(ctx, tenants.HouseName)
		if !errors.Is(err, tenant.ErrUnknown) || time.Now().After(deadline) {
			return stack, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// agreement is a contract of the demo.
type agreement struct {
	operator string // by name
	model    contract.Model
	place    contract.Place
	terms    contract.Terms
	from     string // a day
	begins   bool   // else it is a draft
}

// agree puts the demo's contracts down: a rent and a share of revenue in force,
// a lease and a licence as drafts of what is to follow them.
func (d *demoRun) agree(ctx context.Context, control *api.Control) error {
	euro := func(text string) money.Amount { return money.New(money.MustDecimal(text), money.MustCurrency("EUR")) }
	upTo := euro("10000")
	return control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		for _, a := range []agreement{
			{"nusantara", contract.Rent, contract.Pooled, contract.Terms{Rent: &contract.RentTerms{Setup: euro("500"), Monthly: euro("390")}}, demoContractsFrom, true},
			{"hanse", contract.RevenueShare, contract.Pooled, contract.Terms{Share: &contract.ShareTerms{Minimum: euro("200"),
				Tiers: []contract.Tier{{UpTo: &upTo, Percent: money.NewDecimal(5)}, {Percent: money.NewDecimal(3)}}}}, demoContractsFrom, true},
			{"nusantara", contract.Lease, contract.Pooled, contract.Terms{Lease: &contract.LeaseTerms{Price: euro("12000"), Upfront: euro("2000"), Months: 36,
				Yearly: money.NewDecimal(6), EarlyFee: money.NewDecimal(1)}}, demoContractsNext, false},
			{"hanse", contract.OwnLicence, contract.Pooled, contract.Terms{Licence: &contract.LicenceTerms{Price: euro("25000"), Support: euro("3000")}}, demoContractsNext, false},
		} {
			if err := agreed(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// agreed puts one contract down, unless an earlier run did.
func agreed(ctx context.Context, tx tenants.Tx, a agreement) error {
	from, err := calendar.ParseDate(a.from)
	if err != nil {
		return err
	}
	o, err := tenants.OperatorByName(ctx, tx, a.operator)
	if err != nil {
		return err
	}
	id := demoID("contract/" + a.operator + "/" + string(a.model))
	if _, err := contract.Get(ctx, tx, id); !errors.Is(err, contract.ErrNotFound) {
		return err
	}
	if _, err := contract.Put(ctx, tx, tenants.System, contract.Contract{ID: id, Operator: o.ID, Model: a.model, Place: a.place,
		Currency: money.MustCurrency("EUR"), Terms: a.terms, From: from, Reference: "TH-" + o.Name + "-" + string(a.model)}); err != nil || !a.begins {
		return err
	}
	_, err = contract.Begin(ctx, tx, tenants.System, id)
	return err
}

// gatherTakings gathers what the operators collected. It comes before contracts
// begin: a month that is closed without its days is an alarm, and the control
// plane closes months by itself as soon as there are contracts.
func gatherTakings(ctx context.Context, host *billing.Host, control *api.Control) error {
	if err := host.SignTakings(ctx); err != nil {
		return fmt.Errorf("sign what was collected: %w", err)
	}
	if err := contract.Gather(ctx, control.DB, hostTakings{host.DB()}, refusedTotal); err != nil {
		return fmt.Errorf("gather what was collected: %w", err)
	}
	return nil
}

// billContracts closes the months that are over and has the house make its bills.
func (d *demoRun) billContracts(ctx context.Context, house *billing.Stack) error {
	closes, err := time.Parse(time.RFC3339, demoHouseCloses)
	if err != nil {
		return err
	}
	stands, err := time.Parse(time.RFC3339, demoHouseStands)
	if err != nil {
		return err
	}
	if at, err := house.Clock(ctx); err != nil || !at.Before(stands) {
		return err // lived before
	}
	for _, at := range []time.Time{closes, stands} {
		if err := d.plant.house.Work(ctx); err != nil {
			return fmt.Errorf("close the contracts' months: %w", err)
		}
		if err := house.Advance(ctx, at, nil); err != nil {
			return fmt.Errorf("bill the operators: %w", err)
		}
	}
	return errors.Join(d.plant.house.Work(ctx), d.plant.house.Tell(ctx))
}

// furnishRack writes some hardware down: one warranty is about to end, and of one
// model that is out there no spare is left.
func (d *demoRun) furnishRack(ctx context.Context, control *api.Control) error {
	today := calendar.DateOf(time.Now(), time.UTC)
	rack := demoID("rack")
	return control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		hanse, err := tenants.OperatorByName(ctx, tx, "hanse")
		if err != nil {
			return err
		}
		nusantara, err := tenants.OperatorByName(ctx, tx, "nusantara")
		if err != nil {
			return err
		}
		if _, err := hardware.Get(ctx, tx, demoID("TH-0001")); !errors.Is(err, hardware.ErrNotFound) {
			return err // of an earlier run
		}
		if _, err := hardware.PutRack(ctx, tx, tenants.System, hardware.Rack{ID: rack, Name: "A1", Site: "Hamburg 2", Units: 42, PowerW: 6000}); err != nil {
			return err
		}
		for _, w := range []hardware.Wanted{
			{Serial: "TH-0001", Model: "Edge 2", Kind: hardware.Appliance, State: hardware.InUse, Operator: hanse.ID, Location: "Speicherstraße 12, Hamburg",
				BoughtOn: today.AddMonths(-35), WarrantyUntil: today.AddDays(20)},
			{Serial: "TH-0002", Model: "Server R4", Kind: hardware.Server, State: hardware.InUse, Operator: nusantara.ID, Slot: &hardware.Slot{Rack: rack, First: 10, Units: 2}, PowerW: 450,
				BoughtOn: today.AddMonths(-8), WarrantyUntil: today.AddMonths(28)},
			{Serial: "TH-0003", Model: "Server R4", Kind: hardware.Server, State: hardware.Spare, Location: "Hamburg 2, store",
				BoughtOn: today.AddMonths(-8), WarrantyUntil: today.AddMonths(28)},
		} {
			w.ID = demoID(w.Serial)
			if _, err := hardware.Put(ctx, tx, tenants.System, w); err != nil {
				return fmt.Errorf("%s: %w", w.Serial, err)
			}
		}
		return nil
	})
}
