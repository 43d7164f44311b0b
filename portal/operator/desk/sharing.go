package desk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// sharingView is the group that an account owns, or is a member of.
type sharingView struct {
	here, key          string
	may                bool
	owns               bool
	name               string
	memberOf, owner    string // the group that it is a member of, and the owner's address
	members            []sharingMember
	group, who, amount ui.Field
	member             ui.Field
	choices            []ui.Choice
	faults             []ui.Fault
}

type sharingMember struct{ id, href, number, name, since, limits, used string }

func showSharing(v *web.Visit) error { return answerSharing(v, http.StatusOK, "", "") }

func answerSharing(v *web.Visit, status int, field, fault string) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r := v.Reader
	view := sharingView{here: v.Console(p.path("sharing")), key: command.NewKey(), may: v.May(identity.AccountWrite)}
	one := func(id, hint string) ui.Field {
		f := ui.Field{ID: id, Label: r.T("sales.share." + id), Hint: hint, Value: v.Form(id), MaxLength: "60", Autocomplete: "off"}
		if id == field {
			f.Error = fault
		}
		return f
	}
	view.group, view.who = one("group", ""), one("who", r.T("sales.share.who.hint"))
	view.member, view.amount = one("member", ""), one("amount", r.T("sales.share.amount.hint"))
	view.amount.Optional = true
	view.faults = ui.FaultsOf(view.group, view.who, view.member, view.amount)
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error { return view.load(ctx, tx, v, p) })
	if err != nil {
		return err
	}
	page, head := p.framed(v, "sharing")
	return v.Show(status, sharingPage(page, head, view))
}

func (s *sharingView) load(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	r := v.Reader
	g, err := balance.GroupOwnedBy(ctx, tx, p.ID)
	if errors.Is(err, balance.ErrGroup) {
		m, err := balance.MembershipOf(ctx, tx, p.ID)
		if errors.Is(err, balance.ErrGroup) {
			return nil
		}
		s.memberOf, s.owner = r.T("sales.share.of", "group", m.GroupName, "owner", m.OwnerName), v.Console("subscribers/"+m.OwnerID.String()+"/sharing")
		return err
	}
	if err != nil {
		return err
	}
	s.owns, s.name = true, g.Name
	for _, m := range g.Members {
		row := sharingMember{id: m.AccountID.String(), href: v.Console("subscribers/" + m.AccountID.String()), number: m.Number, name: m.Name, since: r.Date(r.LocalDate(m.JoinedAt)),
			limits: r.T("sales.share.none"), used: "–"}
		var limits, used string
		for _, unit := range m.Units() {
			if limit, set := m.Limits[unit]; set {
				limits = joined(limits, unitWords(r, limit, unit))
			}
			if n := m.UsedOf(unit); !n.IsZero() {
				used = joined(used, unitWords(r, n, unit))
			}
		}
		if limits != "" {
			row.limits = limits
		}
		if used != "" {
			row.used = used
		}
		s.members = append(s.members, row)
		s.choices = append(s.choices, ui.Choice{Value: row.id, Label: m.Number + " " + m.Name, Chosen: row.id == v.Form("member")})
	}
	return nil
}

// unitWords writes money as money and units as units.
func unitWords(r ui.Reader, d money.Decimal, unit money.Unit) string {
	if c, err := money.ParseCurrency(string(unit)); err == nil {
		return r.Money(money.New(d, c))
	}
	return r.Quantity(d, unit)
}

// share carries out one act on the group of the address's account.
func share(v *web.Visit, action, field string, detail map[string]any, do func(ctx context.Context, tx tenant.Tx, owner uuid.UUID) error) error {
	owner := idOf(v, "account")
	c := &command.Command{Action: action, Object: "account", ID: owner, Detail: detail}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("subscribers/"+owner.String()+"/sharing", "done", "shared"), do(ctx, tx, owner)
	}
	next, err := command.CarryOut(v, c)
	for _, known := range []struct {
		err error
		key string
	}{{balance.ErrShares, "shares"}, {balance.ErrGroup, "group"}, {balance.ErrNotMember, "gone"}, {account.ErrClosed, "closed"}, {account.ErrNotFound, "who"}} {
		if errors.Is(err, known.err) {
			return answerSharing(v, http.StatusUnprocessableEntity, field, v.Reader.T("sales.share.not."+known.key))
		}
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func foundGroup(v *web.Visit) error {
	name := strings.TrimSpace(v.Form("group"))
	if name == "" {
		return answerSharing(v, http.StatusUnprocessableEntity, "group", v.Reader.T("sales.share.not.name"))
	}
	return share(v, "sharing.found", "group", map[string]any{"name": name}, func(ctx context.Context, tx tenant.Tx, owner uuid.UUID) error {
		_, err := balance.Found(ctx, tx, owner, name)
		return err
	})
}

func dissolveGroup(v *web.Visit) error {
	return share(v, "sharing.dissolve", "who", nil, func(ctx context.Context, tx tenant.Tx, owner uuid.UUID) error {
		return balance.Dissolve(ctx, tx, owner)
	})
}

func addMember(v *web.Visit) error {
	who := strings.TrimSpace(v.Form("who"))
	return share(v, "sharing.join", "who", map[string]any{"member": who}, func(ctx context.Context, tx tenant.Tx, owner uuid.UUID) error {
		member, err := balance.AccountNamed(ctx, tx, strings.ReplaceAll(who, " ", ""))
		if err != nil {
			return err
		}
		return balance.Join(ctx, tx, owner, member)
	})
}

func removeMember(v *web.Visit) error {
	member := idOf(v, "member")
	return share(v, "sharing.leave", "who", map[string]any{"member": member}, func(ctx context.Context, tx tenant.Tx, owner uuid.UUID) error {
		return balance.Leave(ctx, tx, owner, member)
	})
}

// limitMember bounds what a member may use in a cycle; without a number after
// the unit's sign the bound is lifted.
func limitMember(v *web.Visit) error {
	contents, err := catalog.ParseContents(strings.TrimSpace(v.Form("amount")))
	if err != nil {
		return answerSharing(v, http.StatusUnprocessableEntity, "amount", v.Reader.T("sales.share.not.amount"))
	}
	member, limit := parseID(v.Form("member")), contents.Decimal()
	lift := v.Form("lift") != ""
	return share(v, "sharing.limit", "amount", map[string]any{"member": member, "amount": contents.String(), "lift": lift}, func(ctx context.Context, tx tenant.Tx, owner uuid.UUID) error {
		if lift {
			return balance.Limit(ctx, tx, owner, member, contents.Unit(), nil)
		}
		return balance.Limit(ctx, tx, owner, member, contents.Unit(), &limit)
	})
}
