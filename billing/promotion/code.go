package promotion

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// Errors of promo codes.
var (
	// ErrCode says that a promo code is unknown, blocked, over, used up or
	// somebody else's: which of these is not told to who tries codes out.
	ErrCode = errors.New("this promo code can't be used")
	// ErrTooMany says that too many wrong promo codes were tried.
	ErrTooMany = errors.New("too many wrong promo codes were tried")
	// ErrCodeTaken says that a code of these letters exists.
	ErrCodeTaken = errors.New("there is a promo code of these letters already")
	// ErrCodeForm says that a text is no promo code.
	ErrCodeForm = errors.New("a promo code has 4 to 32 letters, digits and hyphens")
	// ErrBatch says that a batch of codes cannot be made so.
	ErrBatch = errors.New("codes: a count from 1 to 10,000, uses from 1 to 1,000,000, and letters only for a single one")
)

// TriesError refuses a try that comes too soon. It wraps ErrTooMany.
type TriesError struct{ After time.Duration }

func (e *TriesError) Error() string {
	return fmt.Sprintf("%v: wait %s", ErrTooMany, e.After.Round(time.Second))
}

func (e *TriesError) Unwrap() error { return ErrTooMany }

// Code is a promo code.
type Code struct {
	ID          uuid.UUID
	PromotionID uuid.UUID
	Code        string
	UsesLeft    int
	Used        int
	AccountID   *uuid.UUID // only for this one
	ExpiresAt   *time.Time
	Blocked     bool
	CreatedBy   string
	CreatedAt   time.Time
}

// NewCodes are codes to be made: one of given letters, or a count of random
// ones.
type NewCodes struct {
	PromotionID uuid.UUID
	Letters     string // of a single shared code; empty: random ones
	Prefix      string // of random ones, such as SUMMER
	Count       int
	Uses        int // of each
	AccountID   *uuid.UUID
	ExpiresAt   *time.Time
	By          string // an actor
}

const (
	maxCodes = 10_000
	maxUses  = 1_000_000
)

var codeForm = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{3,31}$`)

// normalCode is a code as it is stored: people type small letters and spaces.
func normalCode(text string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(text), " ", ""))
}

// codeLetters leave out what is misread: I, O, 0 and 1.
const codeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// randomCode has forty bits: guessing one of ten thousand takes a hundred
// million tries, and tries are limited.
func randomCode(length int) (string, error) {
	raw := make([]byte, length)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("draw a code: %w", err)
	}
	for i := range raw {
		raw[i] = codeLetters[int(raw[i])%len(codeLetters)]
	}
	return string(raw), nil
}

const randomLength = 8

// MakeCodes makes the codes of a published promotion of occasion code.
// ErrNotFound, ErrState, ErrBatch, ErrCodeForm, ErrCodeTaken.
func MakeCodes(ctx context.Context, tx tenant.Tx, n NewCodes) ([]Code, error) {
	v, err := Get(ctx, tx, n.PromotionID)
	switch {
	case err != nil:
		return nil, err
	case v.State != Published || v.Promotion.Occasion != OnCode:
		return nil, fmt.Errorf("codes of promotion %s: it is %s, of occasion %s: %w", v.Promotion.Code, v.State, v.Promotion.Occasion, ErrState)
	case n.Count < 1 || n.Count > maxCodes || n.Uses < 1 || n.Uses > maxUses || (n.Letters != "" && n.Count != 1):
		return nil, ErrBatch
	}
	made, rows := make([]Code, n.Count), make([][]any, n.Count)
	for i := range made {
		c := Code{ID: uuid.Must(uuid.NewV7()), PromotionID: v.ID, Code: normalCode(n.Letters), UsesLeft: n.Uses, AccountID: n.AccountID,
			ExpiresAt: n.ExpiresAt, CreatedBy: n.By, CreatedAt: tx.At}
		if n.Letters == "" {
			random, err := randomCode(randomLength)
			if err != nil {
				return nil, err
			}
			if c.Code = random; n.Prefix != "" {
				c.Code = normalCode(n.Prefix) + "-" + random
			}
		}
		if !codeForm.MatchString(c.Code) {
			return nil, fmt.Errorf("%.40q: %w", c.Code, ErrCodeForm)
		}
		made[i], rows[i] = c, []any{c.ID, c.PromotionID, c.Code, c.UsesLeft, c.AccountID, c.ExpiresAt, c.CreatedBy, c.CreatedAt}
	}
	columns := []string{"id", "promotion_id", "code", "uses_left", "account_id", "expires_at", "created_by", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"promo_code"}, columns, pgx.CopyFromRows(rows)); err != nil {
		const unique = "23505"
		if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == unique {
			return nil, ErrCodeTaken
		}
		return nil, fmt.Errorf("make promo codes: %w", err)
	}
	return made, nil
}

const codeColumns = `c.id, c.promotion_id, c.code, c.uses_left, c.used, c.account_id, c.expires_at, c.blocked, c.created_by, c.created_at`

// Codes lists a promotion's codes, the latest first, after the last of a page
// before (uuid.Nil: the first page).
func Codes(ctx context.Context, tx tenant.Tx, promotion, after uuid.UUID, limit int) ([]Code, error) {
	rows, err := tx.Query(ctx, `
		select `+codeColumns+` from promo_code as c
		where c.promotion_id = $1 and ($2 = '00000000-0000-0000-0000-000000000000'::uuid or c.id < $2)
		order by c.id desc limit $3`, promotion, after, min(max(limit, 1), maxCodes))
	if err != nil {
		return nil, fmt.Errorf("list promo codes: %w", err)
	}
	codes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Code])
	if err != nil {
		return nil, fmt.Errorf("list promo codes: %w", err)
	}
	return codes, nil
}

// BlockCode lets a code be used no more; ErrNotFound.
func BlockCode(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `update promo_code set blocked = true where id = $1`, id)
	if err != nil {
		return fmt.Errorf("block promo code %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("promo code %s: %w", id, ErrNotFound)
	}
	return nil
}

// Redeem gives a subscription what a promo code stands for. ErrCode, or why
// the promotion is not given: ErrNotEligible, ErrStacking, ErrUsedUp, ErrGiven.
func Redeem(ctx context.Context, tx tenant.Tx, accountID, subscription uuid.UUID, text string) (Version, Gift, error) {
	g, err := newGiver(ctx, tx)
	if err != nil {
		return Version{}, Gift{}, err
	}
	if err := g.lockAccounts(accountID); err != nil {
		return Version{}, Gift{}, err
	}
	c, err := g.lockCode(accountID, text)
	if err != nil {
		return Version{}, Gift{}, err
	}
	v, err := Get(ctx, tx, c.PromotionID)
	if err != nil {
		return Version{}, Gift{}, err
	}
	if v.State != Published || !v.Promotion.runs(g.today) {
		return Version{}, Gift{}, ErrCode
	}
	gift, err := g.give(&v, occurrence{subject: subject{accountID, subscription}, key: "code/" + c.ID.String(), code: &c.ID})
	if err != nil {
		return Version{}, Gift{}, err
	}
	done, err := tx.Exec(ctx, `update promo_code set uses_left = uses_left - 1, used = used + 1 where id = $1 and uses_left > 0`, c.ID)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrCode
	}
	if err != nil {
		return Version{}, Gift{}, fmt.Errorf("use promo code: %w", err)
	}
	return v, gift, nil
}

func (g *giver) lockCode(accountID uuid.UUID, text string) (c Code, err error) {
	code := normalCode(text)
	if !codeForm.MatchString(code) {
		return Code{}, ErrCode
	}
	rows, err := g.tx.Query(g.ctx, `select `+codeColumns+` from promo_code as c where c.code = $1 for update`, code)
	if err == nil {
		c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Code])
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Code{}, ErrCode
	}
	if err != nil {
		return Code{}, fmt.Errorf("find promo code: %w", err)
	}
	over := c.ExpiresAt != nil && !g.tx.At.Before(*c.ExpiresAt)
	others := c.AccountID != nil && *c.AccountID != accountID
	if c.Blocked || over || others || c.UsesLeft == 0 {
		return Code{}, ErrCode
	}
	return c, nil
}
