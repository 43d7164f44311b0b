package contact

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Kind is what is changed.
type Kind string

// The kinds of contact.
const (
	Email Kind = "email"
	Phone Kind = "phone"
)

// A code is good for codeLife and codeTries; one user is sent so many.
const (
	codeDigits = 6
	codeLife   = 10 * time.Minute
	codeTries  = 5
	asksPer    = 3
	askSpan    = 15 * time.Minute
)

// ErrTooMany slows down who would flood an address.
var ErrTooMany = errors.New("too many codes were sent: wait a quarter of an hour")

// Sealer keeps codes unreadable in the database.
type Sealer interface {
	Seal(name string, clear []byte) ([]byte, error)
	Unseal(name string, sealed []byte) ([]byte, error)
}

// Desk changes contacts.
type Desk struct {
	Authority *identity.Authority
	Seal      Sealer
	Now       func() time.Time // wall time, as codes live by it
}

// Change is a wish to be reached elsewhere, that waits for its code.
type Change struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	Kind      Kind
	Value     string
	ExpiresAt time.Time
}

func sealName(id uuid.UUID) string { return "contact/" + id.String() }

// Ask sends a code to the new address. identity.ErrEmail and ErrPhone refuse
// what is no address; whether it is somebody else's is told only to who has
// shown the code. ErrTooMany slows down who would flood an address.
func (d Desk) Ask(ctx context.Context, tx tenant.Tx, user identity.User, kind Kind, value string) (Change, error) {
	value, err := identity.ParseContact(string(kind), strings.TrimSpace(value))
	if err != nil {
		return Change{}, err
	}
	now := d.Now().UTC().Truncate(time.Microsecond)
	if err := mayAsk(ctx, tx, user.ID, now); err != nil {
		return Change{}, err
	}
	code, err := drawCode()
	if err != nil {
		return Change{}, err
	}
	c := Change{ID: uuid.Must(uuid.NewV7()), UserID: user.ID, Kind: kind, Value: value, ExpiresAt: now.Add(codeLife)}
	sealed, err := d.Seal.Seal(sealName(c.ID), []byte(code))
	if err != nil {
		return Change{}, fmt.Errorf("seal code: %w", err)
	}
	_, err = tx.Exec(ctx, `
		insert into contact_change (id, user_id, kind, value, code, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, c.ID, c.UserID, c.Kind, c.Value, sealed, now, c.ExpiresAt)
	if err != nil {
		return Change{}, fmt.Errorf("ask for another contact: %w", err)
	}
	return c, d.send(ctx, tx, user, kind, value, wantCode, code)
}

// mayAsk counts what a user asked for lately. Whoever asks for the same user at
// the same time waits here.
func mayAsk(ctx context.Context, tx tenant.Tx, user uuid.UUID, now time.Time) error {
	if _, err := tx.Exec(ctx, `select from app_user where id = $1 for no key update`, user); err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	var recent int
	err := tx.QueryRow(ctx, `select count(*) from contact_change where user_id = $1 and created_at > $2`, user, now.Add(-askSpan)).Scan(&recent)
	if err != nil {
		return fmt.Errorf("count codes sent: %w", err)
	}
	if recent >= asksPer {
		return ErrTooMany
	}
	return nil
}

func drawCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	return fmt.Sprintf("%0*d", codeDigits, n), nil
}

// Pending is the latest change of a user that waits for its code; false if
// there is none.
func (d Desk) Pending(ctx context.Context, tx tenant.Tx, user uuid.UUID) (Change, bool, error) {
	c, _, err := d.latest(ctx, tx, user, ``)
	if errors.Is(err, pgx.ErrNoRows) {
		return Change{}, false, nil
	}
	if err != nil {
		return Change{}, false, fmt.Errorf("read contact change: %w", err)
	}
	return c, true, nil
}

func (d Desk) latest(ctx context.Context, tx tenant.Tx, user uuid.UUID, lock string) (c Change, sealed []byte, err error) {
	err = tx.QueryRow(ctx, `
		select id, user_id, kind, value, expires_at, code
		  from contact_change
		 where user_id = $1 and done_at is null and expires_at > $2 and attempts < $3
		 order by created_at desc, id desc
		 limit 1 `+lock, user, d.Now().UTC(), codeTries).Scan(&c.ID, &c.UserID, &c.Kind, &c.Value, &c.ExpiresAt, &sealed)
	return c, sealed, err
}

// Confirm makes the latest change that waits, if the code is right. A wrong
// one, and a change that waits no more, are told as false: the try counts, so
// the transaction is to be committed. identity.ErrEmailTaken and ErrPhoneTaken
// where the address is another user's.
func (d Desk) Confirm(ctx context.Context, tx tenant.Tx, user identity.User, code string) (c Change, right bool, err error) {
	c, sealed, err := d.latest(ctx, tx, user.ID, `for update`)
	if errors.Is(err, pgx.ErrNoRows) {
		return Change{}, false, nil
	}
	if err != nil {
		return Change{}, false, fmt.Errorf("read contact change: %w", err)
	}
	if _, err := tx.Exec(ctx, `update contact_change set attempts = attempts + 1 where id = $1`, c.ID); err != nil {
		return c, false, fmt.Errorf("count try: %w", err)
	}
	want, err := d.Seal.Unseal(sealName(c.ID), sealed)
	if err != nil {
		return c, false, fmt.Errorf("open code: %w", err)
	}
	if subtle.ConstantTimeCompare(want, []byte(strings.ReplaceAll(code, " ", ""))) != 1 {
		return c, false, nil
	}
	return c, true, d.change(ctx, tx, user, c)
}

// change moves the user and its party to the new address, and tells the old.
func (d Desk) change(ctx context.Context, tx tenant.Tx, user identity.User, c Change) error {
	if _, err := tx.Exec(ctx, `update contact_change set done_at = $2 where user_id = $1 and kind = $3 and done_at is null`, user.ID, d.Now().UTC(), c.Kind); err != nil {
		return fmt.Errorf("end contact change: %w", err)
	}
	before := user
	if err := d.Authority.ReachAt(ctx, tx, user.ID, string(c.Kind), c.Value); err != nil {
		return err
	}
	if err := d.changeParty(ctx, tx, user, c); err != nil {
		return err
	}
	if c.Kind == Phone && before.Phone == "" {
		return d.send(ctx, tx, before, Email, before.Email, phoneAdded, "")
	}
	if c.Kind == Phone {
		return d.send(ctx, tx, before, Phone, before.Phone, changed, "")
	}
	return d.send(ctx, tx, before, Email, before.Email, changed, "")
}

func (d Desk) changeParty(ctx context.Context, tx tenant.Tx, user identity.User, c Change) error {
	if user.AccountID == nil {
		return nil
	}
	a, err := account.Get(ctx, tx, *user.AccountID)
	if err != nil {
		return err
	}
	party, err := account.GetParty(ctx, tx, a.PartyID)
	if err != nil {
		return err
	}
	if c.Kind == Phone {
		party.Phone = c.Value
	} else {
		party.Email = c.Value
	}
	return account.PutParty(ctx, tx, party)
}

// send writes to an address in the user's language.
func (d Desk) send(ctx context.Context, tx tenant.Tx, user identity.User, kind Kind, to string, m message, code string) error {
	var operator string
	if err := tx.QueryRow(ctx, `select name from operator where id = 1`).Scan(&operator); err != nil {
		return fmt.Errorf("read operator: %w", err)
	}
	w := wordingOf(user.Language, m)
	fill := strings.NewReplacer("{operator}", operator, "{code}", code)
	n := notice.Message{Kind: notice.SecurityNews, Channel: notice.Mail, To: to, Subject: fill.Replace(w.subject), Body: fill.Replace(w.body)}
	if m == wantCode {
		n.Kind = notice.SignInCode
	}
	if kind == Phone {
		n.Channel, n.Subject = notice.SMS, ""
	}
	if user.AccountID != nil {
		n.AccountID = *user.AccountID
	}
	return notice.Send(ctx, tx, n)
}
