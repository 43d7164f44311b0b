package letter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Settings are how an operator's mails carry documents.
type Settings struct {
	// Attach puts the bill's PDF into the mail; without it the mail has a link only.
	Attach bool `json:"attach_pdf,omitempty"`
	// AttachUBL puts the bill as an electronic invoice into the mail, where its
	// facts are enough for one.
	AttachUBL bool `json:"attach_ubl,omitempty"`
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
	var files []notice.Attachment
	name := strings.ReplaceAll(b.Number, "/", "-") // no reader of mail keeps a slash in a file's name
	if s.Attach {
		files = append(files, notice.Attachment{Kind: "bill_pdf", Ref: b.ID, Name: name + ".pdf"})
	}
	if s.AttachUBL {
		files = append(files, notice.Attachment{Kind: "bill_ubl", Ref: b.ID, Name: name + ".xml"})
	}
	return files
}
