package staff

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

type upgradesView struct {
	ui.ConsolePage
	Rows []upgradeRow
	Form form
	ID   string // of the upgrade that the form begins
	May  bool
}

type upgradeRow struct {
	Href, Title, Version, State, Done, Began string
	Tone                                     ui.Tone
}

// upgradeView is one upgrade, live.
type upgradeView struct {
	ui.ConsolePage
	fleet.Upgrade
	Path         string
	Word         string
	Tone         ui.Tone
	Facts        []fact
	Sites        []memberRow
	Open         bool // the part asks again by itself
	Resume, Back bool
	Next         string
}

type memberRow struct {
	Href, Name, Wave, State, Former, Reason, Done string
	Tone                                          ui.Tone
}

const upgradesShown = 50

var upgradeTones = map[fleet.UpgradeState]ui.Tone{fleet.UpgradeRunning: ui.Info, fleet.UpgradeHalted: ui.Bad, fleet.UpgradeDone: ui.OK, fleet.UpgradeRollingBack: ui.Warn, fleet.UpgradeRolledBack: ui.Warn}

var memberTones = map[fleet.MemberState]ui.Tone{fleet.MemberAsked: ui.Info, fleet.MemberDone: ui.OK, fleet.MemberFailed: ui.Bad, fleet.MemberBack: ui.Warn}

func (p pages) upgrades(v *web.StaffVisit) error {
	return p.showUpgrades(v, newForm(map[string]string{"soak_minutes": "30", "within_minutes": "15"}), uuid.New())
}

func (p pages) showUpgrades(v *web.StaffVisit, f form, id uuid.UUID) error {
	frame, err := p.frame(v, sitesSection, v.Reader.T("staff.up.title"))
	if err != nil {
		return err
	}
	r := v.Reader
	view := upgradesView{ConsolePage: frame, Form: f, ID: id.String(), May: v.May(tenants.StackWrite)}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		list, err := fleet.Upgrades(ctx, tx, upgradesShown)
		for _, u := range list {
			view.Rows = append(view.Rows, upgradeRow{Href: v.URL("upgrades/" + u.ID.String()), Title: u.Title, Version: short(u.Version), State: r.T("staff.up.state." + string(u.State)),
				Tone: upgradeTones[u.State], Done: doneOf(r, u), Began: r.DateTime(u.AskedAt)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(f.status(), upgradesPage(view))
}

func doneOf(r ui.Reader, u fleet.Upgrade) string {
	total := 0
	for _, n := range u.Counts {
		total += n
	}
	return r.T("staff.up.done.of", "n", strconv.Itoa(u.Counts[fleet.MemberDone]), "total", strconv.Itoa(total))
}

func (p pages) startUpgrade(v *web.StaffVisit) error {
	id, err := uuid.Parse(v.Form("upgrade"))
	if err != nil {
		return tenants.ErrNotFound
	}
	f := sent(v, "title", "version", "soak_minutes", "within_minutes")
	minutes := func(name string) int {
		n, err := strconv.Atoi(f.value(name))
		if err != nil {
			n = -1 // the domain says what would be right
		}
		return n
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Fleet.StartUpgrade(ctx, tx, v.Who, fleet.NewUpgrade{ID: id, Version: f.value("version"), Title: f.value("title"),
			SoakMinutes: minutes("soak_minutes"), WithinMinutes: minutes("within_minutes")})
		return err
	})
	if f.refusedAs(v.Reader, err, map[string]string{"sites": "version"}) {
		return p.showUpgrades(v, f, id)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("upgrades/" + id.String()))
}

func upgradeID(v *web.StaffVisit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("upgrade"))
	if err != nil {
		return id, tenants.ErrNotFound
	}
	return id, nil
}

func (p pages) upgrade(v *web.StaffVisit) error {
	id, err := upgradeID(v)
	if err != nil {
		return err
	}
	view := upgradeView{Path: v.URL("upgrades/" + id.String())}
	names := map[tenant.ID]tenants.Operator{}
	sites := map[string]fleet.Site{}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if view.Upgrade, err = fleet.GetUpgrade(ctx, tx, id); err != nil {
			return err
		}
		var list []fleet.Site
		for _, m := range view.Members {
			s, err := fleet.Get(ctx, tx, m.Site)
			if err != nil {
				return err
			}
			sites[m.Site.String()], list = s, append(list, s)
		}
		names, err = fleet.SiteOperators(ctx, tx, list)
		return err
	})
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, sitesSection, view.Title); err != nil {
		return err
	}
	view.describe(v)
	for _, m := range view.Members {
		row := memberRow{Href: v.URL("sites/" + m.Site.String()), Name: names[sites[m.Site.String()].Want.Operator].DisplayName, Wave: strconv.Itoa(m.Wave),
			State: v.Reader.T("staff.up.member." + string(m.State)), Tone: memberTones[m.State], Former: orDash(short(m.Former)), Reason: m.Reason, Done: when(v.Reader, m.DoneAt)}
		view.Sites = append(view.Sites, row)
	}
	if v.Part("upgrade") {
		return v.Show(http.StatusOK, upgradePart(view))
	}
	return v.Show(http.StatusOK, upgradePage(view))
}

func (w *upgradeView) describe(v *web.StaffVisit) {
	r, u := v.Reader, w.Upgrade
	w.Word, w.Tone = r.T("staff.up.state."+string(u.State)), upgradeTones[u.State]
	w.Open = u.EndedAt == nil
	may := v.May(tenants.StackWrite)
	w.Resume, w.Back = may && u.State == fleet.UpgradeHalted, may && (u.State == fleet.UpgradeHalted || u.State == fleet.UpgradeRunning)
	if u.State == fleet.UpgradeHalted {
		w.Next = r.T("staff.up.next")
	}
	w.Facts = []fact{{Name: r.T("staff.up.version"), Text: u.Version}, {Name: r.T("staff.up.wave"), Text: strconv.Itoa(u.Wave)}, {Name: r.T("staff.up.hosts"), Text: doneOf(r, u)},
		{Name: r.T("staff.up.began"), Text: r.DateTime(u.AskedAt)}, {Name: r.T("staff.up.ended"), Text: when(r, u.EndedAt)}}
}

func (p pages) upgradeAct(fn func(context.Context, tenants.Tx, tenants.Actor, uuid.UUID) (fleet.Upgrade, error)) func(*web.StaffVisit) error {
	return func(v *web.StaffVisit) error {
		id, err := upgradeID(v)
		if err != nil {
			return err
		}
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := fn(ctx, tx, v.Who, id)
			return err
		})
		if err != nil {
			return err
		}
		return v.Redirect(v.URL("upgrades/" + id.String()))
	}
}

func (p pages) resumeUpgrade(v *web.StaffVisit) error { return p.upgradeAct(p.Fleet.ResumeUpgrade)(v) }

func (p pages) rollbackUpgrade(v *web.StaffVisit) error { return p.upgradeAct(p.Fleet.Rollback)(v) }
