package balance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Gift is a balance that a person gives an account, in units or money of any
// currency: a bucket of its own, at the cost of promotions. Reason goes to the
// audit, written by whoever took the command.
type Gift struct {
	ID        uuid.UUID // given by the caller; a repeat changes nothing
	AccountID uuid.UUID
	Code      string
	Unit      money.Unit
	Amount    money.Decimal
	Priority  int
	ExpiresAt time.Time // zero: never
	Kinds     []string  // of usage that it pays for; none: all
	Reason    string
}

// Give books a gift and returns its bucket.
func Give(ctx context.Context, tx tenant.Tx, g Gift) (Bucket, error) {
	switch {
	case strings.TrimSpace(g.Reason) == "":
		return Bucket{}, ErrReason
	case !g.Unit.Valid() || g.Unit == money.Point: // points are earned and burnt by their own commands
		return Bucket{}, &account.FieldError{Field: "unit", Want: "second, byte, event or a currency"}
	case g.Amount.Sign() <= 0 || g.Amount.Digits() > money.Scale || (!g.Unit.IsCurrency() && g.Amount.Digits() > 0):
		return Bucket{}, &account.FieldError{Field: "amount", Want: "more than nothing: whole units, or money with at most nine digits after the point"}
	case !g.ExpiresAt.IsZero() && !g.ExpiresAt.After(tx.At):
		return Bucket{}, &account.FieldError{Field: "expires_at", Want: "an instant that is still to come"}
	}
	o, err := lockOwner(ctx, tx, g.AccountID)
	if err != nil {
		return Bucket{}, err
	}
	n := NewBucket{
		ID: g.ID, AccountID: g.AccountID, Code: g.Code, Unit: g.Unit, Origin: Promotion, Amount: g.Amount, Priority: max(1, g.Priority),
		ValidFrom: tx.At, ExpiresAt: g.ExpiresAt, LegalEntity: o.legalEntity, Branch: o.branch,
	}
	if len(g.Kinds) > 0 {
		if n.Filter, err = json.Marshal(map[string]any{"kinds": g.Kinds}); err != nil {
			return Bucket{}, fmt.Errorf("filter of a gift: %w", err)
		}
	}
	if _, err := Grant(ctx, tx, []NewBucket{n}); err != nil {
		return Bucket{}, err
	}
	if err := Turned(ctx, tx, o.id); err != nil {
		return Bucket{}, err
	}
	return lockOne(ctx, tx, g.ID)
}
