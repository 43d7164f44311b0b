package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"image/png"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"tollhouse/billing/tenant"
)

// A second factor by the clock as RFC 6238 has it and every app takes it:
// SHA-1, six digits, steps of 30 seconds, one step either way for clocks that
// differ (5.2 and 6 there).
const (
	totpStep        = 30 * time.Second
	totpSteps       = 1
	totpDigits      = otp.DigitsSix
	totpSecretBytes = 20 // RFC 4226, 4: at least 16, 20 recommended
)

// Errors of second factors.
var (
	ErrFactorCode = errors.New("the code is wrong, or was used already")
	ErrHasFactor  = errors.New("there is a second factor already")
	ErrNoFactor   = errors.New("there is no second factor")
)

// Factor is what somebody showed beside the first.
type Factor string

// The second factors. The zero value is none.
const (
	TOTP     Factor = "totp"
	Recovery Factor = "recovery"
)

// TOTPSetup is what an app needs to make a user's codes. It is shown once.
type TOTPSetup struct {
	Secret string // base32, for typing
	URL    string // otpauth://
}

// PNG draws the URL as a QR code of so many pixels a side.
func (s TOTPSetup) PNG(pixels int) ([]byte, error) {
	key, err := otp.NewKeyFromURL(s.URL)
	if err != nil {
		return nil, fmt.Errorf("draw second factor: %w", err)
	}
	image, err := key.Image(pixels, pixels)
	if err != nil {
		return nil, fmt.Errorf("draw second factor: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, image); err != nil {
		return nil, fmt.Errorf("draw second factor: %w", err)
	}
	return out.Bytes(), nil
}

func totpSealName(user uuid.UUID) string { return "totp/" + user.String() }

// BeginTOTP draws a second factor, which counts once ConfirmTOTP has seen a
// code of it. Begun again before that, it replaces what was drawn. ErrHasFactor
// if one counts already.
func (a *Authority) BeginTOTP(ctx context.Context, tx tenant.Tx, user uuid.UUID) (TOTPSetup, error) {
	u, err := a.GetUser(ctx, tx, user)
	if err != nil {
		return TOTPSetup{}, err
	}
	var operator string
	if err := tx.QueryRow(ctx, `select name from operator where id = 1`).Scan(&operator); err != nil {
		return TOTPSetup{}, fmt.Errorf("read operator: %w", err)
	}
	secret := make([]byte, totpSecretBytes)
	if _, err := rand.Read(secret); err != nil {
		return TOTPSetup{}, fmt.Errorf("draw second factor: %w", err)
	}
	sealed, err := a.sealer.Seal(tx.Tenant, totpSealName(user), secret)
	if err != nil {
		return TOTPSetup{}, fmt.Errorf("seal second factor: %w", err)
	}
	done, err := tx.Exec(ctx, `
		insert into user_totp (user_id, secret, created_at)
		values ($1, $2, $3)
		on conflict (user_id) do update set secret = $2, created_at = $3, last_step = 0, failed = 0, locked_until = null
		 where user_totp.confirmed_at is null`, user, sealed, a.now())
	if err != nil {
		return TOTPSetup{}, fmt.Errorf("store second factor: %w", err)
	}
	if done.RowsAffected() == 0 {
		return TOTPSetup{}, ErrHasFactor
	}
	return newSetup(operator, u.Email, secret), nil
}

// newSetup writes the URL as apps read it (Key URI Format of Google Authenticator).
func newSetup(operator, email string, secret []byte) TOTPSetup {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	issuer := strings.ReplaceAll(operator, ":", " ")
	query := "secret=" + text + "&issuer=" + strings.ReplaceAll(url.QueryEscape(issuer), "+", "%20") + "&algorithm=SHA1&digits=6&period=30"
	return TOTPSetup{Secret: text, URL: "otpauth://totp/" + url.PathEscape(issuer+":"+email) + "?" + query}
}

// ConfirmTOTP lets a begun second factor count, once a code shows that the
// user's app has it, and returns the first recovery codes. ErrFactorCode for a
// wrong one, ErrNoFactor if none was begun, ErrHasFactor if it counts already.
func (a *Authority) ConfirmTOTP(ctx context.Context, tx tenant.Tx, user uuid.UUID, code string) (recovery []string, err error) {
	f, err := a.lockTOTP(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	if f.confirmed {
		return nil, ErrHasFactor
	}
	right, err := a.takeStep(ctx, tx, f, code)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, ErrFactorCode
	}
	if _, err := tx.Exec(ctx, `update user_totp set confirmed_at = $2, failed = 0, locked_until = null where user_id = $1`, user, a.now()); err != nil {
		return nil, fmt.Errorf("confirm second factor: %w", err)
	}
	if _, err := a.note(ctx, tx, user, EventFactorAdded, "", origin{}); err != nil {
		return nil, err
	}
	if err := a.tell(ctx, tx, user, factorAdded, "", ""); err != nil {
		return nil, err
	}
	return a.drawRecoveryCodes(ctx, tx, user)
}

// RemoveTOTP takes the user's own second factor and recovery codes away, and with
// them sign-ins that wait for it. ErrNoFactor if there is none.
func (a *Authority) RemoveTOTP(ctx context.Context, tx tenant.Tx, user uuid.UUID) error {
	f, err := a.lockTOTP(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, remove := range []string{
		`delete from recovery_code where user_id = $1`, `delete from signin_challenge where user_id = $1`, `delete from user_totp where user_id = $1`,
	} {
		if _, err := tx.Exec(ctx, remove, user); err != nil {
			return fmt.Errorf("remove second factor: %w", err)
		}
	}
	if !f.confirmed {
		return nil
	}
	if _, err := a.note(ctx, tx, user, EventFactorRemoved, "", origin{}); err != nil {
		return err
	}
	return a.tell(ctx, tx, user, factorRemoved, "", "")
}

// HasTOTP says whether a user has a second factor that counts.
func (a *Authority) HasTOTP(ctx context.Context, tx tenant.Tx, user uuid.UUID) (bool, error) {
	var has bool
	err := tx.QueryRow(ctx, `select exists (select from user_totp where user_id = $1 and confirmed_at is not null)`, user).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for second factor: %w", err)
	}
	return has, nil
}

// totpFactor is a user's second factor as stored, its row locked: two who show
// the same code take turns here.
type totpFactor struct {
	user      uuid.UUID
	sealed    []byte
	confirmed bool
	lastStep  int64
}

func (a *Authority) lockTOTP(ctx context.Context, tx tenant.Tx, user uuid.UUID) (totpFactor, error) {
	f := totpFactor{user: user}
	err := tx.QueryRow(ctx, `
		select secret, confirmed_at is not null, last_step
		  from user_totp
		 where user_id = $1
		   for update`, user).Scan(&f.sealed, &f.confirmed, &f.lastStep)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, ErrNoFactor
	}
	if err != nil {
		return f, fmt.Errorf("read second factor: %w", err)
	}
	return f, nil
}

// takeStep says whether a code is right for a step that was not taken before,
// and takes it: RFC 6238, 5.2, wants each code to be good once.
func (a *Authority) takeStep(ctx context.Context, tx tenant.Tx, f totpFactor, code string) (bool, error) {
	secret, err := a.sealer.Open(tx.Tenant, totpSealName(f.user), f.sealed)
	if err != nil {
		return false, fmt.Errorf("open second factor: %w", err)
	}
	step, err := stepOf(secret, digits(code), a.now())
	if err != nil || step <= f.lastStep {
		return false, err
	}
	if _, err := tx.Exec(ctx, `update user_totp set last_step = $2 where user_id = $1`, f.user, step); err != nil {
		return false, fmt.Errorf("take second factor: %w", err)
	}
	return true, nil
}

// stepOf finds the step near now that a code belongs to; 0 if there is none.
// All are looked at, whichever fits.
func stepOf(secret []byte, code string, now time.Time) (int64, error) {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	current := now.Unix() / int64(totpStep/time.Second)
	var found int64
	for step := current - totpSteps; step <= current+totpSteps; step++ {
		want, err := hotp.GenerateCodeCustom(text, uint64(step), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("make code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found, nil
}

// digits is a code as people type it, without the spaces in it.
func digits(code string) string { return strings.ReplaceAll(strings.TrimSpace(code), " ", "") }
