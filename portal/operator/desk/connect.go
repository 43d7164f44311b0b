package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// connection is an order on its way through the steps.
type connection struct {
	onboarding.Order
	offering catalog.Offering
	missing  []onboarding.Finding
	steps    []step
	account  *account.Account
	party    account.Party // of the account; else what is known so far
	deposit  money.Amount  // that is taken with the order, as it is not held; zero: none
	notSold  bool
}

// connecting is the page of an order.
type connecting struct {
	steps   []stepView
	form    form
	name    string
	tone    ui.Tone
	state   string
	facts   []fact
	links   []fact // what came of it
	cancel  string // address of the form that cancels it
	done    string
	login   string // how the login is told, on the result
	reviews bool
}

type stepView struct{ label, href, class string }

func loadConnection(v *web.Visit) (c *connection, err error) {
	c = &connection{}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		gate := v.Stack.Desk()
		if c.Order, err = gate.Get(ctx, tx, idOf(v, "order")); err != nil {
			return err
		}
		if c.offering, err = catalog.LoadVersion(ctx, tx, c.OfferingID); err != nil {
			return err
		}
		if c.offering, _, err = onboarding.Whole(ctx, tx, c.offering, c.Parts); err != nil {
			return err
		}
		var known onboarding.Facts
		kind := c.Facts["party.kind"]
		if c.AccountID != nil {
			a, err := account.Get(ctx, tx, *c.AccountID)
			if err != nil {
				return err
			}
			c.account = &a
			if c.party, err = account.GetParty(ctx, tx, a.PartyID); err != nil {
				return err
			}
			known, kind = partyFacts(c.party), string(c.party.Kind)
		}
		if c.State == onboarding.Acknowledged {
			c.missing, err = gate.Missing(ctx, tx, c.ID)
			if errors.Is(err, onboarding.ErrNotSold) {
				c.notSold, err = true, nil
			}
		}
		if err != nil {
			return err
		}
		if c.State == onboarding.Acknowledged {
			if c.deposit, err = gate.DepositDue(ctx, tx, c.Order); err != nil {
				return err
			}
		}
		c.steps = stepsOf(c.offering, v.Profile.Country, kind, known, c.deposit.Sign() > 0)
		return nil
	})
	return c, err
}

// partyFacts are what is known of a party, the law's facts too.
func partyFacts(p account.Party) onboarding.Facts {
	facts := contactFacts(p)
	facts["party.id_document"], facts["party.tax_id"] = p.IDDocument, p.TaxID
	if p.BirthDate != nil {
		facts["party.birth_date"] = p.BirthDate.String()
	}
	return facts
}

// open is the first step with something missing or wrong: none after it opens.
func (c *connection) open() int {
	for i, s := range c.steps {
		for _, f := range c.missing {
			if slices.Contains(s.fields, f.Field) {
				return i
			}
		}
	}
	return len(c.steps) - 1
}

func (c *connection) at(name string) int {
	return slices.IndexFunc(c.steps, func(s step) bool { return s.name == name })
}

func (c *connection) path(part string) string {
	if part == "" {
		return "orders/" + c.ID.String()
	}
	return "orders/" + c.ID.String() + "/" + part
}

// showOrder leads to where an order stands: its open step, or what came of it.
func showOrder(v *web.Visit) error {
	c, err := loadConnection(v)
	if err != nil {
		return err
	}
	if c.State == onboarding.Acknowledged && v.May(identity.OrderWrite) {
		return v.Redirect(v.Console(c.path(c.steps[c.open()].name)))
	}
	return v.Show(http.StatusOK, connectPage(c.frame(v), c.page(v, -1)))
}

func (c *connection) frame(v *web.Visit) ui.ConsolePage {
	title := v.Reader.T("desk.connect.title", "plan", c.offering.Names.In(v.Reader.Locale.Language))
	return frame.Of(v, frame.Orders, title)
}

// page is what stands around a step.
func (c *connection) page(v *web.Visit, current int) connecting {
	r := v.Reader
	p := connecting{tone: orderTones[c.State], state: r.T("desk.order." + string(c.State)), name: c.Facts["party.name"], reviews: current == len(c.steps)-1}
	if c.account != nil {
		p.name = c.party.Name
	}
	open := c.open()
	for i, s := range c.steps {
		view := stepView{label: r.T("desk.step." + s.name)}
		switch {
		case i == current:
			view.class = "now"
		case i < open || c.State == onboarding.Completed:
			view.class = "done"
		}
		if i <= open && i != current && c.State == onboarding.Acknowledged && v.May(identity.OrderWrite) {
			view.href = v.Console(c.path(s.name))
		}
		p.steps = append(p.steps, view)
	}
	p.facts = c.told(r)
	if c.State == onboarding.Acknowledged && v.May(identity.OrderWrite) {
		p.cancel = v.Console(c.path("cancel"))
	}
	if v.Query("done") == "connected" {
		p.done = r.T("desk.done.connected", "plan", c.offering.Names.In(r.Locale.Language))
	}
	if c.State == onboarding.Completed && c.account != nil {
		p.links = []fact{{r.T("desk.col.account"), c.party.Name + ", " + c.account.Number, v.Console("subscribers/" + c.account.ID.String())},
			{r.T("desk.services"), c.offering.Names.In(r.Locale.Language), v.Console("subscribers/" + c.account.ID.String() + "/services")}}
	}
	if v.Query("login") != "" {
		p.login = r.T("desk.connect.login.sent")
	}
	return p
}

// told are the order's facts in words, secrets left out.
func (c *connection) told(r ui.Reader) []fact {
	var facts []fact
	for _, field := range sortedKeys(c.Facts) {
		value := c.Facts[field]
		if _, few := factChoices[field]; few {
			value = r.T("desk.option." + field + "." + value)
		}
		if value == onboarding.Hidden {
			value = r.T("desk.hint.kept")
		}
		facts = append(facts, fact{name: factWords(r, field), value: value})
	}
	return facts
}

// stepForm asks for the facts of one step. Typed ones stand in place of known.
func (c *connection) stepForm(v *web.Visit, at int, typed onboarding.Facts) form {
	r, s := v.Reader, c.steps[at]
	f := form{section: frame.Orders, title: r.T("desk.step." + s.name), lead: r.T("desk.step." + s.name + ".lead"), action: v.Console(c.path(s.name)),
		back: v.Console("orders"), backTo: r.T("con.nav.orders"), submit: r.T("desk.form.next"), key: command.NewKey()}
	if c.account != nil && s.name == stepPerson {
		f.lead = r.T("desk.connect.known", "name", c.party.Name)
	}
	for _, field := range s.fields {
		value := c.Facts[field]
		if given, some := typed[field]; some {
			value = given
		}
		one := factControl(v, field, value, s.must[field])
		if field == onboarding.DepositMethod {
			one.Hint = r.T("desk.deposit.due", "amount", r.Money(c.deposit))
		}
		f.fields = append(f.fields, one)
	}
	return f
}

func showStep(v *web.Visit) error {
	c, at, err := stepAsked(v)
	if err != nil {
		return err
	}
	if at != c.at(v.Param("step")) {
		return v.Redirect(v.Console(c.path(c.steps[at].name)))
	}
	return c.answer(v, http.StatusOK, at, nil)
}

// stepAsked is the step of the address, or the open one where that lies before
// it: no step opens before those before it are complete and right.
func stepAsked(v *web.Visit) (*connection, int, error) {
	c, err := loadConnection(v)
	if err != nil {
		return nil, 0, err
	}
	at := c.at(v.Param("step"))
	if at < 0 {
		return nil, 0, onboarding.ErrOrderNotFound
	}
	if c.State != onboarding.Acknowledged {
		return nil, 0, onboarding.ErrOrderEnded
	}
	return c, min(at, c.open()), nil
}

func (c *connection) answer(v *web.Visit, status, at int, f *form) error {
	if f == nil {
		made := c.stepForm(v, at, nil)
		if at == len(c.steps)-1 {
			made = c.reviewForm(v)
		}
		f = &made
	}
	page := c.page(v, at)
	page.form = *f
	return v.Show(status, connectPage(c.frame(v), page))
}

// sendStep keeps what was typed and goes on, or stays where something is
// missing or wrong: then the faults stand beside the fields, and what was
// typed is kept in them.
func sendStep(v *web.Visit) error {
	c, at, err := stepAsked(v)
	if err != nil {
		return err
	}
	if at != c.at(v.Param("step")) {
		return v.Lead(v.Console(c.path(c.steps[at].name)))
	}
	if at == len(c.steps)-1 {
		return c.activate(v)
	}
	typed := onboarding.Facts{}
	for _, field := range c.steps[at].fields {
		value := strings.TrimSpace(v.Form(formName(field)))
		if value == "" && c.Facts[field] == onboarding.Hidden {
			continue // what is kept sealed stays
		}
		typed[field] = value
	}
	normalize(v, typed)
	kept, refused, err := c.supply(v, typed)
	if err != nil {
		return err
	}
	f := kept.stepForm(v, at, typed)
	for i := range f.fields {
		for _, finding := range append(refused, kept.missing...) {
			if f.fields[i].Name == formName(finding.Field) && f.fields[i].Error == "" {
				f.fields[i].Error = findingWords(v.Reader, finding)
			}
		}
	}
	if len(f.faults()) > 0 {
		return kept.answer(v, http.StatusUnprocessableEntity, at, &f)
	}
	return v.Lead(v.Console(c.path(kept.steps[min(at+1, len(kept.steps)-1)].name)))
}

// supply keeps facts with the order; those that it cannot take come back as
// findings, and the others are kept all the same.
func (c *connection) supply(v *web.Visit, typed onboarding.Facts) (*connection, []onboarding.Finding, error) {
	var refused []onboarding.Finding
	given := onboarding.Facts{}
	for field, value := range typed {
		given[field] = value
	}
	for range len(typed) + 1 {
		_, err := command.CarryOut(v, &command.Command{Action: "order.supply", Object: "order", ID: c.ID, Detail: map[string]any{"fields": sortedKeys(given)},
			Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
				_, err := v.Stack.Desk().Supply(ctx, tx, c.ID, given)
				return "", err
			}})
		var wrong *onboarding.FactError
		if !errors.As(err, &wrong) {
			if err != nil {
				return nil, nil, err
			}
			break
		}
		for _, finding := range wrong.Findings {
			refused = append(refused, finding)
			delete(given, finding.Field)
		}
	}
	kept, err := loadConnection(v)
	return kept, refused, err
}

// reviewForm is the last step: the price in words, and the button that connects.
func (c *connection) reviewForm(v *web.Visit) form {
	r := v.Reader
	name := c.offering.Names.In(r.Locale.Language)
	f := form{section: frame.Orders, title: r.T("desk.step.review"), action: v.Console(c.path(stepReview)), back: v.Console("orders"), backTo: r.T("con.nav.orders"),
		key: command.NewKey(), submit: r.T("desk.connect.do", "plan", name)}
	f.effects = append(f.effects, r.T("desk.connect.effect", "plan", name, "kind", r.T("desk.kind."+string(c.offering.Billing))))
	for _, one := range c.offering.Prices.OneTime {
		f.effects = append(f.effects, r.T("desk.connect.once", "name", one.Names.In(r.Locale.Language), "amount", r.Exact(priced(c.offering, one.Amount))))
	}
	for _, price := range c.offering.Prices.Recurring {
		f.effects = append(f.effects, r.T("desk.connect.recurring", "name", price.Names.In(r.Locale.Language), "amount", r.Exact(priced(c.offering, price.Amount)), "months", r.Every(price.Period())))
	}
	for _, a := range c.offering.Allowances {
		f.effects = append(f.effects, r.T("desk.connect.allowance", "name", a.Names.In(r.Locale.Language), "amount", a.Amount.String()))
	}
	taxes := "desk.connect.tax.out"
	if c.offering.Tax.Included {
		taxes = "desk.connect.tax.in"
	}
	f.effects = append(f.effects, r.T(taxes))
	if c.notSold {
		f.submit, f.refused = "", r.T("desk.refused.sold")
	}
	for _, finding := range c.missing { // of no step: the account is of the other kind, say
		f.submit, f.refused = "", joined(f.refused, refusalOf(r, finding))
	}
	if c.account == nil && c.Facts["party.email"] != "" && f.submit != "" {
		f.fields = append(f.fields, control{kind: check, ticked: v.Form("login") != "" || !sent(v),
			Field: ui.Field{ID: "login", Label: r.T("desk.connect.login", "email", c.Facts["party.email"]), Optional: true}})
	}
	return f
}

func refusalOf(r ui.Reader, f onboarding.Finding) string {
	if f.Field == "account_id" {
		return r.T("desk.refused.billing")
	}
	return factWords(r, f.Field) + ": " + findingWords(r, f)
}

// activate connects: the subscription is made, its allowances are granted, and
// the welcome is sent if it is wanted.
func (c *connection) activate(v *web.Visit) error {
	f := c.reviewForm(v)
	if f.submit == "" {
		return c.answer(v, http.StatusUnprocessableEntity, len(c.steps)-1, &f)
	}
	email := ""
	if v.Form("login") != "" && c.account == nil {
		email = c.Facts["party.email"]
	}
	next, err := command.CarryOut(v, &command.Command{Action: "order.activate", Object: "order", ID: c.ID, Detail: map[string]any{"offering": c.offering.Code},
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			done, err := v.Stack.Desk().Activate(ctx, tx, c.ID)
			if err != nil {
				return "", err
			}
			pairs := []string{"done", "connected"}
			if email != "" {
				sent, err := welcome(ctx, tx, v, *done[0].AccountID, email)
				if err != nil {
					return "", err
				}
				if sent {
					pairs = append(pairs, "login", "1")
				}
			}
			return v.Console(c.path(""), pairs...), nil
		}})
	var incomplete *onboarding.IncompleteError
	switch {
	case err == nil:
		return v.Lead(next)
	case errors.As(err, &incomplete):
		again, err := loadConnection(v)
		if err != nil {
			return err
		}
		return again.answer(v, http.StatusUnprocessableEntity, again.open(), again.faulty(v))
	case errors.Is(err, account.ErrSuspended), errors.Is(err, onboarding.ErrNotSold), errors.Is(err, account.ErrIdentityInUse):
		f.refused = refusal(v.Reader, err)
		return c.answer(v, http.StatusUnprocessableEntity, len(c.steps)-1, &f)
	}
	return err
}

// faulty is the open step with what is wrong in it.
func (c *connection) faulty(v *web.Visit) *form {
	f := c.stepForm(v, c.open(), nil)
	for i := range f.fields {
		for _, finding := range c.missing {
			if f.fields[i].Name == formName(finding.Field) {
				f.fields[i].Error = findingWords(v.Reader, finding)
			}
		}
	}
	return &f
}

// welcome gives a new subscriber a login. Where the address belongs to another
// user already, the connection stands without one: sent says so.
func welcome(ctx context.Context, tx tenant.Tx, v *web.Visit, accountID uuid.UUID, email string) (sent bool, err error) {
	taken, err := v.Authority().EmailsTaken(ctx, tx, []string{strings.ToLower(email)})
	if err != nil || len(taken) > 0 {
		return false, err
	}
	a, err := account.Get(ctx, tx, accountID)
	if err != nil {
		return false, err
	}
	party, err := account.GetParty(ctx, tx, a.PartyID)
	if err != nil {
		return false, err
	}
	_, err = inviteSubscriber(ctx, tx, v, accountID, party, email)
	return err == nil, err
}

func cancelOrder(v *web.Visit) error {
	id := idOf(v, "order")
	next, err := command.CarryOut(v, &command.Command{Action: "order.cancel", Object: "order", ID: id, Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := v.Stack.Desk().Cancel(ctx, tx, id)
		return v.Console("orders/" + id.String()), err
	}})
	if err != nil {
		return err
	}
	return v.Lead(next)
}
