package api

import (
	"bytes"
	"context"
	"encoding/json"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/points"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
)

// GetBalancePolicy implements oapi.StrictServerInterface.
func (s *Server) GetBalancePolicy(ctx context.Context, r oapi.GetBalancePolicyRequestObject) (oapi.GetBalancePolicyResponseObject, error) {
	var out oapi.BalancePolicy
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		out, err = balancePolicy(ctx, tx, policy.Kind(r.Kind))
		return err
	})
	return oapi.GetBalancePolicy200JSONResponse(out), err
}

func balancePolicy(ctx context.Context, tx tenant.Tx, kind policy.Kind) (oapi.BalancePolicy, error) {
	laidDown, err := policyDocument(ctx, tx, kind)
	if err != nil {
		return oapi.BalancePolicy{}, err
	}
	changed, err := policy.Changed(ctx, tx, kind)
	out := oapi.BalancePolicy{Kind: string(kind), Document: document(laidDown), ChangedBy: optionalText(changed.By)}
	if !changed.At.IsZero() {
		out.ChangedAt = &changed.At
	}
	return out, err
}

func policyDocument(ctx context.Context, tx tenant.Tx, kind policy.Kind) (any, error) {
	switch kind {
	case policy.Adjustment:
		return balance.GetAdjustPolicy(ctx, tx)
	case policy.Transfer:
		return transfer.Get(ctx, tx)
	case policy.Points:
		return points.Get(ctx, tx)
	case policy.Alert:
		return alert.Get(ctx, tx)
	case policy.Reminder:
		return balance.GetReminder(ctx, tx)
	case policy.Note:
		return bill.GetRules(ctx, tx)
	case policy.LateFee:
		return bill.GetLateRules(ctx, tx)
	}
	return nil, account.ErrNotFound
}

// PutBalancePolicy implements oapi.StrictServerInterface. The document is read
// from the bytes as sent: a field that its kind does not have is refused.
func (s *Server) PutBalancePolicy(ctx context.Context, r oapi.PutBalancePolicyRequestObject) (oapi.PutBalancePolicyResponseObject, error) {
	return nil, once(ctx, oapi.PutBalancePolicyResponseObject.VisitPutBalancePolicyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutBalancePolicyResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		c.note("kind", r.Kind)
		if err := storePolicy(ctx, tx, policy.Kind(r.Kind), c.body, c.who.Actor()); err != nil {
			return nil, err
		}
		out, err := balancePolicy(ctx, tx, policy.Kind(r.Kind))
		return oapi.PutBalancePolicy200JSONResponse{Body: out}, err
	})
}

func storePolicy(ctx context.Context, tx tenant.Tx, kind policy.Kind, text []byte, by string) error {
	switch kind {
	case policy.Adjustment:
		return readAndStore(ctx, tx, text, by, balance.PutAdjustPolicy)
	case policy.Transfer:
		return readAndStore(ctx, tx, text, by, transfer.Put)
	case policy.Points:
		return readAndStore(ctx, tx, text, by, points.Put)
	case policy.Alert:
		return readAndStore(ctx, tx, text, by, alert.Put)
	case policy.Note:
		return readAndStore(ctx, tx, text, by, bill.PutRules)
	case policy.LateFee:
		return readAndStore(ctx, tx, text, by, bill.PutLateRules)
	case policy.Reminder:
		return readAndStore(ctx, tx, text, by, balance.PutReminder)
	}
	return account.ErrNotFound
}

func readAndStore[T any](ctx context.Context, tx tenant.Tx, text []byte, by string, store func(context.Context, tenant.Tx, T, string) error) error {
	var laidDown T
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&laidDown); err != nil {
		return &account.FieldError{Field: "body", Want: "a document as getBalancePolicy shows it (" + err.Error() + ")"}
	}
	return store(ctx, tx, laidDown, by)
}
