package api

import (
	"bytes"
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/bill"
	"tollhouse/billing/letter"
	"tollhouse/billing/tenant"
)

// seesBill says whether the caller may read a document.
func (c *call) seesBill(ctx context.Context, id uuid.UUID) error {
	return c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		head, err := bill.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		return c.sees(head.AccountID)
	})
}

// GetBillUbl implements oapi.StrictServerInterface.
func (s *Server) GetBillUbl(ctx context.Context, r oapi.GetBillUblRequestObject) (oapi.GetBillUblResponseObject, error) {
	c := callOf(ctx)
	if err := c.seesBill(ctx, r.Bill); err != nil {
		return nil, err
	}
	file, err := c.stack.BillUBL(ctx, r.Bill)
	return oapi.GetBillUbl200ApplicationxmlResponse{Body: bytes.NewReader(file), ContentLength: int64(len(file))}, err
}

// GetBillCsv implements oapi.StrictServerInterface.
func (s *Server) GetBillCsv(ctx context.Context, r oapi.GetBillCsvRequestObject) (oapi.GetBillCsvResponseObject, error) {
	c := callOf(ctx)
	if err := c.seesBill(ctx, r.Bill); err != nil {
		return nil, err
	}
	file, err := c.stack.BillCSV(ctx, r.Bill)
	return oapi.GetBillCsv200TextcsvResponse{Body: bytes.NewReader(file), ContentLength: int64(len(file))}, err
}

// GetPapers implements oapi.StrictServerInterface.
func (s *Server) GetPapers(ctx context.Context, r oapi.GetPapersRequestObject) (oapi.GetPapersResponseObject, error) {
	var p bill.Papers
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = bill.GetPapers(ctx, tx, r.Account)
		return err
	})
	return oapi.GetPapers200JSONResponse{Itemised: p.Annex, Masked: p.Mask, Separate: &p.Separate}, err
}

// PutPapers implements oapi.StrictServerInterface.
func (s *Server) PutPapers(ctx context.Context, r oapi.PutPapersRequestObject) (oapi.PutPapersResponseObject, error) {
	return nil, once(ctx, oapi.PutPapersResponseObject.VisitPutPapersResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutPapersResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.detail = map[string]any{"papers": r.Body}
		err := bill.PutPapers(ctx, tx, r.Account, bill.Papers{Annex: r.Body.Itemised, Mask: r.Body.Masked, Separate: value(r.Body.Separate)})
		return oapi.PutPapers200JSONResponse{Body: *r.Body}, err
	})
}

// TakeCertificate implements oapi.StrictServerInterface.
func (s *Server) TakeCertificate(ctx context.Context, r oapi.TakeCertificateRequestObject) (oapi.TakeCertificateResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.TakeCertificateResponseObject.VisitTakeCertificateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.TakeCertificateResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		c.detail = map[string]any{"certificate": r.Body}
		taken, err := bill.TakeCertificate(ctx, tx, bill.Certificate{ID: id, BillID: r.Bill, Number: r.Body.Certificate, Amount: r.Body.Amount, By: c.who.Actor()})
		if err != nil {
			return nil, err
		}
		head, err := bill.Get(ctx, tx, r.Bill)
		return oapi.TakeCertificate201JSONResponse{Body: oapi.CertificateTaken{Certificate: r.Body.Certificate, Amount: taken, Open: head.Open}}, err
	})
}

// GetDocumentSettings implements oapi.StrictServerInterface.
func (s *Server) GetDocumentSettings(ctx context.Context, _ oapi.GetDocumentSettingsRequestObject) (oapi.GetDocumentSettingsResponseObject, error) {
	var kept letter.Settings
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		kept, err = letter.GetSettings(ctx, tx)
		return err
	})
	return oapi.GetDocumentSettings200JSONResponse{AttachPdf: kept.Attach, AttachUbl: &kept.AttachUBL}, err
}

// PutDocumentSettings implements oapi.StrictServerInterface.
func (s *Server) PutDocumentSettings(ctx context.Context, r oapi.PutDocumentSettingsRequestObject) (oapi.PutDocumentSettingsResponseObject, error) {
	return nil, once(ctx, oapi.PutDocumentSettingsResponseObject.VisitPutDocumentSettingsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutDocumentSettingsResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "document_settings", map[string]any{"settings": r.Body}
		return oapi.PutDocumentSettings200JSONResponse{Body: *r.Body}, letter.PutSettings(ctx, tx, letter.Settings{Attach: r.Body.AttachPdf, AttachUBL: value(r.Body.AttachUbl)})
	})
}
