package api

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
)

// ListLegalEntities implements oapi.StrictServerInterface.
func (s *Server) ListLegalEntities(ctx context.Context, _ oapi.ListLegalEntitiesRequestObject) (oapi.ListLegalEntitiesResponseObject, error) {
	var entities []account.LegalEntity
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		entities, err = account.LegalEntities(ctx, tx)
		return err
	})
	return oapi.ListLegalEntities200JSONResponse{Items: mapped(entities, legalEntityOf)}, err
}

func legalEntityOf(e account.LegalEntity) oapi.LegalEntityEntry {
	return oapi.LegalEntityEntry{Id: e.ID, Default: e.Default, Name: e.Name,
		Address: oapi.PostalAddress{Street: e.Address.Street, Postcode: optionalText(e.Address.Postcode), City: e.Address.City,
			Region: optionalText(e.Address.Region), Country: e.Address.Country},
		TaxId: optionalText(e.TaxID), RegisterId: optionalText(e.RegisterID), BankName: optionalText(e.BankName),
		BankIban: optionalText(e.BankIBAN), BankBic: optionalText(e.BankBIC)}
}

func legalEntityFrom(f *oapi.LegalEntityFacts) account.LegalEntity {
	return account.LegalEntity{Name: f.Name,
		Address: account.Address{Street: f.Address.Street, Postcode: value(f.Address.Postcode), City: f.Address.City,
			Region: value(f.Address.Region), Country: f.Address.Country},
		TaxID: value(f.TaxId), RegisterID: value(f.RegisterId), BankName: value(f.BankName), BankIBAN: value(f.BankIban), BankBIC: value(f.BankBic)}
}

// AddLegalEntity implements oapi.StrictServerInterface.
func (s *Server) AddLegalEntity(ctx context.Context, r oapi.AddLegalEntityRequestObject) (oapi.AddLegalEntityResponseObject, error) {
	return nil, once(ctx, oapi.AddLegalEntityResponseObject.VisitAddLegalEntityResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AddLegalEntityResponseObject, error) {
		made, err := account.AddLegalEntity(ctx, tx, legalEntityFrom(r.Body))
		callOf(ctx).about("legal_entity", made.ID)
		return oapi.AddLegalEntity201JSONResponse{Body: legalEntityOf(made)}, err
	})
}

// PutLegalEntity implements oapi.StrictServerInterface. The audit row keeps
// both: an auditor wants to see who was to be paid where.
func (s *Server) PutLegalEntity(ctx context.Context, r oapi.PutLegalEntityRequestObject) (oapi.PutLegalEntityResponseObject, error) {
	return nil, once(ctx, oapi.PutLegalEntityResponseObject.VisitPutLegalEntityResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutLegalEntityResponseObject, error) {
		c := callOf(ctx)
		c.about("legal_entity", r.Entity)
		before, err := legalEntity(ctx, tx, r.Entity)
		if err != nil {
			return nil, err
		}
		changed := legalEntityFrom(r.Body)
		changed.ID = r.Entity
		if err := account.ChangeLegalEntity(ctx, tx, changed); err != nil {
			return nil, err
		}
		after, err := legalEntity(ctx, tx, r.Entity)
		c.detail = map[string]any{"before": legalEntityOf(before), "after": legalEntityOf(after)}
		return oapi.PutLegalEntity200JSONResponse{Body: legalEntityOf(after)}, err
	})
}

func legalEntity(ctx context.Context, tx tenant.Tx, id uuid.UUID) (account.LegalEntity, error) {
	all, err := account.LegalEntities(ctx, tx)
	if err != nil {
		return account.LegalEntity{}, err
	}
	i := slices.IndexFunc(all, func(e account.LegalEntity) bool { return e.ID == id })
	if i < 0 {
		return account.LegalEntity{}, account.ErrNotFound
	}
	return all[i], nil
}

// ListBranches implements oapi.StrictServerInterface.
func (s *Server) ListBranches(ctx context.Context, _ oapi.ListBranchesRequestObject) (oapi.ListBranchesResponseObject, error) {
	var branches []account.Branch
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		branches, err = account.Branches(ctx, tx)
		return err
	})
	return oapi.ListBranches200JSONResponse{Items: mapped(branches, branchOf)}, err
}

func branchOf(b account.Branch) oapi.Branch {
	return oapi.Branch{Id: b.ID, LegalEntity: b.LegalEntity, Name: b.Name, Default: b.Default, CreatedAt: b.CreatedAt}
}

// AddBranch implements oapi.StrictServerInterface.
func (s *Server) AddBranch(ctx context.Context, r oapi.AddBranchRequestObject) (oapi.AddBranchResponseObject, error) {
	return nil, once(ctx, oapi.AddBranchResponseObject.VisitAddBranchResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AddBranchResponseObject, error) {
		made, err := account.AddBranch(ctx, tx, account.Branch{LegalEntity: r.Body.LegalEntity, Name: r.Body.Name})
		callOf(ctx).about("branch", made.ID)
		return oapi.AddBranch201JSONResponse{Body: branchOf(made)}, err
	})
}

// ChangeBranch implements oapi.StrictServerInterface.
func (s *Server) ChangeBranch(ctx context.Context, r oapi.ChangeBranchRequestObject) (oapi.ChangeBranchResponseObject, error) {
	return nil, once(ctx, oapi.ChangeBranchResponseObject.VisitChangeBranchResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeBranchResponseObject, error) {
		c := callOf(ctx)
		c.about("branch", r.Branch)
		b, err := branch(ctx, tx, r.Branch)
		if err != nil {
			return nil, err
		}
		replace(&b.Name, r.Body.Name)
		b.Default = b.Default || r.Body.Default != nil
		c.detail = map[string]any{"name": b.Name, "default": b.Default}
		if err := account.ChangeBranch(ctx, tx, b); err != nil {
			return nil, err
		}
		after, err := branch(ctx, tx, r.Branch)
		return oapi.ChangeBranch200JSONResponse{Body: branchOf(after)}, err
	})
}

func branch(ctx context.Context, tx tenant.Tx, id uuid.UUID) (account.Branch, error) {
	all, err := account.Branches(ctx, tx)
	if err != nil {
		return account.Branch{}, err
	}
	i := slices.IndexFunc(all, func(b account.Branch) bool { return b.ID == id })
	if i < 0 {
		return account.Branch{}, account.ErrNotFound
	}
	return all[i], nil
}

// ListNumberSeries implements oapi.StrictServerInterface.
func (s *Server) ListNumberSeries(ctx context.Context, _ oapi.ListNumberSeriesRequestObject) (oapi.ListNumberSeriesResponseObject, error) {
	var series []bill.Numbering
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		series, err = bill.Numberings(ctx, tx)
		return err
	})
	return oapi.ListNumberSeries200JSONResponse{Items: mapped(series, numberSeries)}, err
}
