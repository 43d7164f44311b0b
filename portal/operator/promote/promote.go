package promote

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/promotions", site.Console(identity.OfferingRead, showAll))
	console.GET("/promotions/new", site.Console(identity.OfferingWrite, showNew))
	console.POST("/promotions/new", site.Console(identity.OfferingWrite, save))
	console.GET("/promotions/import", site.Console(identity.OfferingWrite, showImport))
	console.POST("/promotions/import", site.Console(identity.OfferingWrite, importText))
	console.GET("/promotions/:promotion", site.Console(identity.OfferingRead, showOne))
	console.GET("/promotions/:promotion/yaml", site.Console(identity.OfferingRead, sendYAML))
	console.GET("/promotions/:promotion/edit", site.Console(identity.OfferingWrite, showEdit))
	console.POST("/promotions/:promotion/publish", site.Console(identity.OfferingWrite, publish))
	console.POST("/promotions/:promotion/end", site.Console(identity.OfferingWrite, end))
	console.POST("/promotions/:promotion/codes", site.Console(identity.OfferingWrite, makeCodes))
	console.GET("/promotions/:promotion/codes.csv", site.Console(identity.OfferingWrite, sendCodes))
	console.POST("/promotions/:promotion/codes/:code/block", site.Console(identity.OfferingWrite, blockCode))
	console.GET("/subscribers/:account/promotions", site.Console(identity.AccountRead, showGifts))
	console.POST("/subscribers/:account/promotions", site.Console(identity.AccountWrite, redeem))
}

// allView lists promotions.
type allView struct {
	fresh, importing string // addresses; empty for who may not
	rows             []row
}

type row struct {
	name, code, version, href, occasion, runs, given string
	tone                                             ui.Tone
	state                                            string
}

func showAll(v *web.Visit) error {
	var versions []promotion.Version
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		versions, err = promotion.List(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r := v.Reader
	page := &allView{fresh: v.ConsoleFor(identity.OfferingWrite, "promotions/new"), importing: v.ConsoleFor(identity.OfferingWrite, "promotions/import")}
	for i := range versions {
		one := &versions[i]
		p := &one.Promotion
		entry := row{name: p.Names.In(r.Locale.Language), code: p.Code, version: strconv.Itoa(one.Number), href: v.Console("promotions/" + one.ID.String()),
			occasion: r.T("promo.on." + string(p.Occasion)), runs: runs(r, p), given: strconv.FormatInt(one.Given, 10)}
		entry.tone, entry.state = state(r, one)
		page.rows = append(page.rows, entry)
	}
	return v.Show(http.StatusOK, allPage(frame.Of(v, frame.Promotions, r.T("con.nav.promotions")), page))
}

func state(r ui.Reader, v *promotion.Version) (ui.Tone, string) {
	switch {
	case v.State == promotion.Draft:
		return ui.Info, r.T("promo.state.draft")
	case v.State == promotion.Ended, v.Promotion.Until != nil && r.Today.After(*v.Promotion.Until):
		return ui.Off, r.T("promo.state.ended")
	case r.Today.Before(v.Promotion.From):
		return ui.Info, r.T("promo.state.coming")
	}
	return ui.OK, r.T("promo.state.runs")
}

func runs(r ui.Reader, p *promotion.Promotion) string {
	if p.Until == nil {
		return r.T("promo.runs.from", "from", r.Date(p.From))
	}
	return r.T("promo.runs.until", "from", r.Date(p.From), "until", r.Date(*p.Until))
}

func load(v *web.Visit) (version promotion.Version, err error) {
	id, err := uuid.Parse(v.Param("promotion"))
	if err != nil {
		return version, promotion.ErrNotFound
	}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		version, err = promotion.Get(ctx, tx, id)
		return err
	})
	return version, err
}

func sendYAML(v *web.Visit) error {
	version, err := load(v)
	if err != nil {
		return err
	}
	text, err := version.Promotion.YAML()
	if err != nil {
		return err
	}
	return v.Download(version.Promotion.Code+"-v"+strconv.Itoa(version.Number)+".yaml", "application/yaml; charset=utf-8", text)
}

// act carries out what changes a version and leads back to it.
func act(v *web.Visit, action, done string, do func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error) error {
	id, err := uuid.Parse(v.Param("promotion"))
	if err != nil {
		return promotion.ErrNotFound
	}
	c := &command.Command{Action: action, Object: "promotion", ID: id}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("promotions/"+id.String(), "done", done), do(ctx, tx, id)
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func publish(v *web.Visit) error {
	err := act(v, "publishPromotion", "published", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := promotion.Publish(ctx, tx, id)
		return err
	})
	if errors.Is(err, promotion.ErrNotClean) || errors.Is(err, promotion.ErrState) {
		return answerOne(v, http.StatusUnprocessableEntity, v.Reader.T("promo.publish.not"), nil)
	}
	return err
}

func end(v *web.Visit) error {
	err := act(v, "endPromotion", "ended", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := promotion.End(ctx, tx, id)
		return err
	})
	if errors.Is(err, promotion.ErrState) {
		return answerOne(v, http.StatusUnprocessableEntity, v.Reader.T("promo.end.not"), nil)
	}
	return err
}
