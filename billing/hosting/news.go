package hosting

import (
	"context"
	"time"

	"tollhouse/billing/tenant"
)

// News is all that the control plane says to one stack.
type News struct {
	Told  Told      `json:"told"`
	Bills []Bill    `json:"bills,omitempty"`
	At    time.Time `json:"at,omitzero"` // the control plane's wall time
}

// Take keeps news in a stack. Of bills that it does not know yet the documents
// are asked for, each outside of any transaction: whoever draws them may be far
// away. Cut off, it is taken again as a whole.
func Take(ctx context.Context, db *tenant.DB, ref tenant.Ref, news News, document func(ctx context.Context, b Bill) ([]byte, error)) error {
	var unknown []Bill
	err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err := Tell(ctx, tx, news.Told, news.At); err != nil {
			return err
		}
		unknown, err = Unknown(ctx, tx, news.Bills)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range unknown {
		text, err := document(ctx, b)
		if err != nil {
			return err
		}
		if err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error { return Add(ctx, tx, b, text) }); err != nil {
			return err
		}
	}
	return nil
}
