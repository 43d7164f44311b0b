package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// sourceNames knows sources by their ids; a tenant has a handful.
func sourceNames(ctx context.Context, tx tenant.Tx) (map[uuid.UUID]string, error) {
	feeds, err := usage.ListSources(ctx, tx)
	names := make(map[uuid.UUID]string, len(feeds))
	for _, f := range feeds {
		names[f.ID] = f.Name
	}
	return names, err
}

// sourceID is the id of a named source; zero for no name.
func sourceID(ctx context.Context, tx tenant.Tx, name *string) (uuid.UUID, error) {
	if name == nil {
		return uuid.Nil, nil
	}
	feed, err := usage.FindSource(ctx, tx, *name)
	return feed.ID, err
}

// ListSuspense implements oapi.StrictServerInterface.
func (s *Server) ListSuspense(ctx context.Context, r oapi.ListSuspenseRequestObject) (oapi.ListSuspenseResponseObject, error) {
	after, err := usage.ParseCursor(value(r.Params.Cursor))
	if err != nil {
		return nil, errCursor()
	}
	search := usage.Search{State: usage.Waiting, Reason: usage.Reason(value(r.Params.Reason)), File: value(r.Params.File)}
	if r.Params.State != nil {
		search.State = usage.SuspenseState(*r.Params.State)
	}
	var out oapi.ListSuspense200JSONResponse
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if search.Source, err = sourceID(ctx, tx, r.Params.Source); err != nil {
			return err
		}
		items, next, err := usage.ListSuspended(ctx, tx, search, after, pageLimit(r.Params.Limit))
		if err != nil {
			return err
		}
		names, err := sourceNames(ctx, tx)
		out.Items = mapped(items, func(i usage.Suspended) oapi.SuspenseItem { return suspenseItem(i, names) })
		out.Next = optionalText(next.String())
		return err
	})
	return out, err
}

func suspenseItem(i usage.Suspended, names map[uuid.UUID]string) oapi.SuspenseItem {
	advice, _ := usage.Describe(i.Reason)
	out := oapi.SuspenseItem{Id: i.ID, Source: names[i.Source], File: optionalID(i.File), Line: i.Line, Reason: string(i.Reason), Field: optionalText(i.Field),
		Detail: optionalText(i.Detail), Means: advice.Means, Do: advice.Do, Raw: optionalText(i.Raw), State: oapi.SuspenseItemState(i.State),
		Attempts: i.Attempts, CreatedAt: i.CreatedAt, ResolvedAt: i.ResolvedAt, Resolution: optionalText(i.Resolution)}
	if i.Record != nil {
		record := document(i.Record)
		out.Record = &record
	}
	return out
}

// suspended reads one item as the API shows it.
func suspended(ctx context.Context, tx tenant.Tx, id uuid.UUID) (oapi.SuspenseItem, error) {
	item, err := usage.GetSuspended(ctx, tx, id)
	if err != nil {
		return oapi.SuspenseItem{}, err
	}
	names, err := sourceNames(ctx, tx)
	return suspenseItem(item, names), err
}

// GetSuspense implements oapi.StrictServerInterface.
func (s *Server) GetSuspense(ctx context.Context, r oapi.GetSuspenseRequestObject) (oapi.GetSuspenseResponseObject, error) {
	var item oapi.SuspenseItem
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		item, err = suspended(ctx, tx, r.Item)
		return err
	})
	return oapi.GetSuspense200JSONResponse(item), err
}

// FixSuspense implements oapi.StrictServerInterface.
func (s *Server) FixSuspense(ctx context.Context, r oapi.FixSuspenseRequestObject) (oapi.FixSuspenseResponseObject, error) {
	return nil, once(ctx, oapi.FixSuspenseResponseObject.VisitFixSuspenseResponse, func(ctx context.Context, tx tenant.Tx) (oapi.FixSuspenseResponseObject, error) {
		callOf(ctx).about("suspense", r.Item)
		if _, err := usage.FixSuspended(ctx, tx, r.Item, usage.Fix{Raw: r.Body.Raw, Patch: value(r.Body.Patch)}); err != nil {
			return nil, err
		}
		item, err := suspended(ctx, tx, r.Item)
		return oapi.FixSuspense200JSONResponse{Body: item}, err
	})
}

// DiscardSuspense implements oapi.StrictServerInterface.
func (s *Server) DiscardSuspense(ctx context.Context, r oapi.DiscardSuspenseRequestObject) (oapi.DiscardSuspenseResponseObject, error) {
	return nil, once(ctx, oapi.DiscardSuspenseResponseObject.VisitDiscardSuspenseResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DiscardSuspenseResponseObject, error) {
		c := callOf(ctx)
		c.about("suspense", r.Item)
		c.note("reason", r.Body.Reason)
		if _, err := usage.GetSuspended(ctx, tx, r.Item); err != nil {
			return nil, err
		}
		if err := usage.Discard(ctx, tx, []uuid.UUID{r.Item}, r.Body.Reason); err != nil {
			return nil, err
		}
		item, err := suspended(ctx, tx, r.Item)
		return oapi.DiscardSuspense200JSONResponse{Body: item}, err
	})
}
