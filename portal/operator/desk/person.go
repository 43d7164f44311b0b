package desk

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// person is a subscriber's account with what every page of it tells.
type person struct {
	account.Account
	party         account.Party
	summary       desk.Summary
	subscriptions []account.Subscription
	offerings     map[uuid.UUID]catalog.Offering
	changes       map[uuid.UUID]account.PlanChange // to come, by subscription
	buckets       []balance.Bucket
	pinned        []desk.Note
}

// load reads an account by the address.
func load(v *web.Visit) (p *person, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = read(ctx, tx, idOf(v, "account"))
		return err
	})
	return p, err
}

func read(ctx context.Context, tx tenant.Tx, id uuid.UUID) (*person, error) {
	p := &person{offerings: map[uuid.UUID]catalog.Offering{}, changes: map[uuid.UUID]account.PlanChange{}}
	var err error
	if p.Account, err = account.Get(ctx, tx, id); err != nil {
		return nil, err
	}
	if p.party, err = account.GetParty(ctx, tx, p.PartyID); err != nil {
		return nil, err
	}
	if p.summary, err = desk.Summarize(ctx, tx, p.Account); err != nil {
		return nil, err
	}
	if p.subscriptions, err = account.Subscriptions(ctx, tx, id); err != nil {
		return nil, err
	}
	if p.buckets, err = balance.List(ctx, tx, id); err != nil {
		return nil, err
	}
	if p.pinned, err = desk.PinnedNotes(ctx, tx, id); err != nil {
		return nil, err
	}
	return p, p.readPlans(ctx, tx)
}

// readPlans reads the offerings that the account has and changes to.
func (p *person) readPlans(ctx context.Context, tx tenant.Tx) error {
	changes, err := account.ScheduledChanges(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	wanted := map[uuid.UUID]bool{}
	for _, c := range changes {
		p.changes[c.SubscriptionID] = c
		wanted[c.To] = true
	}
	for _, s := range p.subscriptions {
		wanted[s.OfferingID] = true
	}
	for id := range wanted {
		if p.offerings[id], err = catalog.LoadVersion(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

func (p *person) amount(d money.Decimal) money.Amount { return money.New(d, p.Currency) }

func (p *person) prepaid() bool { return p.Kind == account.Prepaid }

// path is the address of a part of the account's pages below the console.
func (p *person) path(part string) string {
	at := "subscribers/" + p.ID.String()
	if part != "" {
		at += "/" + part
	}
	return at
}

// subscription finds one of the account by its id.
func (p *person) subscription(id uuid.UUID) (account.Subscription, error) {
	for _, s := range p.subscriptions {
		if s.ID == id {
			return s, nil
		}
	}
	return account.Subscription{}, account.ErrNotFound
}

// main is the account's own prepaid money.
func (p *person) main() *balance.Bucket {
	for i := range p.buckets {
		if p.buckets[i].Origin == balance.Main {
			return &p.buckets[i]
		}
	}
	return nil
}

// standing is the account in a word: its subscriptions decide.
func (p *person) standing() account.SubscriptionState {
	found := map[account.SubscriptionState]bool{}
	for _, s := range p.subscriptions {
		found[s.State] = true
	}
	for _, s := range []account.SubscriptionState{account.SubscriptionSuspended, account.SubscriptionActive, account.SubscriptionPending} {
		if found[s] && (s != account.SubscriptionSuspended || !found[account.SubscriptionActive]) {
			return s
		}
	}
	return account.SubscriptionTerminated
}

var stateTones = map[account.SubscriptionState]ui.Tone{
	account.SubscriptionPending: ui.Info, account.SubscriptionActive: ui.OK, account.SubscriptionSuspended: ui.Warn, account.SubscriptionTerminated: ui.Off,
}

// headView is the top of every page of an account.
type headView struct {
	list, name, number string
	tone               ui.Tone
	state              string
	pills              []string
	warns              []string // pills that want a look
	acts               []ui.NavItem
	stats              []ui.Stat
	tabs               []ui.NavItem
	done               string
	pinned             []desk.Note
	notes              string // address of the notes
}

// tab is a page of an account.
type tab struct {
	name  string
	wants identity.Permission
	count int
}

func (p *person) head(v *web.Visit, current string) headView {
	r := v.Reader
	h := headView{list: v.Console("subscribers"), name: p.party.Name, number: p.Number, tone: stateTones[p.standing()], state: r.T("service." + string(p.standing())),
		pinned: p.pinned, notes: v.Console(p.path("notes"))}
	if p.State == account.Closed {
		h.tone, h.state = ui.Off, r.T("desk.closed")
	}
	h.pills = []string{r.T("desk.kind." + string(p.Kind)), r.T("desk.since", "date", r.Date(r.LocalDate(p.CreatedAt)))}
	if p.summary.Overdue.Sign() > 0 {
		h.warns = append(h.warns, r.T("desk.overdue", "amount", r.Money(p.summary.Overdue)))
	}
	for _, c := range p.changes {
		h.warns = append(h.warns, r.T("desk.change.pill", "plan", p.offerings[c.To].Names.In(r.Locale.Language), "date", r.Date(c.TakesEffect)))
	}
	h.stats = p.stats(v)
	for _, t := range []tab{
		{"", identity.AccountRead, 0}, {"services", identity.AccountRead, len(p.subscriptions)}, {"usage", identity.UsageRead, 0}, {"bills", identity.BillRead, p.summary.Counts.Bills},
		{"payments", identity.PaymentRead, p.summary.Counts.Payments}, {"buckets", identity.AccountRead, len(p.buckets)}, {"wallet", identity.AccountRead, 0}, {"tax", identity.AccountRead, 0}, {"notes", identity.AccountRead, p.summary.Counts.Notes}, {"collection", identity.AccountRead, 0},
		{"ledger", identity.LedgerRead, 0}, {"timeline", identity.AccountRead, 0}, {"messages", identity.AccountRead, p.summary.Counts.Messages}, {"security", identity.BillRead, 0}, {"promotions", identity.AccountRead, 0}, {"sharing", identity.AccountRead, 0},
	} {
		if !v.May(t.wants) {
			continue
		}
		key := t.name
		if key == "" {
			key = "overview"
		}
		item := ui.NavItem{Href: v.Console(p.path(t.name)), Label: r.T("desk.tab." + key), Current: t.name == current}
		if t.count > 0 {
			item.Count = r.Number(money.NewDecimal(int64(t.count)))
		}
		h.tabs = append(h.tabs, item)
	}
	h.acts = p.acts(v)
	if done := v.Query("done"); done != "" {
		h.done = doneWords(r, done)
	}
	return h
}

// acts are what the visitor may do, the likeliest last.
func (p *person) acts(v *web.Visit) []ui.NavItem {
	r := v.Reader
	var acts []ui.NavItem
	add := func(permission identity.Permission, part, icon string) {
		if v.May(permission) {
			acts = append(acts, ui.NavItem{Href: v.Console(p.path(part)), Label: r.T("desk.act." + part), Icon: icon})
		}
	}
	add(identity.AccountWrite, "resend", "mail")
	add(identity.AccountWrite, "contact", "edit")
	add(identity.NoteWrite, "notes", "chat")
	add(identity.BalanceWrite, "adjust", "gift")
	if p.State != account.Closed {
		add(identity.AccountWrite, "cycle", "clock")
		add(identity.AccountWrite, "parent", "users")
		add(identity.AccountWrite, "marketing", "gift")
		if !p.prepaid() {
			add(identity.BillWrite, "bill-item", "plus")
			add(identity.BillRunRun, "bill-now", "bill")
		}
	}
	if p.State != account.Closed && v.May(identity.OrderWrite) {
		acts = append(acts, ui.NavItem{Href: v.Console("orders/new", "account", p.ID.String()), Label: r.T("desk.act.order"), Icon: "plus"})
	}
	if p.prepaid() {
		add(identity.PaymentWrite, "voucher", "tag")
	}
	add(identity.PaymentWrite, "cash", "cash")
	return acts
}

// stats are the account's figures; each opens what it is made of.
func (p *person) stats(v *web.Visit) []ui.Stat {
	r := v.Reader
	owes := ui.Stat{Key: r.T("desk.stat.owes"), Value: r.Money(p.summary.Owes), More: r.T("desk.stat.owes.none"), Href: v.Console(p.path("bills"))}
	if !p.summary.NextDue.IsZero() {
		owes.More = r.T("desk.stat.owes.due", "date", r.Date(p.summary.NextDue))
	}
	if p.summary.Overdue.Sign() > 0 {
		owes.Tone, owes.More = ui.Bad, r.T("desk.overdue", "amount", r.Money(p.summary.Overdue))
	}
	stats := []ui.Stat{owes}
	if credit := p.amount(p.Credit); credit.Sign() > 0 {
		stats = append(stats, ui.Stat{Key: r.T("desk.stat.credit"), Value: r.Money(credit), More: r.T("desk.stat.credit.more"), Href: v.Console(p.path("payments"))})
	}
	if main := p.main(); main != nil {
		stats = append(stats, ui.Stat{Key: r.T("desk.stat.balance"), Value: r.Money(p.amount(main.Value)), More: r.T("desk.stat.balance.more"), Href: v.Console(p.path("buckets"))})
	}
	if !p.prepaid() {
		stats = append(stats, ui.Stat{Key: r.T("desk.stat.unbilled"), Value: r.Money(p.amount(p.Unbilled)),
			More: r.T("desk.stat.unbilled.more", "date", r.Date(p.Cycle.To)), Href: v.Console(p.path("usage"))})
	}
	if b, found := p.mainAllowance(); found {
		level := r.Level(b.Value, b.Initial, b.Unit)
		more := r.T("desk.stat.left.more")
		if b.ExpiresAt != nil {
			more = r.T("desk.stat.left.until", "date", r.Date(r.LocalDate(b.ExpiresAt.Add(-1))))
		}
		stats = append(stats, ui.Stat{Key: p.bucketName(r, b), Value: level.Left, After: r.T("level.ring", "of", level.Of, "unit", level.Unit), More: more, Href: v.Console(p.path("buckets"))})
	}
	late := r.T("desk.stat.paid.none")
	if p.summary.Bills > 0 {
		late = r.T("desk.stat.paid.late", "late", r.Number(money.NewDecimal(int64(p.summary.Late))), "bills", r.Number(money.NewDecimal(int64(p.summary.Bills))))
	}
	paid := ui.Stat{Key: r.T("desk.stat.paid"), Value: r.Money(p.summary.Paid), More: late}
	if v.May(identity.PaymentRead) {
		paid.Href = v.Console(p.path("payments"))
	}
	return append(stats, paid)
}

// mainAllowance is the largest allowance of data, or else the first.
func (p *person) mainAllowance() (balance.Bucket, bool) {
	at, most := -1, money.Decimal{}
	for i, b := range p.buckets {
		if b.Unit.IsCurrency() {
			continue
		}
		if at < 0 || b.Unit == money.Byte && b.Initial.Cmp(most) > 0 {
			at = i
			if b.Unit == money.Byte {
				most = b.Initial
			}
		}
	}
	if at < 0 {
		return balance.Bucket{}, false
	}
	return p.buckets[at], true
}

// planOf is the offering version that a balance comes from.
func (p *person) planOf(b *balance.Bucket) catalog.Offering {
	return explain.OfferingOf(b.SubscriptionID, b.Code, p.subscriptions, p.offerings)
}

// framed is the page around a part of an account's pages.
func (p *person) framed(v *web.Visit, current string) (ui.ConsolePage, headView) {
	title := p.party.Name
	if current != "" {
		title += " · " + v.Reader.T("desk.tab."+current)
	}
	return frame.Of(v, frame.Subscribers, title), p.head(v, current)
}
