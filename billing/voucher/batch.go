package voucher

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// MaxCount bounds a batch: it is made in one transaction.
const MaxCount = 50_000

// Batch is a set of vouchers of one value.
type Batch struct {
	ID      uuid.UUID
	Code    string // stands before each serial number
	Value   money.Amount
	Count   int
	Price   money.Amount // what whoever sells them on pays for each
	Channel string       // such as shops, or a kiosk chain
	Dealer  string
	// SinglePurpose: what it pays for is taxed in one way, so its sale is taxed;
	// otherwise its use is.
	SinglePurpose bool
	ExpiresAt     time.Time // a voucher may be redeemed before it
	FetchedAt     *time.Time
	FetchedBy     string
	LegalEntity   uuid.UUID
	Branch        uuid.UUID
	CreatedBy     string
	CreatedAt     time.Time
}

// NewBatch is a batch to be made.
type NewBatch struct {
	ID      uuid.UUID // of the command
	Code    string
	Value   money.Amount
	Count   int
	Price   money.Amount // without a value: the vouchers' own
	Channel string
	Dealer  string
	// ValidThrough is the last day, in the operator's zone, on which a voucher
	// may be redeemed.
	ValidThrough calendar.Date
	Branch       uuid.UUID // Nil: the first of the operator
	// SinglePurpose has the sale taxed (Batch.SinglePurpose).
	SinglePurpose bool
	By            string
}

var codes = regexp.MustCompile(`^[A-Z0-9]{2,12}$`)

const longestName = 100

func (n *NewBatch) check(at, expires time.Time) error {
	whole := func(a money.Amount) bool { return a.RoundToDocument().Decimal().Equal(a.Decimal()) }
	switch {
	case !codes.MatchString(n.Code):
		return &account.FieldError{Field: "code", Want: "2 to 12 capital letters and digits, such as CARD10"}
	case n.Value.Sign() <= 0 || !whole(n.Value):
		return &account.FieldError{Field: "value", Want: "an amount above zero"}
	case n.Price.Currency() != n.Value.Currency() || n.Price.Sign() < 0 || n.Price.Decimal().Cmp(n.Value.Decimal()) > 0 || !whole(n.Price):
		return &account.FieldError{Field: "price", Want: "an amount of the vouchers' currency, at most their value"}
	case n.Count < 1 || n.Count > MaxCount:
		return &account.FieldError{Field: "count", Want: "a number from 1 to " + strconv.Itoa(MaxCount)}
	case !expires.After(at):
		return &account.FieldError{Field: "valid_through", Want: "a day that is not over"}
	case len(n.Channel) > longestName:
		return &account.FieldError{Field: "channel", Want: "at most 100 characters"}
	case len(n.Dealer) > longestName:
		return &account.FieldError{Field: "dealer", Want: "at most 100 characters"}
	}
	return nil
}

const insertBatch = `
	insert into voucher_batch (id, code, value, currency, count, price, channel, dealer, expires_at, sealed_pins,
	                           legal_entity, branch, created_by, created_at, single_purpose)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

// Make draws a batch's PINs and stores them: hashed for redeeming, and sealed
// as one list for whoever fetches it. Nothing is sold by it.
func (d Desk) Make(ctx context.Context, tx tenant.Tx, n NewBatch) (Batch, error) {
	n.Channel, n.Dealer = strings.TrimSpace(n.Channel), strings.TrimSpace(n.Dealer)
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return Batch{}, err
	}
	expires := n.ValidThrough.AddDays(1).Start(zone).UTC()
	if err := n.check(tx.At, expires); err != nil {
		return Batch{}, err
	}
	key, err := d.key(ctx, tx)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{ID: n.ID, Code: n.Code, Value: n.Value, Count: n.Count, Price: n.Price, Channel: n.Channel, Dealer: n.Dealer, SinglePurpose: n.SinglePurpose,
		ExpiresAt: expires, CreatedBy: n.By, CreatedAt: tx.At}
	if err := b.findSeller(ctx, tx, n.Branch); err != nil {
		return Batch{}, err
	}
	pins, err := newPINs(n.Count)
	if err != nil {
		return Batch{}, err
	}
	sealed, err := d.Seal.Seal(sealName(b.ID), []byte(strings.Join(pins, "\n")))
	if err != nil {
		return Batch{}, fmt.Errorf("seal PINs: %w", err)
	}
	_, err = tx.Exec(ctx, insertBatch, b.ID, b.Code, b.Value.Decimal(), b.Value.Currency(), b.Count, b.Price.Decimal(), b.Channel, b.Dealer,
		b.ExpiresAt, sealed, b.LegalEntity, b.Branch, b.CreatedBy, b.CreatedAt, b.SinglePurpose)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.ConstraintName == "voucher_batch_code_key" {
		return Batch{}, fmt.Errorf("%w: %s", ErrCodeTaken, b.Code)
	}
	if err != nil {
		return Batch{}, fmt.Errorf("make batch %s: %w", b.Code, err)
	}
	if err := insertVouchers(ctx, tx, b.ID, key, pins); err != nil {
		return Batch{}, fmt.Errorf("make batch %s: %w", b.Code, err)
	}
	return b, agenda.Add(ctx, tx, agenda.Item{Kind: agenda.VoucherExpiry, Ref: b.ID, DueAt: b.ExpiresAt})
}

// findSeller says in whose books the vouchers are.
func (b *Batch) findSeller(ctx context.Context, tx tenant.Tx, branch uuid.UUID) error {
	branches, err := account.Branches(ctx, tx)
	if err != nil {
		return err
	}
	for _, one := range branches {
		if branch == uuid.Nil || one.ID == branch {
			b.Branch, b.LegalEntity = one.ID, one.LegalEntity
			return nil
		}
	}
	return &account.FieldError{Field: "branch", Want: "the id of a branch"}
}

func newPINs(count int) ([]string, error) {
	pins, seen := make([]string, 0, count), make(map[string]bool, count)
	for len(pins) < count {
		pin, err := newPIN()
		if err != nil {
			return nil, err
		}
		if !seen[pin] {
			seen[pin] = true
			pins = append(pins, pin)
		}
	}
	return pins, nil
}

// insertVouchers stores hashes in the order of their serial numbers. A PIN that
// an older batch has would break the unique key: at a million PINs on sale that
// is one batch in many thousands, and making it again draws others.
func insertVouchers(ctx context.Context, tx tenant.Tx, batch uuid.UUID, key []byte, pins []string) error {
	written, err := tx.CopyFrom(ctx, pgx.Identifier{"voucher"}, []string{"id", "batch_id", "serial", "pin_hash", "state"},
		pgx.CopyFromSlice(len(pins), func(i int) ([]any, error) {
			return []any{uuid.Must(uuid.NewV7()), batch, i + 1, hashPIN(key, pins[i]), string(Made)}, nil
		}))
	if err == nil && written != int64(len(pins)) {
		err = fmt.Errorf("%d of %d vouchers written", written, len(pins))
	}
	return err
}

// sealName is the name under which a batch's PINs are sealed.
func sealName(batch uuid.UUID) string { return "voucher_batch/" + batch.String() }
