package charging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// NoticeKind is what the asker of a session is told.
type NoticeKind string

// Kinds of notice.
const (
	Reauthorize NoticeKind = "reauthorize" // ask for quotas anew: there may be more
	Abort       NoticeKind = "abort"       // the subscriber has no service any more
)

// NoticeState is whether a notice has reached its asker.
type NoticeState string

// The states of a notice.
const (
	NoticeWaiting  NoticeState = "waiting"
	NoticeSent     NoticeState = "sent"
	NoticeFailed   NoticeState = "failed"   // tried as often as is sensible
	NoticeRecorded NoticeState = "recorded" // a sandbox tells nobody
)

// Notice is what the asker of a session is to be told, at the address that it
// gave.
type Notice struct {
	ID        uuid.UUID
	Session   uuid.UUID
	Account   uuid.UUID
	Kind      NoticeKind
	URI       string
	Groups    []string // the services it is about; none: the session as a whole
	State     NoticeState
	Attempts  int
	Error     string
	CreatedAt time.Time
	DoneAt    *time.Time
}

// What services were told that their quota is the last stands in services.
const selectFinal = `
	select s.id, s.account_id, s.notify_uri,
	       array(select v ->> 'name' from jsonb_array_elements(s.services) as v where (v ->> 'final')::boolean)
	from charging_session as s
	where s.account_id = any($1) and s.state = 'open' and s.final and s.notify_uri <> ''
	order by s.id`

// reauthorize tells the askers of accounts' sessions that were given a last
// quota to ask again: money has come.
func reauthorize(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	return tell(ctx, tx, Reauthorize, selectFinal, accounts)
}

const selectOfSubscription = `
	select s.id, s.account_id, s.notify_uri, '{}'::text[]
	from charging_session as s
	where s.account_id = (select account_id from subscription where id = $1) and s.state = 'open' and s.notify_uri <> ''
	  and (s.subscription_id = $1 or exists (select from jsonb_array_elements(s.services) as v where (v ->> 'subscription')::uuid = $1))
	order by s.id`

// AbortSessions tells the askers of a subscription's sessions that it may use
// nothing any more. What they report is charged, and nothing granted.
func AbortSessions(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) error {
	return tell(ctx, tx, Abort, selectOfSubscription, subscription)
}

const insertNotice = `
	insert into charging_notice (id, session_id, account_id, kind, uri, groups, state, created_at, done_at)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	on conflict (session_id, kind) where state = 'waiting' do nothing`

func tell(ctx context.Context, tx tenant.Tx, kind NoticeKind, query string, of any) error {
	rows, err := tx.Query(ctx, query, of)
	if err != nil {
		return fmt.Errorf("find sessions to tell: %w", err)
	}
	notices, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Notice, err error) {
		return n, row.Scan(&n.Session, &n.Account, &n.URI, &n.Groups)
	})
	if err != nil {
		return fmt.Errorf("find sessions to tell: %w", err)
	}
	for _, n := range notices {
		state, done := NoticeWaiting, (*time.Time)(nil)
		if tx.Sandbox {
			state, done = NoticeRecorded, &tx.At
		}
		id := uuid.Must(uuid.NewV7())
		tag, err := tx.Exec(ctx, insertNotice, id, n.Session, n.Account, kind, n.URI, n.Groups, state, tx.At, done)
		if err != nil {
			return fmt.Errorf("tell session %s: %w", n.Session, err)
		}
		if tag.RowsAffected() == 0 || tx.Sandbox {
			continue // the same is on its way, or nobody is told
		}
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.SessionTell, Ref: id, DueAt: tx.At}); err != nil {
			return err
		}
	}
	return nil
}

const noticeColumns = `n.id, n.session_id, n.account_id, n.kind, n.uri, n.groups, n.state, n.attempts, n.error, n.created_at, n.done_at`

func readNotices(ctx context.Context, tx tenant.Tx, where string, arg any) ([]Notice, error) {
	rows, err := tx.Query(ctx, `select `+noticeColumns+` from charging_notice as n `+where, arg)
	if err != nil {
		return nil, fmt.Errorf("read notices of sessions: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Notice])
	if err != nil {
		return nil, fmt.Errorf("read notices of sessions: %w", err)
	}
	return found, nil
}

// Notices lists what the asker of a session was told, latest first.
func Notices(ctx context.Context, tx tenant.Tx, session uuid.UUID) ([]Notice, error) {
	return readNotices(ctx, tx, `where n.session_id = $1 order by n.created_at desc, n.id desc limit 50`, session)
}

// ErrNoNotice means that there is nothing to be told any more.
var ErrNoNotice = errors.New("no such notice of a session")

// FindNotice reads a notice; ErrNoNotice if its session is forgotten.
func FindNotice(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Notice, error) {
	found, err := readNotices(ctx, tx, `where n.id = $1`, id)
	if err != nil {
		return Notice{}, err
	}
	if len(found) == 0 {
		return Notice{}, fmt.Errorf("notice %s: %w", id, ErrNoNotice)
	}
	return found[0], nil
}

// NoticeTried notes an attempt to tell: with no error it is done, and with the
// last error it is given up.
func NoticeTried(ctx context.Context, tx tenant.Tx, id uuid.UUID, cause error, last bool) error {
	state, text, done := NoticeSent, "", &tx.At
	if cause != nil {
		state, text = NoticeFailed, cause.Error()
		if !last {
			state, done = NoticeWaiting, nil
		}
	}
	_, err := tx.Exec(ctx, `update charging_notice set state = $2, error = $3, done_at = $4, attempts = attempts + 1 where id = $1 and state = 'waiting'`,
		id, state, text, done)
	if err != nil {
		return fmt.Errorf("note what became of notice %s: %w", id, err)
	}
	return nil
}
