package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// ErrSettings refuses settings of messages; a FieldError says which.
var ErrSettings = errors.New("the settings cannot be used")

// Report is what became of a message after it had left.
type Report struct {
	ID        uuid.UUID // ours; Nil: by Reference
	Reference string    // the gateway's
	Delivered bool
	Final     bool // it will not arrive; otherwise it is only late
	Reason    string
}

// Note keeps a report. Whoever can't be reached for good is noted as a bad
// contact: later messages go another way. A repeat changes nothing.
func Note(ctx context.Context, tx tenant.Tx, r Report) (Stored, error) {
	if r.ID == uuid.Nil {
		err := tx.QueryRow(ctx, `select id from notice where reference = $1 and reference <> '' order by id desc limit 1`, r.Reference).Scan(&r.ID)
		if errors.Is(err, pgx.ErrNoRows) {
			return Stored{}, fmt.Errorf("message %.60q: %w", r.Reference, ErrNotFound)
		}
		if err != nil {
			return Stored{}, fmt.Errorf("find message: %w", err)
		}
	}
	s, err := Get(ctx, tx, r.ID)
	if err != nil {
		return Stored{}, err
	}
	switch {
	case r.Delivered:
		err = told(ctx, tx, s.ID, Delivered, "")
	case r.Final:
		if err = told(ctx, tx, s.ID, Bounced, r.Reason); err == nil {
			err = Spoil(ctx, tx, s.Channel, s.To, r.Reason, &s.ID)
		}
	default:
		_, err = tx.Exec(ctx, `update notice set failure = left($2, 500) where id = $1`, s.ID, r.Reason)
	}
	if err != nil {
		return Stored{}, fmt.Errorf("note report of message %s: %w", s.ID, err)
	}
	return Get(ctx, tx, s.ID)
}

func told(ctx context.Context, tx tenant.Tx, id uuid.UUID, state State, why string) error {
	_, err := tx.Exec(ctx, `update notice set state = $2, failure = left($3, 500), told_at = $4 where id = $1 and state = any ($5)`, id, string(state), why, tx.At, state.from())
	return err
}

// Spoil notes that messages do not reach an address.
func Spoil(ctx context.Context, tx tenant.Tx, channel Channel, address, reason string, id *uuid.UUID) error {
	if channel != Mail && channel != SMS {
		return nil
	}
	_, err := tx.Exec(ctx, `insert into bad_contact (channel, address, reason, notice_id, since) values ($1, $2, left($3, 500), $4, $5)
		on conflict (channel, address) do update set reason = excluded.reason, notice_id = excluded.notice_id,
		since = case when bad_contact.cleared_at is null then bad_contact.since else excluded.since end, cleared_at = null, cleared_by = ''`,
		string(channel), addressKey(channel, address), reason, id, tx.At)
	if err != nil {
		return fmt.Errorf("note bad contact: %w", err)
	}
	return nil
}

func addressKey(channel Channel, address string) string {
	if channel == Mail {
		return strings.ToLower(address)
	}
	return address
}

// Clear says that an address works again.
func Clear(ctx context.Context, tx tenant.Tx, channel Channel, address, by string) error {
	_, err := tx.Exec(ctx, `update bad_contact set cleared_at = $3, cleared_by = $4 where channel = $1 and address = $2 and cleared_at is null`,
		string(channel), addressKey(channel, address), tx.At, by)
	if err != nil {
		return fmt.Errorf("clear bad contact: %w", err)
	}
	return nil
}

// BadContacts lists addresses that messages do not reach, the newest first; of
// some addresses only, if any are named.
func BadContacts(ctx context.Context, tx tenant.Tx, addresses ...string) ([]BadContact, error) {
	keys := make([]string, len(addresses))
	for i, a := range addresses {
		keys[i] = strings.ToLower(a)
	}
	rows, err := tx.Query(ctx, `select channel, address, reason, notice_id, since from bad_contact
		where cleared_at is null and (cardinality($1::text[]) = 0 or address = any ($1)) order by since desc, address limit $2`, keys, MaxPage)
	if err != nil {
		return nil, fmt.Errorf("list bad contacts: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[BadContact])
	if err != nil {
		return nil, fmt.Errorf("list bad contacts: %w", err)
	}
	return list, nil
}

// How often and how long a message is tried that may arrive later: the pauses
// double.
const (
	firstPause   = time.Minute
	longestPause = 4 * time.Hour
	GiveUpAfter  = 48 * time.Hour
)

// Later puts a message that did not leave on the agenda again, until it is
// given up. It stays waiting with what kept it back.
func Later(ctx context.Context, tx tenant.Tx, id uuid.UUID, why string) error {
	var attempts int
	var created time.Time
	err := tx.QueryRow(ctx, `update notice set attempts = attempts + 1, failure = left($2, 500) where id = $1 and state = 'waiting' returning attempts, created_at`, id, why).
		Scan(&attempts, &created)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("note attempt of message %s: %w", id, err)
	}
	if tx.At.Sub(created) > GiveUpAfter {
		return MarkFailed(ctx, tx, id, "given up: "+why)
	}
	pause := firstPause
	for n := 1; n < attempts && pause < longestPause; n++ {
		pause *= 2
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Notice, Ref: id, DueAt: tx.At.Add(min(pause, longestPause))})
}

// Wait puts a message on the agenda for later, because of the hour.
func Wait(ctx context.Context, tx tenant.Tx, id uuid.UUID, until time.Time) error {
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Notice, Ref: id, DueAt: until})
}

// Letters lists letters that wait to be printed, oldest first.
func Letters(ctx context.Context, tx tenant.Tx, limit int) ([]Stored, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from notice where channel = 'letter' and state = 'waiting' order by created_at, id limit $1`, min(max(limit, 1), 1000))
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	return list, nil
}

// Posted notes that letters were printed and posted.
func Posted(ctx context.Context, tx tenant.Tx, ids ...uuid.UUID) (int, error) {
	tag, err := tx.Exec(ctx, `update notice set state = 'sent', sent_at = $2 where id = any ($1) and channel = 'letter' and state = 'waiting'`, ids, tx.At)
	if err != nil {
		return 0, fmt.Errorf("note letters: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// MarkTaken notes that a gateway has taken an SMS, under its own reference.
func MarkTaken(ctx context.Context, tx tenant.Tx, id uuid.UUID, reference string, segments int) error {
	if err := MarkSent(ctx, tx, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update notice set reference = left($2, 200), segments = $3 where id = $1`, id, reference, segments)
	if err != nil {
		return fmt.Errorf("note reference of message %s: %w", id, err)
	}
	return nil
}
