package staff

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// sitesView is the map of sites by health, cloud by cloud.
type sitesView struct {
	ui.ConsolePage
	Live    string // address that gives this part again
	Stats   []ui.Stat
	Places  []wallPlace
	Trouble []trouble
	MayAsk  bool
	More    string
}

// sitesShown bounds how many sites one map shows.
const sitesShown = 300

func (p pages) sites(v *web.StaffVisit) error {
	frame, err := p.frame(v, sitesSection, v.Reader.T("staff.nav.sites"))
	if err != nil {
		return err
	}
	view := sitesView{ConsolePage: frame, Live: v.URL("sites"), MayAsk: v.May(tenants.StackWrite)}
	var sites []fleet.Site
	var operators map[tenant.ID]tenants.Operator
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if sites, err = fleet.Find(ctx, tx, fleet.Query{Limit: sitesShown + 1}); err != nil {
			return err
		}
		operators, err = fleet.SiteOperators(ctx, tx, sites)
		return err
	})
	if err != nil {
		return err
	}
	if len(sites) > sitesShown {
		sites, view.More = sites[:sitesShown], v.Reader.T("staff.site.more")
	}
	view.fill(v, sites, operators)
	if v.Part("sites") {
		return v.Show(http.StatusOK, sitesPart(view))
	}
	return v.Show(http.StatusOK, sitesPage(view))
}

// healthRank puts the worst first.
var healthRank = map[fleet.Health]int{fleet.HealthFailed: 5, fleet.HealthSilent: 4, fleet.HealthAiling: 3, fleet.HealthDrifted: 2, fleet.HealthOnItWay: 1}

func healthTone(h fleet.Health) ui.Tone {
	switch h {
	case fleet.HealthOK:
		return ui.OK
	case fleet.HealthFailed, fleet.HealthSilent:
		return ui.Bad
	case fleet.HealthAiling, fleet.HealthDrifted:
		return ui.Warn
	}
	return "off"
}

func (w *sitesView) fill(v *web.StaffVisit, sites []fleet.Site, operators map[tenant.ID]tenants.Operator) {
	r, places, counts := v.Reader, map[string][]tile{}, map[fleet.Health]int64{}
	monthly := map[money.Currency]money.Amount{}
	for _, s := range sites {
		health, name := s.Health(v.At()), operators[s.Want.Operator].DisplayName
		counts[health]++
		t := tile{Href: v.URL("sites/" + s.ID.String()), Name: name, Tone: healthTone(health), Left: s.Want.Size, rank: healthRank[health]}
		if health != fleet.HealthOK {
			t.State = r.T("staff.site.health." + string(health))
			if health == fleet.HealthOnItWay || health == fleet.HealthGoing {
				t.State = r.T("staff.site.state." + string(s.State))
			}
		}
		if n, known := s.Seen.Load[provisioning.ChargesPerSecond]; known {
			t.Right = r.T("staff.site.persecond", "n", whole(r, n))
		}
		places[s.Want.Cloud] = append(places[s.Want.Cloud], t)
		if advice := s.Advice(v.At()); advice != fleet.NoAdvice {
			w.Trouble = append(w.Trouble, trouble{Href: t.Href, Tone: healthTone(health), Title: name + ": " + strings.TrimSuffix(siteReason(r, s, health), "."),
				More: r.T("staff.site.advice." + string(advice))})
		}
		if s.State != fleet.Cleared {
			if sum, err := monthly[s.Monthly.Currency()].Add(s.Monthly); err == nil {
				monthly[s.Monthly.Currency()] = sum
			} else {
				monthly[s.Monthly.Currency()] = s.Monthly
			}
		}
	}
	for cloud, tiles := range places {
		slices.SortStableFunc(tiles, func(a, b tile) int {
			if a.rank != b.rank {
				return b.rank - a.rank
			}
			return strings.Compare(a.Name, b.Name)
		})
		w.Places = append(w.Places, wallPlace{Name: cloud, Count: r.N("staff.sites", int64(len(tiles))), Tiles: tiles})
	}
	slices.SortFunc(w.Places, func(a, b wallPlace) int { return strings.Compare(a.Name, b.Name) })
	wants := counts[fleet.HealthAiling] + counts[fleet.HealthDrifted]
	w.Stats = []ui.Stat{
		{Key: r.T("staff.site.stat.ok"), Value: whole(r, counts[fleet.HealthOK]), More: r.T("staff.site.stat.of", "n", whole(r, int64(len(sites))))},
		{Key: r.T("staff.site.stat.working"), Value: whole(r, counts[fleet.HealthOnItWay])},
		{Key: r.T("staff.site.stat.wants"), Value: whole(r, wants), Tone: warnIf(wants)},
		{Key: r.T("staff.site.stat.failed"), Value: whole(r, counts[fleet.HealthFailed]+counts[fleet.HealthSilent]), Tone: warnIf(counts[fleet.HealthFailed] + counts[fleet.HealthSilent])},
	}
	for _, sum := range monthly {
		w.Stats = append(w.Stats, ui.Stat{Key: r.T("staff.site.stat.monthly"), Value: r.Money(sum)})
	}
}

// siteReason is why a site wants somebody, in a line.
func siteReason(r ui.Reader, s fleet.Site, health fleet.Health) string {
	switch {
	case s.Reason != "":
		return s.Reason
	case s.Seen.Reason != "":
		return s.Seen.Reason
	}
	return r.T("staff.site.health." + string(health))
}

func siteID(v *web.StaffVisit) (provisioning.SiteID, error) {
	id, err := provisioning.ParseSiteID(v.Param("site"))
	if err != nil {
		return id, tenants.ErrNotFound
	}
	return id, nil
}
