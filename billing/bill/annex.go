package bill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Call is one use in the annex of a document.
type Call struct {
	Service  string
	At       string // in the operator's zone, as printed
	To       string
	What     string
	Quantity money.Decimal
	Unit     money.Unit
	Price    money.Amount // as the offering writes prices
}

// Papers are how an account wants its documents.
type Papers struct {
	Annex bool `json:"annex,omitempty"` // itemised usage behind the bill
	Mask  bool `json:"mask,omitempty"`  // without the ends of numbers
	// Separate: each service has a bill of its own. What belongs to the account
	// stands on the first.
	Separate bool `json:"separate,omitempty"`
}

// PutPapers says how an account wants its documents from the next bill on.
func PutPapers(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, p Papers) error {
	done, err := tx.Exec(ctx, `update billing_account set papers = $2 where id = $1`, accountID, p)
	if err != nil {
		return fmt.Errorf("put papers of account %s: %w", accountID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	return nil
}

// GetPapers reads how an account wants its documents.
func GetPapers(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (p Papers, err error) {
	err = tx.QueryRow(ctx, `select papers from billing_account where id = $1`, accountID).Scan(&p)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	return p, err
}

// maxCalls bounds an annex: what is more is for a file, not for paper.
const maxCalls = 20_000

// Printed reads all that a document's print shows: what GetDocument gives, the
// operator's logo as it was, and the annex where the account wanted one. It
// reads nothing that may have become another since.
func Printed(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Document, error) {
	d, err := GetDocument(ctx, tx, id)
	if err != nil {
		return d, err
	}
	if d.Operator.Logo != "" {
		d.Picture, err = account.LogoOf(ctx, tx, d.Operator.Logo)
		if errors.Is(err, account.ErrNotFound) { // an import brought the document without it
			d.Operator.Logo, err = "", nil
		}
		if err != nil {
			return d, err
		}
	}
	if d.Papers.Annex && (d.Kind == KindBill || d.Kind == KindStatement) {
		err = d.readAnnex(ctx, tx)
	}
	return d, err
}

// charge_cycle finds the charges; each has its usage record by its own key.
const selectCalls = `
	select c.subscription_id, c.line_code, c.at, coalesce(u.started_at, c.at), coalesce(u.destination, ''), c.quantity, c.unit, c.price, o.zone
	from bill b
	join charge c on c.account_id = b.account_id and c.cycle_start = b.cycle_start and c.kind = 'usage'
	left join usage_record u on u.period = c.period and u.id = c.usage_id
	cross join operator o
	where b.id = $1 and o.id = 1 and ($3::uuid[] is null or c.subscription_id = any ($3))
	order by c.subscription_id, coalesce(u.started_at, c.at), c.id
	limit $2`

func (d *Document) readAnnex(ctx context.Context, tx tenant.Tx) error {
	services, names := map[uuid.UUID]string{}, map[string]string{}
	for _, l := range d.Lines {
		services[l.Subscription] = l.Service
		if l.Kind == Usage {
			names[l.Code] = l.Description
		}
	}
	var own []uuid.UUID // where each service has a bill: those on this one
	if d.Papers.Separate && d.Kind == KindBill {
		own = slices.Collect(maps.Keys(services))
	}
	rows, err := tx.Query(ctx, selectCalls, d.ID, maxCalls, own)
	if err != nil {
		return fmt.Errorf("itemised usage of %s: %w", d.Number, err)
	}
	var zone *time.Location
	d.Masked = d.Papers.Mask
	d.Annex, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Call, error) {
		var c Call
		var subscription uuid.UUID
		var code, zoneName string
		var at, started time.Time
		var price money.Decimal
		if err := row.Scan(&subscription, &code, &at, &started, &c.To, &c.Quantity, &c.Unit, &price, &zoneName); err != nil {
			return c, err
		}
		if zone == nil {
			var err error
			if zone, err = time.LoadLocation(zoneName); err != nil {
				return c, err
			}
		}
		c.At, c.Service, c.Price = started.In(zone).Format("2006-01-02 15:04:05"), services[subscription], money.New(price, d.Currency)
		if c.What = names[code]; c.What == "" {
			c.What = code
		}
		if d.Masked {
			c.To = masked(c.To)
		}
		return c, nil
	})
	if err != nil {
		return fmt.Errorf("itemised usage of %s: %w", d.Number, err)
	}
	return nil
}

// masked hides the last digits of a number that somebody called.
func masked(number string) string {
	letters := []rune(number)
	for i := max(len(letters)-3, 0); i < len(letters); i++ {
		letters[i] = 'x'
	}
	return string(letters)
}
