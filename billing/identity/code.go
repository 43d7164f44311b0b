package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// A code by e-mail or SMS is good for codeLife and codeTries of strangers, and
// as many of browsers that are known. So many are sent: each costs money, and
// the reader's patience.
const (
	codeDigits   = 6
	codeLife     = 10 * time.Minute
	codeTries    = 5
	sendsPerSpan = 3
	sendSpan     = 15 * time.Minute
	sendsPerDay  = 20
	day          = 24 * time.Hour
)

// CodeRequest asks for a one-time code.
type CodeRequest struct {
	Contact string // an e-mail address or telephone number
	Address string // the caller's
	Device  string // the device cookie's value, or ""
}

// CodeCredentials are what somebody signs in with who was sent a code.
type CodeCredentials struct {
	Contact   string
	Code      string
	UserAgent string
	Address   string
	Device    string
}

// contact says whom an e-mail address or telephone number means. One that is
// neither means nobody.
func contact(text string) (who, notice.Channel) {
	text = findable(text)
	if strings.Contains(text, "@") {
		return who{`lower(u.email)`, strings.ToLower(text)}, notice.Mail
	}
	number, err := parsePhone(text)
	if err != nil || number == "" {
		number = "nobody" // no user's: theirs are empty or a number
	}
	return who{`u.phone`, number}, notice.SMS
}

// SendCode sends a one-time code to whom a contact belongs. The answer is the
// same, and takes the same time, whether there is somebody or not, and whether
// they have been sent too many; only an address that asks too often is told.
func (a *Authority) SendCode(ctx context.Context, db *tenant.DB, ref tenant.Ref, r CodeRequest) error {
	o := origin{address: r.Address, device: r.Device}
	if err := a.admit(o); err != nil {
		return err
	}
	w, channel := contact(r.Contact)
	return evenly(ctx, func() error {
		return db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error { return a.sendCode(ctx, tx, w, channel, o) })
	})
}

// sendCode stores a code, also where there is nobody to have it, and sends it.
func (a *Authority) sendCode(ctx context.Context, tx tenant.Tx, w who, channel notice.Channel, o origin) error {
	t, err := a.findAttempt(ctx, tx, w, o)
	if err != nil {
		return err
	}
	allowed, err := a.maySend(ctx, tx, t)
	if err != nil {
		return err
	}
	t.barred = t.barred || !allowed
	code, err := drawCode()
	if err != nil {
		return err
	}
	if err := a.storeCode(ctx, tx, t, code); err != nil {
		return err
	}
	if _, err := a.note(ctx, tx, t.user, EventCodeSent, ByCode, o); err != nil || t.barred {
		return err
	}
	u, err := a.GetUser(ctx, tx, t.user)
	if err != nil {
		return err
	}
	return a.sendTo(ctx, tx, u, channel, signInCode, code, "")
}

// maySend says whether a user may be sent one more. A browser that is known has
// an allowance of its own, which strangers cannot use up.
func (a *Authority) maySend(ctx context.Context, tx tenant.Tx, t attempt) (bool, error) {
	// Whoever sends to the same user at the same time waits here.
	if _, err := tx.Exec(ctx, `select from app_user where id = $1 for no key update`, t.user); err != nil {
		return false, fmt.Errorf("lock user: %w", err)
	}
	now := a.now()
	var recent, today int
	err := tx.QueryRow(ctx, `
		select count(*) filter (where created_at > $3), count(*)
		  from signin_code
		 where user_id = $1 and known_device = $2 and created_at > $4`, t.user, t.known, now.Add(-sendSpan), now.Add(-day)).Scan(&recent, &today)
	if err != nil {
		return false, fmt.Errorf("count codes sent: %w", err)
	}
	return recent < sendsPerSpan && today < sendsPerDay, nil
}

// storeCode stores a code. One that is not sent, or to nobody, is stored as
// nobody's: the time is the same, and it lets nobody in.
func (a *Authority) storeCode(ctx context.Context, tx tenant.Tx, t attempt, code string) error {
	key, err := a.codeKey(ctx, tx)
	if err != nil {
		return err
	}
	var whose *uuid.UUID
	if !t.barred {
		whose = &t.user
	}
	id, now := uuid.Must(uuid.NewV7()), a.now()
	_, err = tx.Exec(ctx, `
		insert into signin_code (id, user_id, hash, known_device, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6)`, id, whose, keyed(key, "code", id.String(), code), t.known, now, now.Add(codeLife))
	if err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	// Those of the last day are counted; nobody's are of no use.
	_, err = tx.Exec(ctx, `delete from signin_code where id <> $1 and (user_id = $2 and created_at <= $3 or user_id is null)`, id, t.user, now.Add(-day))
	if err != nil {
		return fmt.Errorf("forget codes: %w", err)
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

// SignInWithCode signs a user in by a one-time code, or asks for the second
// factor with a *SecondFactorError. Each way to fail is ErrSignIn.
func (a *Authority) SignInWithCode(ctx context.Context, db *tenant.DB, ref tenant.Ref, c CodeCredentials) (SignedIn, error) {
	o := origin{address: c.Address, userAgent: c.UserAgent, device: c.Device}
	if err := a.admit(o); err != nil {
		return SignedIn{}, err
	}
	w, _ := contact(c.Contact)
	var t attempt
	var right bool
	err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		t, right, err = a.tryCode(ctx, tx, w, c.Code, o)
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	if !right {
		return SignedIn{}, ErrSignIn
	}
	return a.advance(ctx, db, ref, t, ByCode)
}

// tryCode counts a try at each of a user's codes, then looks whether one fits,
// and uses it up.
func (a *Authority) tryCode(ctx context.Context, tx tenant.Tx, w who, code string, o origin) (attempt, bool, error) {
	t, err := a.findAttempt(ctx, tx, w, o)
	if err != nil {
		return t, false, err
	}
	if t.event, err = a.note(ctx, tx, t.user, EventRefused, ByCode, o); err != nil {
		return t, false, err
	}
	key, err := a.codeKey(ctx, tx)
	if err != nil {
		return t, false, err
	}
	open, err := a.countTries(ctx, tx, t)
	if err != nil {
		return t, false, err
	}
	var right bool
	for _, c := range open {
		if subtle.ConstantTimeCompare(c.Hash, keyed(key, "code", c.ID.String(), digits(code))) == 1 {
			right = !t.barred
		}
	}
	if !right {
		return t, false, nil
	}
	if _, err := tx.Exec(ctx, `update signin_code set done_at = $2 where user_id = $1 and done_at is null`, t.user, a.now()); err != nil {
		return t, false, fmt.Errorf("use code: %w", err)
	}
	return t, true, nil
}

type openCode struct {
	ID   uuid.UUID
	Hash []byte
}

// countTries counts a try at a user's open codes and returns those that had
// tries left. Strangers' tries are counted apart: they cannot use up those of
// the user's own browser. The rows' locks make tries take turns.
func (a *Authority) countTries(ctx context.Context, tx tenant.Tx, t attempt) ([]openCode, error) {
	column := `attempts`
	if t.known {
		column = `device_attempts`
	}
	rows, err := tx.Query(ctx, `
		update signin_code
		   set `+column+` = `+column+` + 1
		 where user_id = $1 and done_at is null and expires_at > $2 and `+column+` < $3
		returning id, hash`, t.user, a.now(), codeTries)
	if err != nil {
		return nil, fmt.Errorf("count try: %w", err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowToStructByPos[openCode])
	if err != nil {
		return nil, fmt.Errorf("count try: %w", err)
	}
	return open, nil
}
