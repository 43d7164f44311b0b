package bill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ImportedDocument is a bill that another system issued, kept as it was made.
type ImportedDocument struct {
	ID        uuid.UUID // given by the caller of ImportDocuments
	AccountID uuid.UUID
	Number    string
	Issued    calendar.Date
	Total     money.Amount
	FileName  string
	SizeBytes int64
	CreatedAt time.Time
}

// ImportedPDF is such a document with what is printed on it.
type ImportedPDF struct {
	ImportedDocument
	Content []byte
}

// ImportDocuments stores documents of another system.
func ImportDocuments(ctx context.Context, tx tenant.Tx, documents []ImportedPDF) error {
	rows := pgx.CopyFromSlice(len(documents), func(i int) ([]any, error) {
		d := &documents[i]
		return []any{d.ID, d.AccountID, d.Number, d.Issued, d.Total.Decimal(), d.Total.Currency().Code(), d.FileName, d.Content, tx.At}, nil
	})
	columns := []string{"id", "account_id", "number", "issue_date", "total", "currency", "file_name", "content", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"imported_document"}, columns, rows); err != nil {
		return fmt.Errorf("import documents: %w", err)
	}
	return nil
}

const importedColumns = `id, account_id, number, issue_date, total, currency, file_name, length(content), created_at`

func scanImported(row pgx.Row, more ...any) (ImportedDocument, error) {
	var d ImportedDocument
	var total money.Decimal
	var currency money.Currency
	err := row.Scan(append([]any{&d.ID, &d.AccountID, &d.Number, &d.Issued, &total, &currency, &d.FileName, &d.SizeBytes, &d.CreatedAt}, more...)...)
	d.Total, d.CreatedAt = money.New(total, currency), d.CreatedAt.UTC()
	return d, err
}

// maxImported bounds a list of imported documents.
const maxImported = 200

// ImportedDocuments lists an account's documents of another system, the latest
// first: those issued before a day, or the latest of all for a zero one.
func ImportedDocuments(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, before calendar.Date, limit int) ([]ImportedDocument, error) {
	var until *calendar.Date
	if !before.IsZero() {
		until = &before
	}
	rows, err := tx.Query(ctx, `
		select `+importedColumns+`
		  from imported_document
		 where account_id = $1 and ($2::date is null or issue_date < $2)
		 order by issue_date desc, id desc
		 limit $3`, accountID, until, min(max(limit, 1), maxImported))
	if err != nil {
		return nil, fmt.Errorf("list imported documents: %w", err)
	}
	documents, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ImportedDocument, error) { return scanImported(row) })
	if err != nil {
		return nil, fmt.Errorf("list imported documents: %w", err)
	}
	return documents, nil
}

// GetImported reads a document of another system; ErrNotFound if there is none.
func GetImported(ctx context.Context, tx tenant.Tx, id uuid.UUID) (ImportedPDF, error) {
	var d ImportedPDF
	var err error
	d.ImportedDocument, err = scanImported(tx.QueryRow(ctx, `select `+importedColumns+`, content from imported_document where id = $1`, id), &d.Content)
	if errors.Is(err, pgx.ErrNoRows) {
		return ImportedPDF{}, ErrNotFound
	}
	if err != nil {
		return ImportedPDF{}, fmt.Errorf("read imported document %s: %w", id, err)
	}
	return d, nil
}

// WithdrawImported takes the accounts' documents of another system away.
func WithdrawImported(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from imported_document where account_id = any ($1)`, accounts); err != nil {
		return fmt.Errorf("withdraw imported documents: %w", err)
	}
	return nil
}
