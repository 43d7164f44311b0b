package event

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// State is where an endpoint stands.
type State string

// The states of an endpoint.
const (
	Active   State = "active"
	Off      State = "off"      // somebody switched it off
	Disabled State = "disabled" // it was given up, for a reason
)

var moves = map[State][]State{
	Active:   {Off, Disabled},
	Off:      {Active},
	Disabled: {Active, Off},
}

// Endpoint is where events are sent.
type Endpoint struct {
	ID           uuid.UUID
	URL          string
	Description  string
	Types        []Type // empty: all
	State        State
	Reason       string     // why it is disabled
	OldUntil     *time.Time // until when the secret before signs too
	FailingSince *time.Time // nothing has arrived since
	RestUntil    *time.Time // it is left alone for a moment
	DeliveredAt  *time.Time
	Waiting      int // deliveries that are due or will be
	CreatedBy    string
	CreatedAt    time.Time
	ChangedAt    time.Time
}

// Sealer seals secrets of a tenant under a name.
type Sealer interface {
	Seal(id tenant.ID, name string, clear []byte) ([]byte, error)
	Open(id tenant.ID, name string, sealed []byte) ([]byte, error)
}

// Errors of endpoints.
var (
	ErrInvalid   = errors.New("the request has faults")
	ErrNotFound  = errors.New("no such endpoint or event")
	ErrMove      = errors.New("the endpoint cannot go there from where it stands")
	ErrNotActive = errors.New("the endpoint is not active")
	ErrTooMany   = errors.New("there are 20 endpoints already")
)

// FieldError refuses a value; it says what would be right.
type FieldError struct{ Field, Want string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Want + " is wanted" }

// Is lets errors.Is find ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// Bounds of endpoints.
const (
	maxEndpoints   = 20
	maxURL         = 500
	maxDescription = 200
	secretBytes    = 32
	// Overlap is how long the secret before signs beside a new one.
	Overlap = 24 * time.Hour
)

// Wish is what an operator says of an endpoint.
type Wish struct {
	URL         string
	Description string
	Types       []Type
}

func (w *Wish) check() error {
	w.URL, w.Description = strings.TrimSpace(w.URL), strings.TrimSpace(w.Description)
	u, err := url.Parse(w.URL)
	if err != nil || len(w.URL) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return &FieldError{"url", "an address such as https://example.com/hooks, without user, password or fragment"}
	}
	if utf8.RuneCountInString(w.Description) > maxDescription || strings.ContainsAny(w.Description, "\r\n") {
		return &FieldError{"description", "up to 200 characters on one line"}
	}
	for _, t := range w.Types {
		if _, known := kindOf(t); !known || t == Test {
			return &FieldError{"types", fmt.Sprintf("types of events, which %q is not", t)}
		}
	}
	slices.Sort(w.Types)
	w.Types = slices.Compact(w.Types)
	return nil
}

// secretName is under what an endpoint's secrets are sealed.
func secretName(id uuid.UUID) string { return "webhook_endpoint:" + id.String() }

// secretPrefix begins a secret's text, as Standard Webhooks writes it.
const secretPrefix = "whsec_"

func newSecret() (clear []byte, text string) {
	clear = make([]byte, secretBytes)
	_, _ = rand.Read(clear) // never fails
	return clear, secretPrefix + base64.StdEncoding.EncodeToString(clear)
}

// Add makes an endpoint and gives its secret, which is shown this once. From
// the first one on events are kept.
func Add(ctx context.Context, tx tenant.Tx, seal Sealer, id uuid.UUID, w Wish, by string) (Endpoint, string, error) {
	if err := w.check(); err != nil {
		return Endpoint{}, "", err
	}
	clear, text := newSecret()
	sealed, err := seal.Seal(tx.Tenant, secretName(id), clear)
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("seal secret of endpoint: %w", err)
	}
	// the operator's row is locked, so that two at once count each other
	if _, err := tx.Exec(ctx, `update operator set events_kept = true where id = 1`); err != nil {
		return Endpoint{}, "", fmt.Errorf("keep events: %w", err)
	}
	done, err := tx.Exec(ctx, `
		insert into webhook_endpoint (id, url, description, types, state, secret, created_by, created_at, changed_at)
		select $1, $2, $3, $4, 'active', $5, $6, $7, $7
		 where (select count(*) from webhook_endpoint) < $8`, id, w.URL, w.Description, texts(w.Types), sealed, by, tx.At, maxEndpoints)
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("add endpoint: %w", err)
	}
	if done.RowsAffected() == 0 {
		return Endpoint{}, "", ErrTooMany
	}
	e, err := Get(ctx, tx, id)
	return e, text, err
}

func texts(types []Type) []string {
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = string(t)
	}
	return list
}

// Change replaces what the operator says of an endpoint. Deliveries on their
// way go to the new address.
func Change(ctx context.Context, tx tenant.Tx, id uuid.UUID, w Wish) (Endpoint, error) {
	if err := w.check(); err != nil {
		return Endpoint{}, err
	}
	_, err := tx.Exec(ctx, `update webhook_endpoint set url = $2, description = $3, types = $4, changed_at = $5 where id = $1`,
		id, w.URL, w.Description, texts(w.Types), tx.At)
	if err != nil {
		return Endpoint{}, fmt.Errorf("change endpoint %s: %w", id, err)
	}
	return Get(ctx, tx, id)
}

// Switch turns an endpoint on or off. One that is turned on begins afresh: its
// deliveries on their way are tried at once.
func Switch(ctx context.Context, tx tenant.Tx, id uuid.UUID, to State) (Endpoint, error) {
	e, err := lock(ctx, tx, id)
	if err != nil || e.State == to {
		return e, err
	}
	if to == Disabled || !slices.Contains(moves[e.State], to) {
		return Endpoint{}, fmt.Errorf("%w: %s to %s", ErrMove, e.State, to)
	}
	_, err = tx.Exec(ctx, `
		update webhook_endpoint
		   set state = $2, reason = '', failing_since = null, rest_until = null, failures = 0, changed_at = $3
		 where id = $1`, id, to, tx.At)
	if err == nil && to == Active {
		_, err = tx.Exec(ctx, `update webhook_delivery set next_at = $2, attempts = 0, first_try_at = null where endpoint_id = $1 and state = 'due'`, id, tx.At)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("switch endpoint %s: %w", id, err)
	}
	if to == Active {
		if err := wake(ctx, tx, id, tx.At); err != nil {
			return Endpoint{}, err
		}
	}
	return Get(ctx, tx, id)
}

// disable gives an endpoint up. What was due is given up with it: it can be
// replayed.
func disable(ctx context.Context, tx tenant.Tx, id uuid.UUID, reason string) (done bool, err error) {
	tag, err := tx.Exec(ctx, `update webhook_endpoint set state = 'disabled', reason = $2, rest_until = null, changed_at = $3 where id = $1 and state = 'active'`, id, reason, tx.At)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, `update webhook_delivery set state = 'given_up', next_at = null, done_at = $2 where endpoint_id = $1 and state = 'due'`, id, tx.At)
	return true, err
}

// Remove forgets an endpoint and its deliveries.
func Remove(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `delete from webhook_endpoint where id = $1`, id)
	if err != nil {
		return fmt.Errorf("remove endpoint %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("endpoint %s: %w", id, ErrNotFound)
	}
	return nil
}

// Rotate gives an endpoint another secret, shown this once. The one before
// signs beside it for a day, so that the receiver can change over.
func Rotate(ctx context.Context, tx tenant.Tx, seal Sealer, id uuid.UUID) (Endpoint, string, error) {
	if _, err := lock(ctx, tx, id); err != nil {
		return Endpoint{}, "", err
	}
	clear, text := newSecret()
	sealed, err := seal.Seal(tx.Tenant, secretName(id), clear)
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("seal secret of endpoint: %w", err)
	}
	_, err = tx.Exec(ctx, `update webhook_endpoint set old_secret = secret, old_until = $2, secret = $3, changed_at = $4 where id = $1`,
		id, tx.At.Add(Overlap), sealed, tx.At)
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("rotate secret of endpoint %s: %w", id, err)
	}
	e, err := Get(ctx, tx, id)
	return e, text, err
}

const endpointColumns = `w.id, w.url, w.description, w.types, w.state, w.reason, case when w.old_until > $1 then w.old_until end, w.failing_since, w.rest_until,
	w.delivered_at, (select count(*) from webhook_delivery d where d.endpoint_id = w.id and d.state = 'due'), w.created_by, w.created_at, w.changed_at`

func endpoints(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Endpoint, error) {
	rows, err := tx.Query(ctx, `select `+endpointColumns+` from webhook_endpoint w where `+where, append([]any{tx.At}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Endpoint, err error) {
		err = row.Scan(&e.ID, &e.URL, &e.Description, &e.Types, &e.State, &e.Reason, &e.OldUntil, &e.FailingSince, &e.RestUntil,
			&e.DeliveredAt, &e.Waiting, &e.CreatedBy, &e.CreatedAt, &e.ChangedAt)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	return list, nil
}

// Endpoints lists them, the oldest first.
func Endpoints(ctx context.Context, tx tenant.Tx) ([]Endpoint, error) {
	return endpoints(ctx, tx, `true order by w.created_at, w.id`)
}

// Get reads one; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Endpoint, error) {
	return one(ctx, tx, `w.id = $2`, id)
}

func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Endpoint, error) {
	return one(ctx, tx, `w.id = $2 for update of w`, id)
}

func one(ctx context.Context, tx tenant.Tx, where string, id uuid.UUID) (Endpoint, error) {
	list, err := endpoints(ctx, tx, where, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("endpoint %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Endpoint{}, err
	}
	return list[0], nil
}
