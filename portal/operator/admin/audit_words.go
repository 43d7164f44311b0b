package admin

import (
	"context"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// objectPage is where things of a kind are shown, and what one has to be
// allowed to see them.
type objectPage struct {
	path  string
	wants identity.Permission
}

// objectPages are where things are shown that entries speak of, by their kinds.
var objectPages = map[string]objectPage{
	"account": {"subscribers/", identity.AccountRead}, "billing_account": {"subscribers/", identity.AccountRead}, "bill": {"bills/", identity.BillRead},
	"order": {"orders/", identity.OrderRead}, "payment": {"payments/", identity.PaymentRead}, "bill_run": {"bill-runs/", identity.BillRunRun},
	"user": {"users/", identity.UserRead}, "branch": {"settings/branches/", identity.BranchWrite}, "legal_entity": {"settings/legal-entities/", identity.BranchWrite},
	"import": {"import/", identity.IntakeWrite}, "intake_batch": {"import/", identity.IntakeWrite},
}

// kindChoices are the kinds of things that the list can be narrowed to.
func kindChoices(r ui.Reader) []ui.Choice {
	choices := []ui.Choice{{Label: r.T("admin.audit.anything")}}
	for _, kind := range []string{"account", "order", "subscription", "bill", "bill_run", "payment", "offering", "user", "role", "api_key", "operator",
		"branch", "legal_entity", "voucher_batch", "bucket", "source", "import", "consent", "visit", "sandbox_copy"} {
		choices = append(choices, ui.Choice{Value: kind, Label: worded(r, "admin.kind.", kind)})
	}
	return choices
}

// operationName is how operations of the API are called.
var operationName = regexp.MustCompile(`^[a-z]+[A-Z][A-Za-z]*$`)

// actionWords says what was done. An operation of the API without words of its
// own is told by its name, as its callers know it.
func actionWords(r ui.Reader, action string) string {
	words := worded(r, "admin.act.", action)
	if words == action && operationName.MatchString(action) {
		return r.T("admin.act.api", "operation", action)
	}
	return words
}

// actors are the names of who did what, by the audit's own names for them.
type actors map[string]string

// actorsOf finds the names of all who stand in some entries, in one reading.
func actorsOf(ctx context.Context, tx tenant.Tx, v *web.Visit, entries []audit.Recorded) (actors, error) {
	named := make([]string, len(entries))
	for i, e := range entries {
		named[i] = e.Actor
	}
	return namesOf(ctx, tx, v, named)
}

func namesOf(ctx context.Context, tx tenant.Tx, v *web.Visit, named []string) (actors, error) {
	var users []uuid.UUID
	byKey := false
	for _, actor := range named {
		kind, id, _ := strings.Cut(actor, ":")
		if known, err := uuid.Parse(id); err == nil && kind == "user" {
			users = append(users, known)
		}
		byKey = byKey || kind == "key"
	}
	names := actors{}
	people, err := v.Authority().NamesOf(ctx, tx, users)
	if err != nil {
		return nil, err
	}
	for id, name := range people {
		names["user:"+id.String()] = name
	}
	if !byKey {
		return names, nil
	}
	keys, err := v.Authority().APIKeys(ctx, tx, uuid.Nil, maxPeople)
	for _, k := range keys {
		names["key:"+k.ID.String()] = v.Reader.T("admin.audit.key", "name", k.Name)
	}
	return names, err
}

// of is how people call an actor: a colleague by name, the rest by what it is.
func (a actors) of(r ui.Reader, actor string) string {
	if name, known := a[actor]; known {
		return name
	}
	kind, _, _ := strings.Cut(actor, ":")
	switch kind {
	case "staff", "job", "key", "control", "user":
		return r.T("admin.audit.by." + kind)
	}
	return actor
}
