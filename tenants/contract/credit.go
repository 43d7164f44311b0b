package contract

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/tenants"
)

// Credit is something that is given back on a contract's next bill.
type Credit struct {
	Key      uuid.UUID // of the caller's choice: given once
	Contract uuid.UUID
	Amount   money.Amount // above zero, without tax
	Reason   string       // as the bill prints it
}

// ActionCredit is in the audit.
const ActionCredit = "contract.credit"

const (
	codeCredit = "credit"
	// maxReason is what a line of a bill holds.
	maxReason = 150
)

// GiveBack puts a credit on its way into the house's books, for a day. The same
// again changes nothing; ErrFixed refuses another one under its key, ErrState a
// contract that has not begun.
func GiveBack(ctx context.Context, tx tenants.Tx, by tenants.Actor, credit Credit, on calendar.Date) error {
	c, err := one(ctx, tx, `select `+contractColumns+` from contract where id = $1 for update`, credit.Contract)
	if err != nil {
		return err
	}
	if c.State == Draft || c.State == Withdrawn {
		return fmt.Errorf("give back on a contract that is %s: %w", c.State, ErrState)
	}
	credit.Reason = strings.TrimSpace(credit.Reason)
	var wrong []tenants.FieldError
	if credit.Amount.Currency() != c.Currency || credit.Amount.Sign() <= 0 || !credit.Amount.RoundToDocument().Decimal().Equal(credit.Amount.Decimal()) {
		wrong = append(wrong, tenants.FieldError{Field: "amount", Want: "an amount above zero in " + c.Currency.Code()})
	}
	if n := len([]rune(credit.Reason)); n == 0 || n > maxReason || strings.ContainsAny(credit.Reason, "\r\n") {
		wrong = append(wrong, tenants.FieldError{Field: "reason", Want: fmt.Sprintf("what it is for, in 1 to %d characters on one line", maxReason)})
	}
	if len(wrong) > 0 {
		return &tenants.InvalidError{Fields: wrong}
	}
	charge := Charge{Key: uuid.NewSHA1(c.ID, []byte("credit "+credit.Key.String())), Code: codeCredit, Words: map[string]string{"en": credit.Reason},
		Period: calendar.Period{From: on, To: on.AddDays(1)}, Amount: credit.Amount.Neg()}
	known, err := charges(ctx, tx, `where id = $1`, charge.Key)
	if err != nil {
		return err
	}
	if len(known) > 0 {
		if !known[0].Amount.Decimal().Equal(charge.Amount.Decimal()) || known[0].Words["en"] != credit.Reason {
			return fmt.Errorf("credit %s: %w", credit.Key, ErrFixed)
		}
		return nil
	}
	if err := c.charge(ctx, tx, charge); err != nil {
		return err
	}
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: ActionCredit, Object: c.ID, Detail: map[string]any{"amount": credit.Amount, "reason": credit.Reason}})
}
