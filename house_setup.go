package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tollhouse/api"
	"tollhouse/tenants"
)

// houseFile is what our own company is set up with (TOLLHOUSE_HOUSE). It is read
// while there is no house yet; later changes are made in its stack.
type houseFile struct {
	DisplayName string              `json:"display_name"`
	LegalName   string              `json:"legal_name"`
	Country     string              `json:"country"`
	Zone        string              `json:"zone"`
	Currency    string              `json:"currency"`
	Language    string              `json:"language"`
	OwnerEmail  string              `json:"owner_email"`
	LegalEntity tenants.LegalEntity `json:"legal_entity"`
	Sandbox     bool                `json:"sandbox"`
}

func readHouseFile(path string) (tenants.Application, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tenants.Application{}, fmt.Errorf("read TOLLHOUSE_HOUSE: %w", err)
	}
	var f houseFile
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&f); err != nil {
		return tenants.Application{}, fmt.Errorf("read TOLLHOUSE_HOUSE: %w", err)
	}
	return tenants.Application{DisplayName: f.DisplayName, LegalName: f.LegalName, Country: f.Country, Zone: f.Zone, Currency: f.Currency, Language: f.Language,
		OwnerEmail: f.OwnerEmail, LegalEntity: f.LegalEntity, Sandbox: f.Sandbox}, nil
}

// setUpHouse takes our own company on as the operator named house, if it is not
// there yet, and gives its owner's first password, which is told this once.
func setUpHouse(ctx context.Context, control *api.Control, a tenants.Application) (password string, err error) {
	err = control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.OperatorByName(ctx, tx, tenants.HouseName)
		return err
	})
	if err == nil || !errors.Is(err, tenants.ErrNotFound) {
		return "", err
	}
	admission, err := control.Registry.AdmitHouse(ctx, a)
	if err != nil {
		return "", fmt.Errorf("set up the house: %w", err)
	}
	err = control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		made, err := control.Registry.Create(ctx, tx, tenants.System, admission)
		password = made.OwnerPassword
		return err
	})
	if errors.Is(err, tenants.ErrNameTaken) { // another process was first
		return "", nil
	}
	return password, err
}

// houseAtStart sets the house up from its file and shows its owner's first
// password, once.
func houseAtStart(ctx context.Context, control *api.Control, path string, out io.Writer) error {
	application, err := readHouseFile(path)
	if err != nil {
		return err
	}
	password, err := setUpHouse(ctx, control, application)
	if err == nil && password != "" {
		fmt.Fprintf(out, "house: %s, password (shown once): %s\n", application.OwnerEmail, password)
	}
	return err
}
