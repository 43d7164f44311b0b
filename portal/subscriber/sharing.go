package subscriber

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// sharingView is the group that the subscriber owns, or is a member of.
type sharingView struct {
	Page         ui.Page
	Done         string
	Owns         bool
	Title, More  string // empty: there is no group
	Members      []sharedMember
	Levels       []levelView // what is shared with a member
	Limits, Used string      // of the member itself
	Member       ui.Field
	Choices      []ui.Choice
	Amount       ui.Field
}

type sharedMember struct{ ID, Name, Number, Limits, Used string }

func sharing(v *web.Visit) error {
	s := sharingView{}
	if v.Query("done") != "" {
		s.Done = v.Reader.T("shared.set.done")
	}
	return showSharing(v, http.StatusOK, s)
}

func showSharing(v *web.Visit, status int, s sharingView) error {
	r := v.Reader
	s.Page = pageOf(v, sectionHome, r.T("shared.title"))
	s.Member = ui.Field{ID: "member", Label: r.T("shared.set.who")}
	s.Amount = ui.Field{ID: "amount", Label: r.T("shared.set.amount"), Hint: r.T("shared.set.hint", "currency", v.Profile.Currency.Code()), Value: v.Form("amount"), Error: s.Amount.Error, Autocomplete: "off", MaxLength: "40"}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error { return s.load(ctx, tx, v) })
	if err != nil {
		return err
	}
	return v.Show(status, sharingPage(s))
}

func (s *sharingView) load(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	r := v.Reader
	g, err := balance.GroupOwnedBy(ctx, tx, v.Who.AccountID)
	if err == nil {
		s.Owns, s.Title, s.More = true, r.T("shared.owner", "name", g.Name), r.T("shared.owner.more")
		for _, m := range g.Members {
			limits, used := limitsOf(r, m)
			s.Members = append(s.Members, sharedMember{m.AccountID.String(), m.Name, m.Number, limits, used})
			s.Choices = append(s.Choices, ui.Choice{Value: m.AccountID.String(), Label: m.Name + ", " + m.Number, Chosen: m.AccountID.String() == v.Form("member")})
		}
		return nil
	}
	if !errors.Is(err, balance.ErrGroup) {
		return err
	}
	m, err := balance.MembershipOf(ctx, tx, v.Who.AccountID)
	if errors.Is(err, balance.ErrGroup) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Title, s.More = r.T("shared.member", "group", m.GroupName), r.T("shared.member.more", "owner", m.OwnerName)
	s.Limits, s.Used = limitsOf(r, m.Member)
	return s.loadLevels(ctx, tx, v, &m)
}

// loadLevels are the owner's balances that a member may use, as far as it may.
func (s *sharingView) loadLevels(ctx context.Context, tx tenant.Tx, v *web.Visit, m *balance.Membership) error {
	r := v.Reader
	subscriptions, err := account.Subscriptions(ctx, tx, m.OwnerID)
	if err != nil {
		return err
	}
	offerings, err := offeringsOf(ctx, tx, subscriptions)
	if err != nil {
		return err
	}
	owner, err := account.Get(ctx, tx, m.OwnerID)
	if err != nil {
		return err
	}
	f := facts{account: owner, profile: v.Profile, subscriptions: subscriptions, offerings: offerings, at: tx.At}
	for i := range m.Buckets {
		b := m.Buckets[i]
		b.Value = m.Room(&b)
		if b.Unit.IsCurrency() {
			s.Levels = append(s.Levels, levelView{Name: bucketName(r, &f, &b), Level: ui.Level{Left: quantityOf(r, b.Value, b.Unit), Of: quantityOf(r, b.Initial, b.Unit)}, Share: ui.Share(b.Value, b.Initial)})
			continue
		}
		s.Levels = append(s.Levels, levelOf(r, &f, &b))
	}
	return nil
}

// limitsOf are a member's limits and what it has used in this cycle, in words.
func limitsOf(r ui.Reader, m balance.Member) (limits, used string) {
	var most, taken []string
	for _, unit := range m.Units() {
		if limit, set := m.Limits[unit]; set {
			most = append(most, quantityOf(r, limit, unit))
		}
		if n := m.UsedOf(unit); !n.IsZero() {
			taken = append(taken, quantityOf(r, n, unit))
		}
	}
	limits, used = strings.Join(most, ", "), strings.Join(taken, ", ")
	if limits == "" {
		limits = r.T("shared.all")
	}
	if used == "" {
		used = r.T("shared.nothing")
	}
	return limits, used
}

// limitShared is what an owner lets a member use in a cycle; zero lifts the
// limit of the unit.
func limitShared(v *web.Visit) error {
	contents, err := catalog.ParseContents(strings.ReplaceAll(strings.TrimSpace(v.Form("amount")), ",", "."))
	if err != nil {
		return showSharing(v, http.StatusUnprocessableEntity, sharingView{Amount: ui.Field{Error: v.Reader.T("shared.set.not")}})
	}
	var limit *money.Decimal
	if d := contents.Decimal(); d.Sign() > 0 {
		limit = &d
	}
	member := parseID(v.Form("member"))
	err = writeOwn(v, "sharing.limit", map[string]any{"member": member, "amount": contents.String()}, func(ctx context.Context, tx tenant.Tx) error {
		return setLimit(ctx, tx, v.Who.AccountID, member, contents.Unit(), limit)
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("sharing", "done", "1"))
}

func setLimit(ctx context.Context, tx tenant.Tx, owner, member uuid.UUID, unit money.Unit, limit *money.Decimal) error {
	err := balance.Limit(ctx, tx, owner, member, unit, limit)
	if errors.Is(err, balance.ErrGroup) {
		return account.ErrNotFound // not a member of the visitor's group
	}
	return err
}
