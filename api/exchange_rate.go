package api

import (
	"context"
	"io"

	"tollhouse/api/oapi"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

func rateOf(r catalog.StoredRate) oapi.ExchangeRate {
	return oapi.ExchangeRate{From: r.From, To: r.To, Day: r.Day, Value: r.Value, BothWays: unless(false, r.BothWays), Source: optionalText(r.Source)}
}

// ListExchangeRates implements oapi.StrictServerInterface. The cursor is the
// last rate seen.
func (s *Server) ListExchangeRates(ctx context.Context, r oapi.ListExchangeRatesRequestObject) (oapi.ListExchangeRatesResponseObject, error) {
	query := catalog.RateQuery{From: value(r.Params.From), To: value(r.Params.To), Limit: pageLimit(r.Params.Limit) + 1}
	before, err := cursorParts(r.Params.Cursor, 3)
	if err != nil {
		return nil, err
	}
	if before != nil {
		query.Before = &catalog.ExchangeRate{}
		for i, read := range []func([]byte) error{query.Before.Day.UnmarshalText, query.Before.From.UnmarshalText, query.Before.To.UnmarshalText} {
			if read([]byte(before[i])) != nil {
				return nil, errCursor()
			}
		}
	}
	var rates []catalog.StoredRate
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		rates, err = catalog.ListRates(ctx, tx, query)
		return err
	})
	page, next := cut(rates, r.Params.Limit, func(r catalog.StoredRate) []string { return []string{r.Day.String(), r.From.Code(), r.To.Code()} })
	return oapi.ListExchangeRates200JSONResponse{Items: mapped(page, rateOf), Next: next}, err
}

// PutExchangeRates implements oapi.StrictServerInterface.
func (s *Server) PutExchangeRates(ctx context.Context, r oapi.PutExchangeRatesRequestObject) (oapi.PutExchangeRatesResponseObject, error) {
	source := "api"
	rates := mapped(r.Body.Rates, func(r oapi.ExchangeRate) catalog.ExchangeRate {
		if r.Source != nil {
			source = *r.Source
		}
		return catalog.ExchangeRate{From: r.From, To: r.To, Day: r.Day, Value: r.Value, BothWays: value(r.BothWays)}
	})
	return nil, once(ctx, oapi.PutExchangeRatesResponseObject.VisitPutExchangeRatesResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutExchangeRatesResponseObject, error) {
		stored, err := storeRates(ctx, tx, catalog.NewRatesEntry{Rates: rates, Source: source, Past: value(r.Body.Past)})
		return oapi.PutExchangeRates200JSONResponse{Body: stored}, err
	})
}

func storeRates(ctx context.Context, tx tenant.Tx, n catalog.NewRatesEntry) (oapi.ExchangeRatesStored, error) {
	callOf(ctx).note("source", n.Source)
	changed, err := catalog.PutRates(ctx, tx, n)
	return oapi.ExchangeRatesStored{Rates: len(n.Rates), Changed: changed}, err
}

// UploadExchangeRates implements oapi.StrictServerInterface.
func (s *Server) UploadExchangeRates(ctx context.Context, r oapi.UploadExchangeRatesRequestObject) (oapi.UploadExchangeRatesResponseObject, error) {
	body, name, err := uploaded(r.Body, r.MultipartBody, value(r.Params.Name))
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if c.body, err = io.ReadAll(body); err != nil {
		return nil, err
	}
	file, err := catalog.ReadRates(c.body, catalog.RatesFormat{TableFormat: tableFormat(r.Params.Delimiter, r.Params.Header), Base: value(r.Params.Base), BothWays: value(r.Params.BothWays)})
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.UploadExchangeRatesResponseObject.VisitUploadExchangeRatesResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UploadExchangeRatesResponseObject, error) {
		stored, err := storeRates(ctx, tx, catalog.NewRatesEntry{Rates: file.Rates, Source: name, Past: value(r.Params.Past)})
		return oapi.UploadExchangeRates200JSONResponse{Body: stored}, err
	})
}

// FindExchangeRate implements oapi.StrictServerInterface.
func (s *Server) FindExchangeRate(ctx context.Context, r oapi.FindExchangeRateRequestObject) (oapi.FindExchangeRateResponseObject, error) {
	var c catalog.Conversion
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		day := value(r.Params.Day)
		if day == (calendar.Date{}) {
			if day, err = catalog.Today(ctx, tx); err != nil {
				return err
			}
		}
		table, err := catalog.LoadRates(ctx, tx, []money.Currency{r.From, r.To})
		if err == nil {
			c, err = table.Rate(r.From, r.To, day)
		}
		return err
	})
	out := oapi.FindExchangeRate200JSONResponse{From: c.From, To: c.To, Numerator: c.Num, Denominator: c.Den}
	if !c.Rate.Value.IsZero() {
		rate := rateOf(catalog.StoredRate{ExchangeRate: c.Rate})
		out.Rate = &rate
	}
	return out, err
}

// RemoveExchangeRate implements oapi.StrictServerInterface.
func (s *Server) RemoveExchangeRate(ctx context.Context, r oapi.RemoveExchangeRateRequestObject) (oapi.RemoveExchangeRateResponseObject, error) {
	return nil, once(ctx, oapi.RemoveExchangeRateResponseObject.VisitRemoveExchangeRateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveExchangeRateResponseObject, error) {
		callOf(ctx).note("from", r.From.Code(), "to", r.To.Code(), "day", r.Day.String())
		return oapi.RemoveExchangeRate204Response{}, catalog.RemoveRate(ctx, tx, r.From, r.To, r.Day, value(r.Params.Past))
	})
}
