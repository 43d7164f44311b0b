package api

import (
	"context"
	"encoding/json"

	"tollhouse/api/oapi"
	"tollhouse/billing/catalog"
	"tollhouse/billing/partner"
	"tollhouse/billing/tenant"
)

// DiffOfferings implements oapi.StrictServerInterface.
func (s *Server) DiffOfferings(ctx context.Context, r oapi.DiffOfferingsRequestObject) (oapi.DiffOfferingsResponseObject, error) {
	var changes []catalog.Change
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		before, err := catalog.LoadVersion(ctx, tx, r.Offering)
		if err != nil {
			return err
		}
		after, err := catalog.LoadVersion(ctx, tx, r.Params.To)
		changes = catalog.Diff(before, after)
		return err
	})
	return oapi.DiffOfferings200JSONResponse{Changes: mapped(changes, func(c catalog.Change) oapi.OfferingChange {
		return oapi.OfferingChange{Sort: oapi.OfferingChangeSort(c.Sort), Path: c.Path, Part: oapi.OfferingChangePart(c.Part), Code: optionalText(c.Code),
			Field: optionalText(c.Field), Before: optionalText(c.Before), After: optionalText(c.After), Per: optionalText(c.Per)}
	})}, err
}

// ExportCatalog implements oapi.StrictServerInterface.
func (s *Server) ExportCatalog(ctx context.Context, _ oapi.ExportCatalogRequestObject) (oapi.ExportCatalogResponseObject, error) {
	var text []byte
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		text, err = catalog.Archive(ctx, tx, true)
		return err
	})
	if err != nil {
		return nil, err
	}
	answer := oapi.ExportCatalog200JSONResponse{Offerings: []oapi.OfferingDocument{}}
	return answer, json.Unmarshal(text, &answer.Offerings)
}

// ImportCatalog implements oapi.StrictServerInterface.
func (s *Server) ImportCatalog(ctx context.Context, r oapi.ImportCatalogRequestObject) (oapi.ImportCatalogResponseObject, error) {
	offerings, err := catalog.ReadArchive(document(r.Body.Offerings))
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ImportCatalogResponseObject.VisitImportCatalogResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ImportCatalogResponseObject, error) {
		versions, err := catalog.SaveDrafts(ctx, tx, offerings)
		if len(versions) > 0 {
			callOf(ctx).about("offering", versions[0].ID)
		}
		return oapi.ImportCatalog200JSONResponse{Body: oapi.OfferingPage{Items: mapped(versions, offeringSummary)}}, err
	})
}

// GetOfferingSchema implements oapi.StrictServerInterface.
func (s *Server) GetOfferingSchema(context.Context, oapi.GetOfferingSchemaRequestObject) (oapi.GetOfferingSchemaResponseObject, error) {
	var schema oapi.GetOfferingSchema200JSONResponse
	return &schema, json.Unmarshal(catalog.SchemaJSON, &schema)
}

// specificationOf is a specification as its document.
func specificationOf(s catalog.Specification) oapi.Specification {
	var fields oapi.Specification
	if err := json.Unmarshal(document(s), &fields); err != nil {
		panic("api: a specification is no object: " + err.Error())
	}
	return fields
}

// ListSpecifications implements oapi.StrictServerInterface.
func (s *Server) ListSpecifications(ctx context.Context, _ oapi.ListSpecificationsRequestObject) (oapi.ListSpecificationsResponseObject, error) {
	var list []catalog.Specification
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = catalog.Specifications(ctx, tx)
		return err
	})
	return oapi.ListSpecifications200JSONResponse{Items: mapped(list, specificationOf)}, err
}

// GetSpecification implements oapi.StrictServerInterface.
func (s *Server) GetSpecification(ctx context.Context, r oapi.GetSpecificationRequestObject) (oapi.GetSpecificationResponseObject, error) {
	var spec catalog.Specification
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		spec, err = catalog.GetSpecification(ctx, tx, r.Code)
		return err
	})
	return oapi.GetSpecification200JSONResponse(specificationOf(spec)), err
}

// PutSpecification implements oapi.StrictServerInterface. The code is that of the
// address.
func (s *Server) PutSpecification(ctx context.Context, r oapi.PutSpecificationRequestObject) (oapi.PutSpecificationResponseObject, error) {
	fields := *r.Body
	fields["code"] = r.Code
	spec, err := catalog.ParseSpecification(document(fields))
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.PutSpecificationResponseObject.VisitPutSpecificationResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutSpecificationResponseObject, error) {
		return oapi.PutSpecification200JSONResponse{Body: specificationOf(spec)}, catalog.PutSpecification(ctx, tx, spec)
	})
}

// DeleteSpecification implements oapi.StrictServerInterface.
func (s *Server) DeleteSpecification(ctx context.Context, r oapi.DeleteSpecificationRequestObject) (oapi.DeleteSpecificationResponseObject, error) {
	return nil, once(ctx, oapi.DeleteSpecificationResponseObject.VisitDeleteSpecificationResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DeleteSpecificationResponseObject, error) {
		return oapi.DeleteSpecification204Response{}, catalog.DropSpecification(ctx, tx, r.Code)
	})
}

func partnerOf(p partner.Owed) oapi.Partner {
	return oapi.Partner{Code: p.Code, Name: p.Name, Active: p.Active, Share: p.Share.String()}
}

// ListPartners implements oapi.StrictServerInterface.
func (s *Server) ListPartners(ctx context.Context, _ oapi.ListPartnersRequestObject) (oapi.ListPartnersResponseObject, error) {
	var list []partner.Owed
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = partner.List(ctx, tx)
		return err
	})
	return oapi.ListPartners200JSONResponse{Items: mapped(list, partnerOf)}, err
}

// PutPartner implements oapi.StrictServerInterface.
func (s *Server) PutPartner(ctx context.Context, r oapi.PutPartnerRequestObject) (oapi.PutPartnerResponseObject, error) {
	return nil, once(ctx, oapi.PutPartnerResponseObject.VisitPutPartnerResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutPartnerResponseObject, error) {
		_, err := partner.Put(ctx, tx, partner.Partner{Code: r.Code, Name: r.Body.Name, Active: r.Body.Active})
		if err != nil {
			return nil, err
		}
		list, err := partner.List(ctx, tx)
		for _, p := range list {
			if p.Code == r.Code {
				return oapi.PutPartner200JSONResponse{Body: partnerOf(p)}, err
			}
		}
		return nil, err
	})
}
