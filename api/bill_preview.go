package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
)

// ListPreviewDifferences implements oapi.StrictServerInterface. A page is of so
// many accounts: what they differ by comes on one page.
func (s *Server) ListPreviewDifferences(ctx context.Context, r oapi.ListPreviewDifferencesRequestObject) (oapi.ListPreviewDifferencesResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit, day := pageLimit(r.Params.Limit), value(r.Params.CycleEnd)
	var last uuid.UUID // of a full page
	list, err := callOf(ctx).stack.Previews(ctx, func(ctx context.Context, tx tenant.Tx) ([]uuid.UUID, error) {
		if day.IsZero() {
			next, found, err := bill.NextRun(ctx, tx)
			if err != nil || !found {
				return nil, err
			}
			day = next.CycleEnd
		}
		ids, err := bill.DueAccounts(ctx, tx, day, after, limit+1)
		if last = uuid.Nil; len(ids) > limit {
			ids, last = ids[:limit], ids[limit-1]
		}
		return ids, err
	})
	if err != nil {
		return nil, err
	}
	page := oapi.ListPreviewDifferences200JSONResponse{Items: []oapi.PreviewDifference{}, Next: idCursor(last)}
	for _, p := range list {
		if p.Err != nil {
			continue
		}
		for _, d := range p.Differences() {
			if change := d.Change(); !change.IsZero() {
				page.Items = append(page.Items, oapi.PreviewDifference{Account: p.AccountID, Number: p.Number, Name: p.Name,
					Kind: oapi.PreviewDifferenceKind(d.Kind), Last: d.Last, Now: d.Now, Change: change})
			}
		}
	}
	return page, nil
}
