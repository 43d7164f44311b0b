package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// How much one transaction does.
const (
	accountsAtOnce = 2000
	invitesAtOnce  = 100
)

// Write opens a transaction of the tenant.
type Write func(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error

// Work does one bounded portion of a batch that is on the agenda, and says
// whether more is left. Killed anywhere and run again, it goes on where its
// last commit stands. Where a portion is refused, all portions are taken back
// and the batch says why. link begins the address by which an invited user
// chooses a password; a token follows it.
func (im *Importer) Work(ctx context.Context, write Write, item agenda.Item, link string) (again bool, err error) {
	var at progress
	if err := item.Read(&at); err != nil {
		return false, err
	}
	cause := write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = im.portion(ctx, tx, item, at, link)
		return err
	})
	if cause == nil || !refused(ctx, cause) {
		return again, cause
	}
	return false, write(ctx, func(ctx context.Context, tx tenant.Tx) error { return im.takeBack(ctx, tx, item.Ref, cause) })
}

// errChanged means that a batch that was clean no longer is.
var errChanged = errors.New("the batch is no longer clean")

// refused says that a portion will never go through, whoever tries it again.
func refused(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	for _, known := range []error{
		errChanged, errNotPDF, account.ErrIdentityInUse, account.ErrNumberInUse, account.ErrInvalid, account.ErrNotFound, identity.ErrEmailTaken,
		onboarding.ErrIncomplete, onboarding.ErrFact, onboarding.ErrNotSold, bill.ErrNumberTaken, payment.ErrMethod,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code[:2] == "22" || pg.Code[:2] == "23") // data exception, constraint violation
}

func (im *Importer) portion(ctx context.Context, tx tenant.Tx, item agenda.Item, at progress, link string) (again bool, err error) {
	b, err := lock(ctx, tx, item.Ref)
	if err != nil {
		return false, err
	}
	switch b.State {
	case Committing:
		return true, im.store(ctx, tx, b)
	case Committed:
		return im.invite(ctx, tx, b, item, at, link)
	}
	return false, nil
}

// store writes the next accounts of a batch with all that is theirs and, after
// the last, lets them live.
func (im *Importer) store(ctx context.Context, tx tenant.Tx, b Batch) error {
	c, err := im.read(ctx, tx, b)
	if err != nil {
		return err
	}
	if c.found.errors > 0 || len(c.subscribers) != b.Accounts {
		return fmt.Errorf("%w: %v", errChanged, c.found.kept)
	}
	part := c.subscribers[b.Done:min(b.Done+accountsAtOnce, len(c.subscribers))]
	if err := im.storePart(ctx, tx, b, c, part); err != nil {
		return err
	}
	b.Done += len(part)
	if b.Done == b.Accounts {
		if err := im.finish(ctx, tx, &b, c); err != nil {
			return err
		}
	}
	return b.save(ctx, tx)
}

func (im *Importer) storePart(ctx context.Context, tx tenant.Tx, b Batch, c *content, part []*subscriber) error {
	p := portion{batch: b, content: c}
	for _, s := range part {
		p.add(s)
	}
	for _, step := range []func() error{
		func() error { return account.Import(ctx, tx, p.accounts) },
		func() error { return copyAccounts(ctx, tx, b.ID, p.accounts) },
		func() error { return im.config.Desk.Import(ctx, tx, p.running) },
		func() error { _, err := im.config.Desk.Place(ctx, tx, p.orders); return err },
		func() error { _, err := account.GiveDiscounts(ctx, tx, p.discounts); return err },
		func() error { return balance.Import(ctx, tx, p.buckets) },
		func() error { return balance.CreateMain(ctx, tx, p.prepaid...) },
		func() error { return payment.ImportItems(ctx, tx, p.items) },
		func() error { _, err := payment.AddMethods(ctx, tx, p.methods); return err },
		func() error { _, err := im.config.Users.AddSubscribers(ctx, tx, p.users); return err },
		func() error { return c.storeDocuments(ctx, tx, p.documents) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func copyAccounts(ctx context.Context, tx tenant.Tx, batch uuid.UUID, accounts []account.ImportedAccount) error {
	rows := make([][]any, len(accounts))
	for i, a := range accounts {
		rows[i] = []any{a.ID, batch}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"intake_account"}, []string{"account_id", "batch_id"}, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("note imported accounts: %w", err)
	}
	return nil
}

// documentsAtOnce bounds the PDFs that are in memory at a time.
const documentsAtOnce = 50

func (c *content) storeDocuments(ctx context.Context, tx tenant.Tx, documents []document) error {
	for len(documents) > 0 {
		n := min(documentsAtOnce, len(documents))
		unpacked := make([]bill.ImportedPDF, n)
		for i, d := range documents[:n] {
			pdf, err := c.archive.unpack(d.file)
			if err != nil {
				return err
			}
			unpacked[i] = bill.ImportedPDF{ImportedDocument: d.ImportedDocument, Content: pdf}
		}
		if err := bill.ImportDocuments(ctx, tx, unpacked); err != nil {
			return err
		}
		documents = documents[n:]
	}
	return nil
}

// finish lets everything live at one instant.
func (im *Importer) finish(ctx context.Context, tx tenant.Tx, b *Batch, c *content) error {
	var states []account.ImportedState
	ends := map[calendar.Date]bool{}
	for _, s := range c.subscribers {
		ends[s.account.Cycle.To] = true
		for _, v := range s.services {
			if !v.pending {
				states = append(states, account.ImportedState{ID: c.id("subscription", v.key), State: v.state, ActivatedAt: v.activatedAt})
			}
		}
	}
	if err := account.ActivateImported(ctx, tx, states); err != nil {
		return err
	}
	for end := range ends {
		if err := bill.Schedule(ctx, tx, c.world.profile.Zone, end); err != nil {
			return err
		}
	}
	for _, s := range c.series { // last in the lock order
		if err := bill.ContinueAt(ctx, tx, s.Series, s.next, s.lastIssue); err != nil {
			return err
		}
	}
	b.CommittedAt, b.UndoneAt = &tx.At, nil
	if err := b.move(Committed); err != nil {
		return err
	}
	return im.record(ctx, tx, *b, "intake.committed")
}

func (im *Importer) record(ctx context.Context, tx tenant.Tx, b Batch, action string) error {
	return audit.Record(ctx, tx, audit.Entry{
		Caller: audit.Caller{Actor: "job:intake", WallAt: im.config.Now()}, Action: action, Object: "intake_batch", ObjectID: b.ID,
		Detail: map[string]any{"name": b.Name, "accounts": b.Accounts, "failure": b.Failure},
	})
}

// takeBack undoes the portions of a batch of which one was refused.
func (im *Importer) takeBack(ctx context.Context, tx tenant.Tx, id uuid.UUID, cause error) error {
	b, err := lock(ctx, tx, id)
	if err != nil || b.State != Committing {
		return err
	}
	if err := im.withdraw(ctx, tx, b); err != nil {
		return err
	}
	b.Failure, b.Done = cause.Error(), 0
	if err := b.move(Draft); err != nil {
		return err
	}
	if err := im.record(ctx, tx, b, "intake.taken_back"); err != nil {
		return err
	}
	return b.save(ctx, tx)
}

// invite mails the next invited users a link to choose a password.
func (im *Importer) invite(ctx context.Context, tx tenant.Tx, b Batch, item agenda.Item, at progress, link string) (again bool, err error) {
	c, err := im.read(ctx, tx, b)
	if err != nil {
		return false, err
	}
	var invited []string
	for _, s := range c.subscribers {
		for _, u := range s.users {
			if u.invite {
				invited = append(invited, u.email)
			}
		}
	}
	part := invited[min(at.Invited, len(invited)):min(at.Invited+invitesAtOnce, len(invited))]
	users, err := im.config.Users.SubscribersWithoutPassword(ctx, tx, part)
	if err != nil {
		return false, err
	}
	for _, user := range users {
		if err := im.config.Users.Invite(ctx, tx, user, link); err != nil {
			return false, err
		}
	}
	at.Invited += len(part)
	return at.Invited < len(invited), agenda.Keep(ctx, tx, item.ID, at)
}
