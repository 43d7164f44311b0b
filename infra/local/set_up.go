package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// setUp fills an empty schema in one transaction of the tenant: all of it is
// there, or nothing. It speaks to the slot directly, as there is no placement
// yet, and opens it as a live one, as a sandbox has no clock yet.
func (c *Cloud) setUp(ctx context.Context, want provisioning.Wanted) error {
	operator, err := newOperator(want.Operator)
	if err != nil {
		return err
	}
	ref := tenant.Ref{ID: want.Operator.ID, Name: want.Operator.Name, Slot: want.Place.Slot, Epoch: want.Epoch}
	return c.config.DB.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		wallAt := tx.At
		if want.Operator.Sandbox {
			tx.Sandbox, tx.At = true, operator.ClockAt
		}
		// An attempt that runs beside us is waited for at the operator's row;
		// what follows then sees all that it has written.
		if err := account.Setup(ctx, tx, operator); err != nil {
			return err
		}
		if err := c.config.Identity.SetUp(ctx, tx); err != nil {
			return err
		}
		if err := c.ensureUsageHashKey(ctx, tx); err != nil {
			return err
		}
		return c.ensureOwner(ctx, tx, want, wallAt)
	})
}

func newOperator(o tenants.Operator) (account.NewOperator, error) {
	zone, err := time.LoadLocation(o.Settings.Zone)
	if err != nil {
		return account.NewOperator{}, fmt.Errorf("zone of %s: %w", o.Name, err)
	}
	n := account.NewOperator{
		Profile: account.Profile{Name: o.DisplayName, Country: o.Country, Zone: zone, Currency: o.Settings.Currency,
			Language: account.Language(o.Settings.Language), PricesIncludeTax: o.Settings.PricesIncludeTax,
			PaymentTermDays: paymentTermDays, SupportContact: o.OwnerEmail},
		LegalEntity: legalEntity(o),
	}
	for _, r := range o.Settings.TaxRates {
		n.TaxRates = append(n.TaxRates, account.TaxRate(r))
	}
	if o.Settings.ClockAt != nil {
		n.ClockAt = *o.Settings.ClockAt
	}
	return n, nil
}

// paymentTermDays is what an operator starts with and may change.
const paymentTermDays = 14

func legalEntity(o tenants.Operator) account.LegalEntity {
	e := o.Settings.LegalEntity
	return account.LegalEntity{Name: o.LegalName,
		Address: account.Address{Street: e.Address.Street, Postcode: e.Address.Postcode, City: e.Address.City, Region: e.Address.Region, Country: o.Country},
		TaxID:   e.TaxID, RegisterID: e.RegisterID, BankName: e.BankName, BankIBAN: e.BankIBAN, BankBIC: e.BankBIC}
}

// usageHashKeyBytes is the length of the key that package usage wants.
const usageHashKeyBytes = 32

// SecretContext is what a tenant's secret is sealed under.
func SecretContext(id tenant.ID, name string) string {
	return "tenant/" + id.String() + "/secret/" + name
}

func (c *Cloud) ensureUsageHashKey(ctx context.Context, tx tenant.Tx) error {
	key := make([]byte, usageHashKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("draw usage hash key: %w", err)
	}
	sealed, err := c.config.Seal.Seal(tx.Tenant, billing.UsageHashKey, key)
	if err != nil {
		return fmt.Errorf("seal usage hash key: %w", err)
	}
	_, err = tx.Exec(ctx, `
		insert into secret (name, sealed, created_at)
		values ($1, $2, $3)
		on conflict (name) do nothing`, billing.UsageHashKey, sealed, tx.At)
	if err != nil {
		return fmt.Errorf("store usage hash key: %w", err)
	}
	return nil
}

// ensureOwner adds the first user, who adds all others.
func (c *Cloud) ensureOwner(ctx context.Context, tx tenant.Tx, want provisioning.Wanted, wallAt time.Time) error {
	users, err := c.config.Identity.Users(ctx, tx, "", 1)
	if err != nil || len(users) > 0 {
		return err
	}
	owner, err := c.config.Identity.AddUser(ctx, tx, identity.NewUser{Email: want.Operator.OwnerEmail, Role: identity.Owner,
		Language: want.Operator.Settings.Language, Password: want.OwnerPasswordHash})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: "job:provisioning", WallAt: wallAt},
		Action: "stack.set_up", Object: "user", ObjectID: owner.ID, Detail: map[string]any{"slot": want.Place.Slot.String(), "epoch": want.Epoch}})
}

// setUpReason tells staff which fact was refused, where it is one.
func setUpReason(err error) string {
	if f := (*account.FieldError)(nil); errors.As(err, &f) {
		return "The stack could not be set up: " + f.Error() + "."
	}
	return "The stack could not be set up."
}
