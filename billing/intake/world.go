package intake

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// world is what a batch is held against: how the operator does business and
// what it has already.
type world struct {
	profile       account.Profile
	today         calendar.Date
	pendingOrders bool
	branches      []account.Branch
	entities      []account.LegalEntity
	sold          map[string]catalog.Stored         // by code: the version on sale
	versions      map[string]map[int]catalog.Stored // by code: all that were published
	required      map[uuid.UUID][]onboarding.Requirement

	// what the batch wants to be free
	wantedIdentities []wantedIdentity
	wantedEmails     []wantedEmail
}

type wantedIdentity struct {
	account.Identity
	service *service
	field   string
}

type wantedEmail struct {
	lower string
	row
}

func newWorld(ctx context.Context, tx tenant.Tx, pendingOrders bool) (*world, error) {
	w := &world{
		pendingOrders: pendingOrders, sold: map[string]catalog.Stored{}, versions: map[string]map[int]catalog.Stored{},
		required: map[uuid.UUID][]onboarding.Requirement{},
	}
	var err error
	if w.profile, err = account.GetProfile(ctx, tx); err != nil {
		return nil, err
	}
	w.today = w.profile.LocalDate(tx.At)
	if w.branches, err = account.Branches(ctx, tx); err != nil {
		return nil, err
	}
	if w.entities, err = account.LegalEntities(ctx, tx); err != nil {
		return nil, err
	}
	return w, w.loadOfferings(ctx, tx)
}

// loadOfferings reads all versions that were ever published: what was sold
// under an older one goes on under it.
func (w *world) loadOfferings(ctx context.Context, tx tenant.Tx) error {
	onSale, err := catalog.OnSale(ctx, tx, tx.At)
	if err != nil {
		return err
	}
	current := map[uuid.UUID]bool{}
	for _, v := range onSale {
		current[v.ID] = true
	}
	var q catalog.Query
	for {
		page, err := catalog.List(ctx, tx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, v := range page {
			if v.State == catalog.Draft {
				continue
			}
			stored, err := catalog.Get(ctx, tx, v.ID)
			if err != nil {
				return err
			}
			if w.versions[v.Code] == nil {
				w.versions[v.Code] = map[int]catalog.Stored{}
			}
			w.versions[v.Code][v.Number] = stored
			if current[v.ID] {
				w.sold[v.Code] = stored
			}
		}
		last := page[len(page)-1]
		q.AfterCode, q.AfterNumber = last.Code, last.Number
	}
}

func (w *world) offering(code string, version *int) (catalog.Stored, bool) {
	if version == nil {
		o, known := w.sold[code]
		return o, known
	}
	o, known := w.versions[code][*version]
	return o, known
}

func (w *world) onSale() string {
	var codes []string
	for code := range w.sold {
		codes = append(codes, code)
	}
	if len(codes) == 0 {
		return "the published offerings: there are none"
	}
	return strings.Join(sorted(codes), ", ")
}

// entity is the legal entity that a line names, or the default one.
func (w *world) entity(r row) (uuid.UUID, bool) {
	name := r.text("legal_entity")
	for _, e := range w.entities {
		if name == "" && e.Default || name != "" && strings.EqualFold(e.Name, name) {
			return e.ID, true
		}
	}
	r.fault("legal_entity", UnknownName, "one of the operator's legal entities")
	return uuid.Nil, false
}

// place is where a line's account stands: in its branch, else in the first of
// its legal entity, else in the default one.
func (w *world) place(r row) (entity, branch uuid.UUID) {
	named, known := w.entity(r)
	name := r.text("branch")
	for _, b := range w.branches {
		if name == "" && b.LegalEntity == named || name != "" && strings.EqualFold(b.Name, name) {
			if b.LegalEntity != named && r.text("legal_entity") != "" {
				r.fault("branch", OtherThan, "a branch of that legal entity")
			}
			return b.LegalEntity, b.ID
		}
	}
	if known {
		r.fault("branch", UnknownName, "one of the operator's branches")
	}
	return uuid.Nil, uuid.Nil
}

// compare finds what others have already: numbers, identities, addresses and
// series. Each kind is one statement.
func (c *content) compare(ctx context.Context, tx tenant.Tx, users userBook) error {
	for _, step := range []func(context.Context, tenant.Tx) error{
		c.compareNumbers, c.compareIdentities,
		func(ctx context.Context, tx tenant.Tx) error { return c.compareEmails(ctx, tx, users) },
		c.compareSeries,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (c *content) compareNumbers(ctx context.Context, tx tenant.Tx) error {
	numbers := make([]string, len(c.subscribers))
	for i, s := range c.subscribers {
		numbers[i] = s.account.Number
	}
	taken, err := account.NumbersTaken(ctx, tx, numbers)
	if err != nil {
		return err
	}
	for _, number := range taken {
		c.byNumber[number].fault("account", Taken, "a number that no account has yet")
	}
	return nil
}

func (c *content) compareIdentities(ctx context.Context, tx tenant.Tx) error {
	wanted := make([]account.Identity, len(c.world.wantedIdentities))
	by := make(map[account.Identity]wantedIdentity, len(wanted))
	for i, w := range c.world.wantedIdentities {
		wanted[i], by[w.Identity] = w.Identity, w
	}
	used, err := account.InUse(ctx, tx, wanted)
	if err != nil {
		return err
	}
	for _, identity := range used {
		w := by[identity]
		w.service.fault(columnOf(w.field), Taken, "one that no service has now")
	}
	return nil
}

func (c *content) compareEmails(ctx context.Context, tx tenant.Tx, users userBook) error {
	wanted := make([]string, len(c.world.wantedEmails))
	by := make(map[string]row, len(wanted))
	for i, w := range c.world.wantedEmails {
		wanted[i], by[w.lower] = w.lower, w.row
	}
	taken, err := users.EmailsTaken(ctx, tx, wanted)
	if err != nil {
		return err
	}
	for _, email := range taken {
		by[email].fault("email", Taken, "an address that no user has yet")
	}
	return nil
}

func (c *content) compareSeries(ctx context.Context, tx tenant.Tx) error {
	if len(c.series) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `select legal_entity, document, year, next, last_issue from number_series`)
	if err != nil {
		return fmt.Errorf("read number series: %w", err)
	}
	var s bill.Series
	var next int64
	var issued calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&s.LegalEntity, &s.Kind, &s.Year, &next, &issued}, func() error {
		for _, wanted := range c.series {
			if wanted.Series != s {
				continue
			}
			if wanted.next < next {
				wanted.fault("next", Past, fmt.Sprintf("%d or more: the series stands there", next))
			}
			if wanted.lastIssue.Before(issued) {
				wanted.fault("last_issue", Past, "a day from "+issued.String()+" on: the series stands there")
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read number series: %w", err)
	}
	return nil
}
