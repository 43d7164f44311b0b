package voucher

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// pinDigits makes guessing hopeless: of 10,000 million million PINs a million
// may be on sale, and an account has a few tries an hour.
const pinDigits = 16

// keyName is the secret under which PINs are hashed. It never changes: with
// another key no PIN would be found.
const keyName = "voucher_pin_key"

// Sealer keeps secrets unreadable in the database.
type Sealer interface {
	Seal(name string, clear []byte) ([]byte, error)
	Unseal(name string, sealed []byte) ([]byte, error)
}

// Desk makes, sells and redeems vouchers of one stack.
type Desk struct{ Seal Sealer }

// newPIN draws a PIN.
func newPIN() (string, error) {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(pinDigits), nil)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		return "", fmt.Errorf("draw a PIN: %w", err)
	}
	return fmt.Sprintf("%0*d", pinDigits, n), nil
}

// FormatPIN groups a PIN's digits as people read them.
func FormatPIN(pin string) string {
	var groups []string
	for ; len(pin) > 4; pin = pin[4:] {
		groups = append(groups, pin[:4])
	}
	return strings.Join(append(groups, pin), " ")
}

// ParsePIN takes the digits of a PIN as people type it; ErrPIN if it is none.
func ParsePIN(typed string) (string, error) {
	digits := strings.NewReplacer(" ", "", "-", "", "\u00a0", "", ".", "").Replace(strings.TrimSpace(typed))
	if len(digits) != pinDigits || strings.Trim(digits, "0123456789") != "" {
		return "", ErrPIN
	}
	return digits, nil
}

func hashPIN(key []byte, pin string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(pin))
	return mac.Sum(nil)
}

// key is the stack's key for PINs; the first batch makes it.
func (d Desk) key(ctx context.Context, tx tenant.Tx) ([]byte, error) {
	key, err := d.readKey(ctx, tx)
	if !errors.Is(err, pgx.ErrNoRows) {
		return key, err
	}
	fresh := make([]byte, sha256.Size)
	if _, err := rand.Read(fresh); err != nil {
		return nil, fmt.Errorf("make voucher key: %w", err)
	}
	sealed, err := d.Seal.Seal(keyName, fresh)
	if err != nil {
		return nil, fmt.Errorf("seal voucher key: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3) on conflict (name) do nothing`, keyName, sealed, tx.At)
	if err != nil {
		return nil, fmt.Errorf("keep voucher key: %w", err)
	}
	return d.readKey(ctx, tx) // another may have been faster
}

func (d Desk) readKey(ctx context.Context, tx tenant.Tx) ([]byte, error) {
	var sealed []byte
	if err := tx.QueryRow(ctx, `select sealed from secret where name = $1`, keyName).Scan(&sealed); err != nil {
		return nil, fmt.Errorf("read voucher key: %w", err)
	}
	key, err := d.Seal.Unseal(keyName, sealed)
	if err != nil {
		return nil, fmt.Errorf("open voucher key: %w", err)
	}
	return key, nil
}
