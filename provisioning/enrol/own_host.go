package enrol

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// OwnHost is the host database that an operator has to itself, wherever it
// stands.
type OwnHost struct {
	Operator tenant.ID
	Slot     tenant.Slot
	Epoch    int64
	MadeAt   time.Time
	StandsAt *time.Time // since when the operator's stack answers there; nil: not yet
	sealed   []byte
}

// hostKeyBytes is the length of a host's master key.
const hostKeyBytes = 32

func keyContext(operator tenant.ID) string { return "control/own_host/" + operator.String() }

// GetOwnHost reads an operator's own host; ErrNotFound if it never had one.
func GetOwnHost(ctx context.Context, tx tenants.Tx, operator tenant.ID) (OwnHost, error) {
	return ownHost(ctx, tx, operator, "")
}

func ownHost(ctx context.Context, tx tenants.Tx, operator tenant.ID, lock string) (OwnHost, error) {
	h := OwnHost{Operator: operator}
	var slot string
	err := tx.QueryRow(ctx, `select slot, epoch, sealed_key, made_at, stands_at from own_host where operator_id = $1 `+lock, operator).
		Scan(&slot, &h.Epoch, &h.sealed, &h.MadeAt, &h.StandsAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return OwnHost{}, fmt.Errorf("own host of %s: %w", operator, ErrNotFound)
	}
	if err != nil {
		return OwnHost{}, fmt.Errorf("read own host of %s: %w", operator, err)
	}
	h.Slot, err = tenant.ParseSlot(slot)
	return h, err
}

// HostKey is the master key of an operator's own host: with it and a backup the
// host can be made again where its machine is lost.
func (d *Desk) HostKey(ctx context.Context, tx tenants.Tx, operator tenant.ID) ([]byte, error) {
	h, err := ownHost(ctx, tx, operator, "")
	if err != nil {
		return nil, err
	}
	return d.Seal.Open(keyContext(operator), h.sealed)
}

// ensureOwnHost finds the operator's own host or makes it. A machine that takes
// the place of another gets the next epoch: what the other one still says of
// the stack is stale.
func (d *Desk) ensureOwnHost(ctx context.Context, tx tenants.Tx, operator tenant.ID) error {
	key := make([]byte, hostKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("draw host key: %w", err)
	}
	sealed, err := d.Seal.Seal(keyContext(operator), key)
	if err != nil {
		return fmt.Errorf("seal host key: %w", err)
	}
	slot, err := newSlot()
	if err != nil {
		return err
	}
	var first int64 = 1
	err = tx.QueryRow(ctx, `select epoch from stack where operator_id = $1`, operator).Scan(&first)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read epoch of %s: %w", operator, err)
	}
	_, err = tx.Exec(ctx, `
		insert into own_host (operator_id, slot, epoch, sealed_key, made_at)
		values ($1, $2, $3, $4, $5)
		on conflict (operator_id) do update set epoch = own_host.epoch + 1`, operator, slot.String(), first, sealed, tx.At)
	if err != nil {
		return fmt.Errorf("write own host of %s: %w", operator, err)
	}
	return nil
}

// newSlot draws a name that no slot has.
func newSlot() (tenant.Slot, error) {
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return tenant.Slot{}, fmt.Errorf("draw slot: %w", err)
	}
	return tenant.ParseSlot(strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)))
}

// stands notes that the operator's stack answers on its own host, and forgets
// the owner's first password: the stack has it.
func stands(ctx context.Context, tx tenants.Tx, operator tenant.ID) error {
	done, err := tx.Exec(ctx, `update own_host set stands_at = $2 where operator_id = $1 and stands_at is null`, operator, tx.At)
	if err != nil {
		return fmt.Errorf("note that %s stands: %w", operator, err)
	}
	if done.RowsAffected() == 0 {
		return nil // it was known
	}
	if err := tenants.ForgetOwnerPassword(ctx, tx, operator); err != nil {
		return err
	}
	return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "own_host.stands", Object: uuid.UUID(operator)})
}
