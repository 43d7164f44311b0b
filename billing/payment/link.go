package payment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Link lets whoever holds its token pay for an account without signing in.
// All times are business time.
type Link struct {
	ID        uuid.UUID
	AccountID uuid.UUID
	ItemID    *uuid.UUID // the open item to pay; nil: all that the account owes then
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt *time.Time
	round     int // of payments begun by it
}

// NewLink is a link to be made.
type NewLink struct {
	AccountID uuid.UUID
	BillID    uuid.UUID     // a bill, or an OpenItem's Names(); Nil: all that the account owes
	Life      time.Duration // zero: DefaultLinkLife; at most MaxLinkLife
	By        string        // who sends it
}

// How long a link is good.
const (
	DefaultLinkLife = 30 * 24 * time.Hour
	MaxLinkLife     = 90 * 24 * time.Hour
)

// linkTokenBytes makes a token that nobody guesses; a plain hash of it is kept.
const linkTokenBytes = 32

// ErrLink is the one answer to a token that is none of ours, has expired or was
// revoked: which, is not told.
var ErrLink = errors.New("this link to pay is not good any more")

// CreateLink makes a link and its token, which is told this once. ErrBill and
// ErrNothingOwed refuse what can't be paid.
func CreateLink(ctx context.Context, tx tenant.Tx, n NewLink) (token string, l Link, err error) {
	p, err := readPayer(ctx, tx, n.AccountID)
	if err != nil {
		return "", Link{}, fmt.Errorf("create link: %w", err)
	}
	if n.Life <= 0 {
		n.Life = DefaultLinkLife
	}
	l = Link{ID: uuid.Must(uuid.NewV7()), AccountID: n.AccountID, CreatedBy: n.By, CreatedAt: tx.At, ExpiresAt: tx.At.Add(min(n.Life, MaxLinkLife))}
	owed := p.receivable
	if n.BillID != uuid.Nil {
		item, err := itemOfBill(ctx, tx, n.AccountID, n.BillID)
		if err != nil {
			return "", Link{}, fmt.Errorf("create link: %w", err)
		}
		owed, l.ItemID = item.Open.Decimal(), &item.ID
	}
	if owed.Sign() <= 0 {
		return "", Link{}, ErrNothingOwed
	}
	token, hash, err := newLinkToken()
	if err != nil {
		return "", Link{}, err
	}
	_, err = tx.Exec(ctx, `
		insert into payment_link (id, token_hash, account_id, item_id, created_by, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, l.ID, hash, l.AccountID, l.ItemID, l.CreatedBy, l.CreatedAt, l.ExpiresAt)
	if err != nil {
		return "", Link{}, fmt.Errorf("create link: %w", err)
	}
	return token, l, nil
}

// CreateBillLinks makes a link for each bill that has something open, and gives
// their tokens by bill. Others are left out.
func CreateBillLinks(ctx context.Context, tx tenant.Tx, by string, bills ...uuid.UUID) (map[uuid.UUID]string, error) {
	tokens := make(map[uuid.UUID]string, len(bills))
	ids, hashes := make([]uuid.UUID, len(bills)), make([][]byte, len(bills))
	for i, b := range bills {
		token, hash, err := newLinkToken()
		if err != nil {
			return nil, err
		}
		tokens[b], hashes[i], ids[i] = token, hash, uuid.Must(uuid.NewV7())
	}
	rows, err := tx.Query(ctx, `
		with made as (
			insert into payment_link (id, token_hash, account_id, item_id, created_by, created_at, expires_at)
			select w.id, w.hash, o.account_id, o.id, $4, $5, $6
			  from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as w (bill_id, id, hash)
			  join open_item o on o.bill_id = w.bill_id and o.open > 0
			returning item_id)
		select o.bill_id from made join open_item o on o.id = made.item_id`, bills, ids, hashes, by, tx.At, tx.At.Add(DefaultLinkLife))
	if err != nil {
		return nil, fmt.Errorf("create links: %w", err)
	}
	made := make(map[uuid.UUID]string, len(bills))
	var bill uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&bill}, func() error {
		made[bill] = tokens[bill]
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create links: %w", err)
	}
	return made, nil
}

func newLinkToken() (text string, hash []byte, err error) {
	raw := make([]byte, linkTokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", nil, fmt.Errorf("draw token: %w", err)
	}
	text = base64.RawURLEncoding.EncodeToString(raw)
	return text, hashLinkToken(text), nil
}

func hashLinkToken(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

const selectLink = `select id, account_id, item_id, created_by, created_at, expires_at, revoked_at, round from payment_link `

func scanLink(row pgx.CollectableRow) (Link, error) {
	var l Link
	err := row.Scan(&l.ID, &l.AccountID, &l.ItemID, &l.CreatedBy, &l.CreatedAt, &l.ExpiresAt, &l.RevokedAt, &l.round)
	l.CreatedAt, l.ExpiresAt = l.CreatedAt.UTC(), l.ExpiresAt.UTC()
	return l, err
}

// Links lists an account's links, the newest first, ended ones as well.
func Links(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, limit int) ([]Link, error) {
	rows, err := tx.Query(ctx, selectLink+`where account_id = $1 order by created_at desc, id desc limit $2`, accountID, min(max(limit, 1), pageLimit))
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	links, err := pgx.CollectRows(rows, scanLink)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return links, nil
}

// RevokeLink ends a link before its time. One that has ended stays as it is;
// ErrNotFound where the account has no such one.
func RevokeLink(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `
		update payment_link set revoked_at = coalesce(revoked_at, $3) where id = $1 and account_id = $2`, id, accountID, tx.At)
	if err != nil {
		return fmt.Errorf("revoke link %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("link %s: %w", id, ErrNotFound)
	}
	return nil
}

// goodLink finds the link of a token that is good now. lock holds its row, so
// that those who pay by it at the same time take turns.
func goodLink(ctx context.Context, tx tenant.Tx, token, lock string) (Link, error) {
	rows, err := tx.Query(ctx, selectLink+`
		where token_hash = $1 and revoked_at is null and expires_at > $2 `+lock, hashLinkToken(token), tx.At)
	if err != nil {
		return Link{}, fmt.Errorf("find link: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, scanLink)
	if errors.Is(err, pgx.ErrNoRows) {
		return Link{}, ErrLink
	}
	if err != nil {
		return Link{}, fmt.Errorf("find link: %w", err)
	}
	return l, nil
}

// LinkDue is what the holder of a link may know: what is to be paid, and what
// became of a payment by it.
type LinkDue struct {
	Link
	Items  []OpenItem // what is open of what the link is for, the oldest due first
	Total  money.Amount
	Intent *Intent // the last payment begun by it; nil: none
}

// OpenLink tells the holder of a token what it pays. ErrLink for one that is
// not good.
func OpenLink(ctx context.Context, tx tenant.Tx, token string) (LinkDue, error) {
	l, err := goodLink(ctx, tx, token, ``)
	if err != nil {
		return LinkDue{}, err
	}
	return l.due(ctx, tx)
}

func (l Link) due(ctx context.Context, tx tenant.Tx) (LinkDue, error) {
	p, err := readPayer(ctx, tx, l.AccountID)
	if err != nil {
		return LinkDue{}, err
	}
	d := LinkDue{Link: l, Total: p.amount(money.Decimal{})}
	items, err := OpenItems(ctx, tx, l.AccountID)
	if err != nil {
		return LinkDue{}, err
	}
	for _, item := range items {
		if l.ItemID == nil || item.ID == *l.ItemID {
			d.Items = append(d.Items, item)
			d.Total = p.amount(d.Total.Decimal().Add(item.Open.Decimal()))
		}
	}
	intent, err := oneIntent(ctx, tx, selectIntent+`where idempotency_key = $1`, l.key())
	switch {
	case err == nil:
		d.Intent = &intent
	case !errors.Is(err, ErrNotFound):
		return LinkDue{}, err
	}
	return d, nil
}

// key names the payment of a link's present round.
func (l Link) key() string { return "link:" + l.ID.String() + ":" + strconv.Itoa(l.round) }

// actor names a link's holder in the audit trail: nobody knows more of them.
func (l Link) actor() string { return "link:" + l.ID.String() }

// BeginLink says which payment the holder of a token is to make now: a repeat,
// and another holder at the same time, get the same one, so that a link is paid
// once. What is to be paid is never the holder's to say. by tells the request's
// trace and time. ErrLink, ErrNothingOwed.
func BeginLink(ctx context.Context, tx tenant.Tx, token string, by audit.Caller) (NewIntent, error) {
	l, err := goodLink(ctx, tx, token, `for no key update`)
	if err != nil {
		return NewIntent{}, err
	}
	d, err := l.due(ctx, tx)
	if err != nil {
		return NewIntent{}, err
	}
	if d.Total.Sign() <= 0 {
		return NewIntent{}, ErrNothingOwed
	}
	if d.Intent != nil && d.isOver() {
		l.round++
		if _, err := tx.Exec(ctx, `update payment_link set round = $2 where id = $1`, l.ID, l.round); err != nil {
			return NewIntent{}, fmt.Errorf("begin payment by link %s: %w", l.ID, err)
		}
	}
	by.Actor = l.actor()
	n := NewIntent{Key: l.key(), AccountID: l.AccountID, Purpose: PurposeBill, Amount: d.Total, By: by}
	if l.ItemID != nil {
		n.BillID = d.Items[0].Names()
	}
	return n, nil
}

// isOver says whether the last payment stands in the way of no other: it has
// ended, or what is owed has changed before anything was paid by it. One that
// is being processed is waited for.
func (d LinkDue) isOver() bool {
	if d.Intent.State == IntentProcessing {
		return false
	}
	return d.Intent.State.Final() || !d.Intent.Amount.Decimal().Equal(d.Total.Decimal())
}
