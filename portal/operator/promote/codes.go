package promote

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// codeForm makes promo codes.
type codeForm struct {
	letters, count, uses, until ui.Field
	key                         string
}

func newCodeForm(v *web.Visit) *codeForm {
	r := v.Reader
	value := func(name, otherwise string) string {
		if typed := v.Form(name); typed != "" {
			return typed
		}
		return otherwise
	}
	return &codeForm{
		letters: ui.Field{ID: "letters", Label: r.T("promo.letters"), Hint: r.T("promo.letters.hint"), Value: v.Form("letters"), Optional: true, Mono: true, Autocomplete: "off"},
		count:   ui.Field{ID: "count", Label: r.T("promo.count"), Value: value("count", "1"), InputMode: "numeric"},
		uses:    ui.Field{ID: "uses", Label: r.T("promo.uses"), Value: value("uses", "1"), InputMode: "numeric"},
		until:   ui.Field{ID: "until", Label: r.T("promo.codes.until"), Kind: "date", Value: v.Form("until"), Optional: true},
		key:     command.NewKey(),
	}
}

func (page *oneView) fillCodes(v *web.Visit, version *promotion.Version, codes []promotion.Code, form *codeForm) {
	page.coded = version.Promotion.Occasion == promotion.OnCode
	if !page.coded {
		return
	}
	r := v.Reader
	writes := v.May(identity.OfferingWrite)
	for _, c := range codes {
		one := codeRow{code: c.Code, used: strconv.Itoa(c.Used), left: strconv.Itoa(c.UsesLeft), until: "–"}
		if c.ExpiresAt != nil {
			one.until = r.Date(r.LocalDate(c.ExpiresAt.Add(-time.Microsecond)))
		}
		switch {
		case c.Blocked:
			one.left = r.T("promo.code.blocked")
		case writes:
			one.block, one.key = page.self+"/codes/"+c.ID.String()+"/block", command.NewKey()
		}
		page.codes = append(page.codes, one)
	}
	if writes && version.State == promotion.Published {
		page.csv = page.self + "/codes.csv"
		if page.make = form; form == nil {
			page.make = newCodeForm(v)
		}
	}
}

// read takes what was typed; false if something is wrong, told beside its field.
func (f *codeForm) read(v *web.Visit, n *promotion.NewCodes) bool {
	r := v.Reader
	n.Letters = v.Form("letters")
	var err error
	if n.Count, err = strconv.Atoi(strings.TrimSpace(v.Form("count"))); err != nil || n.Count < 1 || n.Count > 10_000 || (n.Letters != "" && n.Count != 1) {
		f.count.Error = r.T("promo.count.not")
	}
	if n.Uses, err = strconv.Atoi(strings.TrimSpace(v.Form("uses"))); err != nil || n.Uses < 1 || n.Uses > 1_000_000 {
		f.uses.Error = r.T("promo.uses.not")
	}
	if text := v.Form("until"); text != "" {
		day, err := calendar.ParseDate(text)
		if err != nil || day.Before(r.Today) {
			f.until.Error = r.T("promo.codes.until.not")
		} else {
			over := day.AddDays(1).Start(v.Profile.Zone).UTC()
			n.ExpiresAt = &over
		}
	}
	return len(ui.FaultsOf(f.letters, f.count, f.uses, f.until)) == 0
}

func makeCodes(v *web.Visit) error {
	form := newCodeForm(v)
	n := promotion.NewCodes{By: v.Who.Actor()}
	if !form.read(v, &n) {
		return answerOne(v, http.StatusUnprocessableEntity, "", form)
	}
	err := act(v, "makePromoCodes", "codes", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		n.PromotionID = id
		_, err := promotion.MakeCodes(ctx, tx, n)
		return err
	})
	switch {
	case errors.Is(err, promotion.ErrCodeForm):
		form.letters.Error = v.Reader.T("promo.letters.not")
	case errors.Is(err, promotion.ErrCodeTaken):
		form.letters.Error = v.Reader.T("promo.letters.taken")
	default:
		return err
	}
	return answerOne(v, http.StatusUnprocessableEntity, "", form)
}

// sendCodes gives all codes as a table, for a printer or a mailing.
func sendCodes(v *web.Visit) error {
	version, err := load(v)
	if err != nil {
		return err
	}
	sheet := web.NewSheet("code", "uses_left", "used", "expires_at", "blocked")
	const portion = 10_000
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		after := uuid.Nil
		for {
			codes, err := promotion.Codes(ctx, tx, version.ID, after, portion)
			if err != nil {
				return err
			}
			for _, c := range codes {
				until := ""
				if c.ExpiresAt != nil {
					until = c.ExpiresAt.UTC().Format(time.RFC3339)
				}
				sheet.Add(c.Code, strconv.Itoa(c.UsesLeft), strconv.Itoa(c.Used), until, strconv.FormatBool(c.Blocked))
			}
			if len(codes) < portion {
				return nil
			}
			after = codes[len(codes)-1].ID
		}
	})
	if err != nil {
		return err
	}
	return v.SendSheet(version.Promotion.Code+"-codes", sheet)
}

func blockCode(v *web.Visit) error {
	code, err := uuid.Parse(v.Param("code"))
	if err != nil {
		return promotion.ErrNotFound
	}
	return act(v, "blockPromoCode", "blocked", func(ctx context.Context, tx tenant.Tx, _ uuid.UUID) error {
		return promotion.BlockCode(ctx, tx, code)
	})
}
