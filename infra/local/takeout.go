package local

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/ledger"
	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
)

// TakeOut implements backup.Stacks.
func (c *Cloud) TakeOut(ctx context.Context, want backup.TakeOut, to io.Writer) (backup.Taken, error) {
	ref := refOf(want.At)
	export := postgres.Export{Database: c.config.database(), Slot: want.At.Place.Slot, Tenant: ref.ID, Name: ref.Name, At: c.config.Now(),
		Facts: facts, Progress: want.Progress}
	if want.Secrets {
		export.Files = func(ctx context.Context, create func(string) (io.Writer, error)) error {
			w, err := create("opened.jsonl")
			if err != nil {
				return err
			}
			return c.openAll(ctx, ref, w)
		}
	}
	out, err := c.config.Server.Export(ctx, export, to)
	if err != nil {
		return backup.Taken{}, err
	}
	return backup.Taken{Operator: out.Tenant, Tables: len(out.Tables), Rows: out.Rows(), Facts: out.Facts}, nil
}

// Verify implements backup.Stacks.
func (c *Cloud) Verify(_ context.Context, from io.Reader) (backup.Taken, error) { return verify(from) }

// verify reads a take-out through: it is whole, and its books balance.
func verify(from io.Reader) (backup.Taken, error) {
	out, err := postgres.CheckExport(from)
	if err != nil {
		return backup.Taken{}, provisioning.Because("What came is not whole.", err)
	}
	if out.Facts["control_sums_hold"] != true {
		return backup.Taken{}, provisioning.Because("The control sums of its ledger do not hold.", errSums)
	}
	return backup.Taken{Operator: out.Tenant, Tables: len(out.Tables), Rows: out.Rows(), Facts: out.Facts}, nil
}

// errSums means that a take-out's books do not balance.
var errSums = errors.New("control sums do not hold")

// facts are what the books come to in a snapshot.
func facts(ctx context.Context, tx tenant.Tx) (map[string]any, error) {
	sums, err := ledger.ControlSums(ctx, tx)
	if err != nil {
		return nil, err
	}
	head, err := audit.Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	return map[string]any{"control_sums_hold": sums.Check() == nil, "trial_balance": sums.Trial,
		"audit_chain": map[string]any{"seq": head.Seq, "hash": hex.EncodeToString(head.Hash)}}, nil
}

// opened is one secret in clear. What is no text is written as hexadecimal.
type opened struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Hex   bool   `json:"hex,omitempty"`
}

const openedAtOnce = 500

// notOpened are keys and answers of the service itself.
var notOpened = map[string]bool{"signing_key.sealed_private": true, "idempotency.response": true, "contact_change.code": true}

// openAll writes all that a stack keeps sealed, but for stored answers.
func (c *Cloud) openAll(ctx context.Context, ref tenant.Ref, to io.Writer) error {
	enc := json.NewEncoder(to)
	for _, place := range billing.Sealed() {
		if column, is := place.(sealed.Column); is && notOpened[column.Name] {
			continue
		}
		var after []string
		for more := true; more; {
			var found []opened
			err := c.config.DB.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
				found = found[:0]
				step, err := place.Reseal(ctx, tx, after, openedAtOnce, func(name string, value []byte) ([]byte, error) {
					if len(value) == 0 {
						return nil, nil
					}
					clear, err := c.config.Seal.Open(ref.ID, name, value)
					if err != nil {
						return nil, err
					}
					one := opened{Name: name, Value: string(clear)}
					if !utf8.Valid(clear) {
						one.Value, one.Hex = hex.EncodeToString(clear), true
					}
					found = append(found, one)
					return nil, nil // it stays as it is
				})
				after, more = step.Last, step.More
				return err
			})
			if err != nil {
				return fmt.Errorf("open secrets of %s: %w", ref.Name, err)
			}
			for _, one := range found {
				if err := enc.Encode(one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// exportOf writes what another server holds of a stack.
func exportOf(ctx context.Context, server *postgres.Server, database string, at provisioning.Placed, now time.Time) func(to io.Writer) error {
	return func(to io.Writer) error {
		_, err := server.Export(ctx, postgres.Export{Database: database, Slot: at.Place.Slot, Tenant: at.Operator.ID, Name: at.Operator.Name, At: now, Facts: facts}, to)
		return err
	}
}
