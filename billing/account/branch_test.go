package account_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestBranches_accountsStandInThem(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	south := account.LegalEntity{Name: "Südnetz GmbH", TaxID: "DE123456788", BankIBAN: "DE89 3704 0044 0532 0130 00",
		Address: account.Address{Street: "Weg 1", Postcode: "80331", City: "München", Country: "DE"}}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if south, err = account.AddLegalEntity(ctx, tx, south); err != nil {
			return err
		}
		branch, err := account.AddBranch(ctx, tx, account.Branch{LegalEntity: south.ID, Name: "Augsburg"})
		if err != nil {
			return err
		}
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada"}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{
			{PartyID: parties[0].ID, Kind: account.Postpaid, Branch: branch.ID}, {PartyID: parties[0].ID, Kind: account.Postpaid},
		})
		if err != nil || opened[0].LegalEntity != south.ID || opened[1].Branch != db.Branch {
			t.Fatalf("%+v, %v", opened, err)
		}
		if err := account.Place(ctx, tx, opened[1].ID, branch.ID); err != nil {
			return err
		}
		moved, err := account.Get(ctx, tx, opened[1].ID)
		if err != nil || moved.Branch != branch.ID || moved.LegalEntity != south.ID {
			t.Errorf("placed: %+v", moved)
		}
		if err := account.Place(ctx, tx, opened[1].ID, uuid.New()); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("placed nowhere: %v", err)
		}
		branch.Default, branch.Name = true, "Schwaben"
		if err := account.ChangeBranch(ctx, tx, branch); err != nil {
			return err
		}
		list, err := account.Branches(ctx, tx)
		if err != nil || len(list) != 3 || list[0].Name != "Schwaben" || !list[0].Default || list[1].Default {
			t.Errorf("branches: %+v", list)
		}
		entities, err := account.LegalEntities(ctx, tx)
		if len(entities) != 2 || entities[0].ID != south.ID || entities[0].Address.City != "München" {
			t.Errorf("entities: %+v", entities)
		}
		return err
	})
	err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.AddLegalEntity(ctx, tx, account.LegalEntity{Name: "südnetz gmbh", Address: south.Address})
		return err
	})
	if !errors.Is(err, account.ErrNameTaken) {
		t.Errorf("a second of the name: %v", err)
	}
}

func TestAddLegalEntity_namesTheField(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	right := account.LegalEntity{Name: "A", Address: account.Address{Street: "Weg 1", City: "Kiel", Country: "DE"}}
	for field, spoil := range map[string]func(*account.LegalEntity){
		"name":             func(e *account.LegalEntity) { e.Name = " " },
		"address.street":   func(e *account.LegalEntity) { e.Address.Street = "" },
		"address.city":     func(e *account.LegalEntity) { e.Address.City = "two\nlines" },
		"address.country":  func(e *account.LegalEntity) { e.Address.Country = "Germany" },
		"bank_iban":        func(e *account.LegalEntity) { e.BankIBAN = "DE88370400440532013000" },
		"bank_bic":         func(e *account.LegalEntity) { e.BankBIC = "X" },
		"tax_id":           func(e *account.LegalEntity) { e.TaxID = "a\x00b" },
		"address.postcode": func(e *account.LegalEntity) { e.Address.Postcode = "1\n2" },
	} {
		wrong := right
		spoil(&wrong)
		db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := account.AddLegalEntity(ctx, tx, wrong)
			var refused *account.FieldError
			if !errors.As(err, &refused) || refused.Field != field {
				t.Errorf("%s: %v", field, err)
			}
			return nil
		})
	}
}
