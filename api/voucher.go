package api

import (
	"bytes"
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/ledger"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
)

// ListVoucherBatches implements oapi.StrictServerInterface.
func (s *Server) ListVoucherBatches(ctx context.Context, r oapi.ListVoucherBatchesRequestObject) (oapi.ListVoucherBatchesResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var batches []voucher.Counted
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		batches, err = voucher.List(ctx, tx, before, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(batches, r.Params.Limit, func(b voucher.Counted) []string { return []string{b.ID.String()} })
	return oapi.ListVoucherBatches200JSONResponse{Items: mapped(page, voucherBatch), Next: next}, err
}

func voucherBatch(b voucher.Counted) oapi.VoucherBatch {
	states := map[string]int{}
	for state, n := range b.In {
		states[string(state)] = n
	}
	return oapi.VoucherBatch{Id: b.ID, Code: b.Code, Value: b.Value, Price: b.Price, Count: b.Count, Channel: optionalText(b.Channel), Dealer: optionalText(b.Dealer),
		ExpiresAt: b.ExpiresAt, SinglePurpose: unless(false, b.SinglePurpose), States: states, FetchedAt: b.FetchedAt, FetchedBy: optionalText(b.FetchedBy), Branch: optionalID(b.Branch),
		CreatedBy: b.CreatedBy, CreatedAt: b.CreatedAt}
}

// MakeVoucherBatch implements oapi.StrictServerInterface.
func (s *Server) MakeVoucherBatch(ctx context.Context, r oapi.MakeVoucherBatchRequestObject) (oapi.MakeVoucherBatchResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.MakeVoucherBatchResponseObject.VisitMakeVoucherBatchResponse, func(ctx context.Context, tx tenant.Tx) (oapi.MakeVoucherBatchResponseObject, error) {
		c := callOf(ctx)
		c.about("voucher_batch", id)
		price := r.Body.Value
		if r.Body.Price != nil {
			price = *r.Body.Price
		}
		made, err := c.stack.Vouchers().Make(ctx, tx, voucher.NewBatch{ID: id, Code: r.Body.Code, Value: r.Body.Value, Price: price, Count: r.Body.Count,
			Channel: value(r.Body.Channel), Dealer: value(r.Body.Dealer), ValidThrough: r.Body.ValidThrough, Branch: value(r.Body.Branch), SinglePurpose: value(r.Body.SinglePurpose), By: c.who.Actor()})
		if err != nil {
			return nil, err
		}
		batch, err := voucher.Get(ctx, tx, made.ID)
		return oapi.MakeVoucherBatch201JSONResponse{Body: voucherBatch(batch)}, err
	})
}

// GetVoucherBatch implements oapi.StrictServerInterface.
func (s *Server) GetVoucherBatch(ctx context.Context, r oapi.GetVoucherBatchRequestObject) (oapi.GetVoucherBatchResponseObject, error) {
	var batch voucher.Counted
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		batch, err = voucher.Get(ctx, tx, r.Batch)
		return err
	})
	return oapi.GetVoucherBatch200JSONResponse(voucherBatch(batch)), err
}

// FetchVoucherPins implements oapi.StrictServerInterface. A repeat under the
// same key is given the stored list, sealed as all stored answers are.
func (s *Server) FetchVoucherPins(ctx context.Context, r oapi.FetchVoucherPinsRequestObject) (oapi.FetchVoucherPinsResponseObject, error) {
	return nil, once(ctx, oapi.FetchVoucherPinsResponseObject.VisitFetchVoucherPinsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.FetchVoucherPinsResponseObject, error) {
		c := callOf(ctx)
		c.about("voucher_batch", r.Batch)
		list, err := c.stack.Vouchers().Fetch(ctx, tx, r.Batch, c.who.Actor())
		return oapi.FetchVoucherPins200TextcsvResponse{Body: bytes.NewReader(list), ContentLength: int64(len(list))}, err
	})
}

// SellVouchers implements oapi.StrictServerInterface.
func (s *Server) SellVouchers(ctx context.Context, r oapi.SellVouchersRequestObject) (oapi.SellVouchersResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.SellVouchersResponseObject.VisitSellVouchersResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SellVouchersResponseObject, error) {
		callOf(ctx).about("voucher_batch", r.Batch)
		sold, err := voucher.Sell(ctx, tx, voucher.Sale{ID: id, BatchID: r.Batch, PaidTo: ledger.Kind(r.Body.Method),
			Range: voucher.Range{First: value(r.Body.First), Last: value(r.Body.Last)}})
		return oapi.SellVouchers200JSONResponse{Body: oapi.VoucherSale{Count: sold.Count, Paid: sold.Paid, Discount: sold.Discount}}, err
	})
}

// BlockVouchers implements oapi.StrictServerInterface.
func (s *Server) BlockVouchers(ctx context.Context, r oapi.BlockVouchersRequestObject) (oapi.BlockVouchersResponseObject, error) {
	return nil, once(ctx, oapi.BlockVouchersResponseObject.VisitBlockVouchersResponse, func(ctx context.Context, tx tenant.Tx) (oapi.BlockVouchersResponseObject, error) {
		callOf(ctx).about("voucher_batch", r.Batch)
		n, err := voucher.Block(ctx, tx, r.Batch, voucher.Range{First: value(r.Body.First), Last: value(r.Body.Last)})
		return oapi.BlockVouchers200JSONResponse{Body: oapi.VoucherCount{Count: n}}, err
	})
}

// UnblockVouchers implements oapi.StrictServerInterface.
func (s *Server) UnblockVouchers(ctx context.Context, r oapi.UnblockVouchersRequestObject) (oapi.UnblockVouchersResponseObject, error) {
	return nil, once(ctx, oapi.UnblockVouchersResponseObject.VisitUnblockVouchersResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UnblockVouchersResponseObject, error) {
		callOf(ctx).about("voucher_batch", r.Batch)
		n, err := voucher.Unblock(ctx, tx, r.Batch, voucher.Range{First: value(r.Body.First), Last: value(r.Body.Last)})
		return oapi.UnblockVouchers200JSONResponse{Body: oapi.VoucherCount{Count: n}}, err
	})
}

// RedeemVoucher implements oapi.StrictServerInterface. The try is counted in a
// transaction before the one that redeems, so that a refusal stays counted.
func (s *Server) RedeemVoucher(ctx context.Context, r oapi.RedeemVoucherRequestObject) (oapi.RedeemVoucherResponseObject, error) {
	c := callOf(ctx)
	c.about("account", r.Account)
	id := uuid.NewSHA1(r.Account, []byte(c.commandKey()))
	note := func(ctx context.Context, tx tenant.Tx, _ payment.Payment) error { return c.recordAudit(ctx, tx) }
	return nil, repeatable(ctx, oapi.RedeemVoucherResponseObject.VisitRedeemVoucherResponse, func(ctx context.Context) (oapi.RedeemVoucherResponseObject, error) {
		var out oapi.Payment
		var redeemed payment.Payment
		err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error { return accountExists(ctx, tx, r.Account) })
		if err == nil {
			redeemed, err = c.stack.RedeemVoucher(ctx, voucher.Redemption{ID: id, AccountID: r.Account, PIN: r.Body.Pin, By: c.who.Actor(), Note: note}, c.address)
		}
		if err != nil {
			return nil, err
		}
		c.audited = true // with what was redeemed
		err = c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
			out, err = paid(ctx, tx, redeemed)
			return err
		})
		return oapi.RedeemVoucher201JSONResponse{Body: out}, err
	})
}
