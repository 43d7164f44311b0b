package letter

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/bill"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Settings are how an operator's mails carry documents.
type Settings struct {
	// Attach puts the bill's PDF into the mail; without it the mail has a link only.
	Attach bool `json:"attach_pdf,omitempty"`
}

// GetSettings reads them.
func GetSettings(ctx context.Context, tx tenant.Tx) (s Settings, err error) {
	if err := tx.QueryRow(ctx, `select document_settings from operator where id = 1`).Scan(&s); err != nil {
		return s, fmt.Errorf("read document settings: %w", err)
	}
	return s, nil
}

// PutSettings replaces them.
func PutSettings(ctx context.Context, tx tenant.Tx, s Settings) error {
	done, err := tx.Exec(ctx, `update operator set document_settings = $1 where id = 1`, s)
	if err == nil && done.RowsAffected() != 1 {
		err = errors.New("the operator is not set up")
	}
	if err != nil {
		return fmt.Errorf("put document settings: %w", err)
	}
	return nil
}

// attached are the files that go with the mail about a bill.
func (s Settings) attached(b bill.Bill) []notice.Attachment {
	if !s.Attach {
		return nil
	}
	return []notice.Attachment{{Kind: "bill_pdf", Ref: b.ID, Name: b.Number + ".pdf"}}
}
