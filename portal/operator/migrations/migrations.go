package migrations

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/migration"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/migrations", site.Console(identity.OfferingRead, showAll))
	console.GET("/migrations/new", site.Console(identity.OfferingWrite, showNew))
	console.POST("/migrations/new", site.Console(identity.OfferingWrite, plan))
	console.GET("/migrations/:migration", site.Console(identity.OfferingRead, showOne))
	console.POST("/migrations/:migration/cancel", site.Console(identity.OfferingWrite, cancel))
}

// allView lists migrations.
type allView struct {
	fresh string // address; empty for who may not
	rows  []row
}

type row struct {
	href, name, from, day, asked, state string
	tone                                ui.Tone
}

var tones = map[migration.State]ui.Tone{migration.Planned: ui.Info, migration.Told: ui.Info, migration.Running: ui.Info, migration.Done: ui.OK, migration.Cancelled: ui.Off}

func parseID(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}

func count(r ui.Reader, n int64) string { return r.Number(money.NewDecimal(n)) }

// names are the versions that a migration is about, in words.
type names map[uuid.UUID]string

func readNames(ctx context.Context, tx tenant.Tx, r ui.Reader, list ...migration.Migration) (names, error) {
	known := names{}
	for _, m := range list {
		for _, id := range append([]uuid.UUID{m.To}, m.From...) {
			if known[id] != "" {
				continue
			}
			o, err := catalog.Get(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			known[id] = r.T("sales.mig.version", "name", o.Offering.Names.In(r.Locale.Language), "version", strconv.Itoa(o.Number))
		}
	}
	return known, nil
}

func (n names) of(ids ...uuid.UUID) string {
	text := ""
	for _, id := range ids {
		if text != "" {
			text += ", "
		}
		text += n[id]
	}
	return text
}

func showAll(v *web.Visit) error {
	r := v.Reader
	var list []migration.Migration
	var known names
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = migration.List(ctx, tx); err != nil {
			return err
		}
		known, err = readNames(ctx, tx, r, list...)
		return err
	})
	if err != nil {
		return err
	}
	page := &allView{}
	if v.May(identity.OfferingWrite) {
		page.fresh = v.Console("migrations/new")
	}
	for _, m := range list {
		page.rows = append(page.rows, row{href: v.Console("migrations/" + m.ID.String()), name: known.of(m.To), from: known.of(m.From...), day: r.Date(m.StartsOn),
			asked: r.Short(m.CreatedAt), state: r.T("sales.mig.state." + string(m.State)), tone: tones[m.State]})
	}
	return v.Show(http.StatusOK, allPage(frame.Of(v, frame.Migrations, r.T("con.nav.migrations")), page))
}

// oneView is a migration with how far it has come.
type oneView struct {
	list, cancel, key string
	done, refused     string
	state             string
	tone              ui.Tone
	facts             [][2]string
	stats             []ui.Stat
	members           []memberRow
	more              string
}

type memberRow struct {
	number, href, name, state, reason string
	tone                              ui.Tone
}

var memberTones = map[migration.MemberState]ui.Tone{migration.Telling: ui.Info, migration.OptedOut: ui.Off, migration.Scheduled: ui.OK, migration.Skipped: ui.Warn}

func showOne(v *web.Visit) error { return answerOne(v, http.StatusOK, "") }

func answerOne(v *web.Visit, status int, refused string) error {
	r := v.Reader
	var m migration.Migration
	var p migration.Progress
	var members []migration.Member
	var known names
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if m, err = migration.Get(ctx, tx, parseID(v.Param("migration"))); err != nil {
			return err
		}
		if p, err = migration.ProgressOf(ctx, tx, m); err != nil {
			return err
		}
		if members, err = migration.Members(ctx, tx, m.ID, parseID(v.Query("after")), migration.MaxPage); err != nil {
			return err
		}
		known, err = readNames(ctx, tx, r, m)
		return err
	})
	if err != nil {
		return err
	}
	page := &oneView{list: v.Console("migrations"), refused: refused, state: r.T("sales.mig.state." + string(m.State)), tone: tones[m.State]}
	if v.Query("done") == "planned" || v.Query("done") == "cancelled" {
		page.done = r.T("sales.mig.done." + v.Query("done"))
	}
	if v.May(identity.OfferingWrite) && (m.State == migration.Planned || m.State == migration.Told) {
		page.cancel, page.key = v.Console("migrations/"+m.ID.String()+"/cancel"), command.NewKey()
	}
	page.facts = [][2]string{{r.T("sales.mig.from"), known.of(m.From...)}, {r.T("sales.mig.to"), known.of(m.To)}, {r.T("sales.mig.starts"), r.Date(m.StartsOn)},
		{r.T("sales.mig.notice"), count(r, int64(m.NoticeDays))}, {r.T("sales.mig.asked"), r.Short(m.CreatedAt)}}
	if m.Reason != "" {
		page.facts = append(page.facts, [2]string{r.T("sales.mig.reason"), m.Reason})
	}
	for _, one := range []struct {
		key string
		n   int64
	}{{"waiting", p.Waiting}, {"told", p.Told}, {"opted_out", p.OptedOut}, {"scheduled", p.Scheduled}, {"changed", p.Changed}, {"skipped", p.Skipped}} {
		page.stats = append(page.stats, ui.Stat{Key: r.T("sales.mig.count." + one.key), Value: count(r, one.n)})
	}
	for _, one := range members {
		page.members = append(page.members, memberRow{one.Number, v.ConsoleFor(identity.AccountRead, "subscribers/"+one.Account.String()+"/services"), one.Name,
			r.T("sales.mig.count." + string(one.State)), one.Reason, memberTones[one.State]})
	}
	if len(members) == migration.MaxPage {
		page.more = v.Console("migrations/"+m.ID.String(), "after", members[len(members)-1].Subscription.String())
	}
	return v.Show(status, onePage(frame.Of(v, frame.Migrations, r.T("sales.mig.one", "name", known.of(m.To))), page))
}

func cancel(v *web.Visit) error {
	id := parseID(v.Param("migration"))
	c := &command.Command{Action: "cancelMigration", Object: "migration", ID: id}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := migration.Cancel(ctx, tx, id)
		return v.Console("migrations/"+id.String(), "done", "cancelled"), err
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, migration.ErrRuns) {
		return answerOne(v, http.StatusUnprocessableEntity, v.Reader.T("sales.mig.late"))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}
