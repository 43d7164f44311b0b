package api

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"tollhouse/api/oapi"
	"tollhouse/billing/catalog"
	catalogdocument "tollhouse/billing/catalog/document"
	"tollhouse/billing/tenant"
)

// ImportOffering implements oapi.StrictServerInterface. The document is read
// from the bytes as sent: its faults are told by line.
func (s *Server) ImportOffering(ctx context.Context, _ oapi.ImportOfferingRequestObject) (oapi.ImportOfferingResponseObject, error) {
	c := callOf(ctx)
	offering, err := catalog.Parse(c.body)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ImportOfferingResponseObject.VisitImportOfferingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ImportOfferingResponseObject, error) {
		version, err := catalog.SaveDraft(ctx, tx, offering)
		c.about("offering", version.ID)
		return oapi.ImportOffering201JSONResponse{Body: offeringOf(catalog.Stored{Version: version, Offering: offering})}, err
	})
}

func offeringOf(o catalog.Stored) oapi.Offering {
	return oapi.Offering{Id: o.ID, Code: o.Code, Version: o.Number, State: oapi.OfferingState(o.State), Currency: o.Currency,
		AvailableFrom: o.AvailableFrom, PublishedAt: o.PublishedAt, CreatedAt: o.CreatedAt, Document: document(o.Offering)}
}

func offeringSummary(v catalog.Version) oapi.OfferingSummary {
	return oapi.OfferingSummary{Id: v.ID, Code: v.Code, Version: v.Number, State: oapi.OfferingSummaryState(v.State), Currency: v.Currency,
		AvailableFrom: v.AvailableFrom, PublishedAt: v.PublishedAt, CreatedAt: v.CreatedAt}
}

// ListOfferings implements oapi.StrictServerInterface.
func (s *Server) ListOfferings(ctx context.Context, r oapi.ListOfferingsRequestObject) (oapi.ListOfferingsResponseObject, error) {
	query := catalog.Query{Code: value(r.Params.Code), State: catalog.State(value(r.Params.State)), Limit: pageLimit(r.Params.Limit) + 1}
	after, err := cursorParts(r.Params.Cursor, 2)
	if err != nil {
		return nil, err
	}
	if after != nil {
		query.AfterCode = after[0]
		if query.AfterNumber, err = strconv.Atoi(after[1]); err != nil {
			return nil, errCursor()
		}
	}
	var versions []catalog.Version
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		versions, err = catalog.List(ctx, tx, query)
		return err
	})
	page, next := cut(versions, r.Params.Limit, func(v catalog.Version) []string { return []string{v.Code, strconv.Itoa(v.Number)} })
	return oapi.ListOfferings200JSONResponse{Items: mapped(page, offeringSummary), Next: next}, err
}

func readOffering(ctx context.Context, id oapi.OfferingId) (stored catalog.Stored, err error) {
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		stored, err = catalog.Get(ctx, tx, id)
		return err
	})
	return stored, err
}

// GetOffering implements oapi.StrictServerInterface.
func (s *Server) GetOffering(ctx context.Context, r oapi.GetOfferingRequestObject) (oapi.GetOfferingResponseObject, error) {
	stored, err := readOffering(ctx, r.Offering)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(callOf(ctx).accept, "yaml") {
		return oapi.GetOffering200JSONResponse(offeringOf(stored)), nil
	}
	text, err := yaml.JSONToYAML(document(stored.Offering))
	return oapi.GetOffering200ApplicationyamlResponse{Body: bytes.NewReader(text), ContentLength: int64(len(text))}, err
}

// CheckOffering implements oapi.StrictServerInterface.
func (s *Server) CheckOffering(ctx context.Context, r oapi.CheckOfferingRequestObject) (oapi.CheckOfferingResponseObject, error) {
	var findings []catalog.Finding
	err := callOf(ctx).stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		stored, err := catalog.Get(ctx, tx, r.Offering)
		if err != nil {
			return err
		}
		if stored.State.Open() { // a clean draft is checked from then on
			_, findings, err = catalog.MarkChecked(ctx, tx, r.Offering, tx.At)
			return err
		}
		from := tx.At
		if stored.AvailableFrom != nil {
			from = *stored.AvailableFrom
		}
		findings, err = catalog.Review(ctx, tx, stored.Offering, from)
		return err
	})
	return oapi.CheckOffering200JSONResponse{Publishable: len(catalog.Faults(findings)) == 0, Findings: mapped(findings, func(f catalog.Finding) oapi.Finding {
		severity := oapi.FindingSeverityFault
		if f.Severity == catalogdocument.Warning {
			severity = oapi.FindingSeverityWarning
		}
		return oapi.Finding{Path: f.Path, Message: f.Message, Want: optionalText(f.Want), Severity: &severity}
	})}, err
}

// PublishOffering implements oapi.StrictServerInterface.
func (s *Server) PublishOffering(ctx context.Context, r oapi.PublishOfferingRequestObject) (oapi.PublishOfferingResponseObject, error) {
	from := value(value(r.Body).AvailableFrom)
	return nil, once(ctx, oapi.PublishOfferingResponseObject.VisitPublishOfferingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PublishOfferingResponseObject, error) {
		callOf(ctx).about("offering", r.Offering)
		if _, err := catalog.Publish(ctx, tx, r.Offering, from); err != nil {
			return nil, err
		}
		stored, err := catalog.Get(ctx, tx, r.Offering)
		return oapi.PublishOffering200JSONResponse{Body: offeringOf(stored)}, err
	})
}

// RetireOffering implements oapi.StrictServerInterface.
func (s *Server) RetireOffering(ctx context.Context, r oapi.RetireOfferingRequestObject) (oapi.RetireOfferingResponseObject, error) {
	return nil, once(ctx, oapi.RetireOfferingResponseObject.VisitRetireOfferingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RetireOfferingResponseObject, error) {
		callOf(ctx).about("offering", r.Offering)
		if _, err := catalog.Retire(ctx, tx, r.Offering); err != nil {
			return nil, err
		}
		stored, err := catalog.Get(ctx, tx, r.Offering)
		return oapi.RetireOffering200JSONResponse{Body: offeringOf(stored)}, err
	})
}
