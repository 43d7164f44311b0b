package house

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// pass makes what was leased the operators' own where a lease has run its full
// term and every bill with its instalments is paid. One that can't pass keeps no
// other from it.
func (w *Worker) pass(ctx context.Context, house tenants.Operator, books Books, today calendar.Date) error {
	if w.Pass == nil {
		return nil
	}
	var over []contract.Contract
	err := w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		over, err = contract.ToPass(ctx, tx, today, house.Sandbox, atOnce)
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, c := range over {
		if err := w.passOne(ctx, books, c, today); err != nil {
			faults = append(faults, fmt.Errorf("pass what contract %s leases: %w", c.ID, err))
		}
	}
	return errors.Join(faults...)
}

func (w *Worker) passOne(ctx context.Context, books Books, c contract.Contract, today calendar.Date) error {
	var charges []uuid.UUID
	whole := false
	err := w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		charges, whole, err = contract.LeaseCharges(ctx, tx, c)
		return err
	})
	if err != nil || !whole {
		return err
	}
	paid, err := books.paid(ctx, charges)
	if err != nil || !paid {
		return err
	}
	return w.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		passed, fresh, err := contract.Pass(ctx, tx, tenants.System, c.ID, today)
		if err != nil || !fresh {
			return err
		}
		return w.Pass(ctx, tx, passed)
	})
}

// paid says whether charges all stand on bills of which nothing is open. One on
// a bill that was voided is not paid: somebody has to say what becomes of it.
func (b Books) paid(ctx context.Context, charges []uuid.UUID) (paid bool, err error) {
	err = b.DB.Read(ctx, b.Ref, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := tx.Query(ctx, `select bill_id from bill_item where cause_kind = $1 and cause_id = any ($2)`, cause, charges)
		if err != nil {
			return fmt.Errorf("look for bills of charges: %w", err)
		}
		bills, err := pgx.CollectRows(rows, pgx.RowTo[*uuid.UUID])
		if err != nil {
			return fmt.Errorf("look for bills of charges: %w", err)
		}
		if paid = len(bills) == len(charges); !paid {
			return nil
		}
		settled := map[uuid.UUID]bool{}
		for _, id := range bills {
			if paid = id != nil; !paid {
				return nil
			}
			if settled[*id] {
				continue
			}
			one, err := bill.Get(ctx, tx, *id)
			if err != nil {
				return err
			}
			if paid = one.State != bill.Void && one.Number != "" && one.Open.IsZero(); !paid {
				return nil
			}
			settled[*id] = true
		}
		return nil
	})
	return paid, err
}
