package admin

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// companies are the operator's legal entities with their branches.
type companies struct {
	Entities []account.LegalEntity
	Branches []account.Branch
}

func loadCompanies(ctx context.Context, tx tenant.Tx) (c companies, err error) {
	if c.Entities, err = account.LegalEntities(ctx, tx); err != nil {
		return c, err
	}
	c.Branches, err = account.Branches(ctx, tx)
	return c, err
}

// of are the branches of a legal entity.
func (c companies) of(entity uuid.UUID) []account.Branch {
	var branches []account.Branch
	for _, b := range c.Branches {
		if b.LegalEntity == entity {
			branches = append(branches, b)
		}
	}
	return branches
}

func (c companies) entity(id uuid.UUID) (account.LegalEntity, error) {
	i := slices.IndexFunc(c.Entities, func(e account.LegalEntity) bool { return e.ID == id })
	if i < 0 {
		return account.LegalEntity{}, account.ErrNotFound
	}
	return c.Entities[i], nil
}

func (c companies) branch(id uuid.UUID) (account.Branch, error) {
	i := slices.IndexFunc(c.Branches, func(b account.Branch) bool { return b.ID == id })
	if i < 0 {
		return account.Branch{}, account.ErrNotFound
	}
	return c.Branches[i], nil
}

// entityChoices are the legal entities as entries of a control.
func (c companies) entityChoices() []ui.Choice {
	var choices []ui.Choice
	for _, e := range c.Entities {
		choices = append(choices, ui.Choice{Value: e.ID.String(), Label: e.Name})
	}
	return choices
}

// companiesView is the page of legal entities and branches, or of one of them.
type companiesView struct {
	ui.ConsolePage
	companies
	Tabs []ui.NavItem
	Done string
	May  bool
	Form form
	To   string // where the form goes
	New  bool
}

func readCompanies(v *web.Visit) (c companies, err error) {
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		c, err = loadCompanies(ctx, tx)
		return err
	})
	return c, err
}

func companiesPageOf(v *web.Visit, c companies, f form) companiesView {
	return companiesView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("admin.set.tab.branches")), companies: c,
		Tabs: settingsNav(v, "branches"), Done: v.Query("done"), May: v.May(identity.BranchWrite), Form: f}
}

// branches lists companies and branches, with a form for another branch.
func branches(v *web.Visit) error {
	c, err := readCompanies(v)
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, companiesPage(companiesPageOf(v, c, newForm(nil))))
}

func addBranch(v *web.Visit) error {
	f := sentForm(v, "name", "legal_entity")
	entity, err := uuid.Parse(f.Typed["legal_entity"])
	if err != nil {
		return account.ErrNotFound
	}
	_, err = once(v, "branch.add", func(ctx context.Context, tx tenant.Tx) (act, error) {
		made, err := account.AddBranch(ctx, tx, account.Branch{LegalEntity: entity, Name: f.Typed["name"]})
		return act{"branch", made.ID, map[string]any{"name": made.Name}}, err
	})
	if refuseName(v, &f, err) {
		c, err := readCompanies(v)
		if err != nil {
			return err
		}
		return v.Show(f.status(), companiesPage(companiesPageOf(v, c, f)))
	}
	if err != nil {
		return err
	}
	return after(v, "settings/branches", "branch.added")
}

// refuseName tells what was wrong with a name; false if it was something else.
func refuseName(v *web.Visit, f *form, err error) bool {
	switch {
	case fieldOf(err) == "name":
		f.refuse("name", v.Reader.T("admin.company.want.name"))
	case refusedBy(err, account.ErrNameTaken):
		f.refuse("name", v.Reader.T("admin.company.taken"))
	default:
		return false
	}
	return true
}

// branch is the page to change one.
func branch(v *web.Visit) error {
	b, err := branchOf(v)
	if err != nil {
		return err
	}
	f := newForm(map[string]string{"name": b.Name})
	return showBranch(v, b, f)
}

func branchOf(v *web.Visit) (account.Branch, error) {
	id, err := idIn(v, "branch")
	if err != nil {
		return account.Branch{}, err
	}
	c, err := readCompanies(v)
	if err != nil {
		return account.Branch{}, err
	}
	return c.branch(id)
}

func showBranch(v *web.Visit, b account.Branch, f form) error {
	view := companiesPageOf(v, companies{}, f)
	view.To = v.Console("settings/branches/" + b.ID.String())
	return v.Show(f.status(), branchPage(view, b))
}

func saveBranch(v *web.Visit) error {
	b, err := branchOf(v)
	if err != nil {
		return err
	}
	f := sentForm(v, "name")
	_, err = once(v, "branch.change", func(ctx context.Context, tx tenant.Tx) (act, error) {
		changed := account.Branch{ID: b.ID, Name: f.Typed["name"], Default: v.Form("default") != ""}
		return act{"branch", b.ID, map[string]any{"name": changed.Name, "default": changed.Default}}, account.ChangeBranch(ctx, tx, changed)
	})
	if refuseName(v, &f, err) {
		return showBranch(v, b, f)
	}
	if err != nil {
		return err
	}
	return after(v, "settings/branches", "saved")
}
