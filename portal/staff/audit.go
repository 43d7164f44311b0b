package staff

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
)

const (
	auditPage  = 50
	auditSheet = 10_000 // rows of one export
)

type auditView struct {
	ui.ConsolePage
	Entries     []auditEntry
	Action, Who string
	Object      string
	Kinds       []ui.Choice
	People      []ui.Choice
	Sheet       string
	First, Next string
	Path        string
	Narrowed    bool
}

// auditKinds are the beginnings of actions that can be chosen.
var auditKinds = []string{"operator.", "stack.", "visit.", "breakglass.", "sandbox.", "staff.", "site.", "upgrade.", "move.", "takeout.", "backup.", "machine.", "enrolment.", "hardware.", "alarm."}

func auditQuery(v *web.StaffVisit) tenants.AuditQuery {
	q := tenants.AuditQuery{Actor: v.Query("who"), Action: v.Query("action"), Limit: auditPage + 1}
	if id, err := uuid.Parse(v.Query("object")); err == nil {
		q.Object = id
	}
	if id, err := uuid.Parse(v.Query("before")); err == nil {
		q.Before = id
	}
	return q
}

func (p pages) audit(v *web.StaffVisit) error {
	frame, err := p.frame(v, auditSection, v.Reader.T("staff.nav.audit"))
	if err != nil {
		return err
	}
	q := auditQuery(v)
	narrowed := []string{"who", q.Actor, "action", q.Action, "object", v.Query("object")}
	view := auditView{ConsolePage: frame, Action: q.Action, Who: q.Actor, Object: v.Query("object"), Path: v.URL("audit"), Sheet: v.URL("audit.csv", narrowed...),
		Narrowed: q.Actor != "" || q.Action != "" || q.Object != uuid.Nil}
	if q.Before != uuid.Nil {
		view.First = v.URL("audit", narrowed...)
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tenants.FindAudit(ctx, tx, q)
		if err != nil {
			return err
		}
		if len(rows) > auditPage {
			rows = rows[:auditPage]
			view.Next = v.URL("audit", append(narrowed, "before", rows[auditPage-1].ID.String())...)
		}
		for _, row := range rows {
			view.Entries = append(view.Entries, entryOf(v, row))
		}
		users, err := tenants.ListStaff(ctx, tx, uuid.Nil, 2*auditPage)
		view.People = []ui.Choice{{Label: v.Reader.T("staff.anybody")}, {Value: tenants.System.String(), Label: v.Reader.T("staff.system"), Chosen: q.Actor == tenants.System.String()}}
		for _, u := range users {
			actor := tenants.Actor{ID: u.ID}.String()
			view.People = append(view.People, ui.Choice{Value: actor, Label: u.Email, Chosen: q.Actor == actor})
		}
		return err
	})
	if err != nil {
		return err
	}
	view.Kinds = []ui.Choice{{Label: v.Reader.T("staff.anything")}}
	for _, kind := range auditKinds {
		view.Kinds = append(view.Kinds, ui.Choice{Value: kind, Label: v.Reader.T("staff.audit." + kind + "all"), Chosen: q.Action == kind})
	}
	return v.Show(http.StatusOK, auditList(view))
}

func (p pages) auditSheet(v *web.StaffVisit) error {
	q := auditQuery(v)
	q.Limit = auditSheet
	sheet := web.NewSheet("at", "actor", "email", "action", "object", "detail", "trace")
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tenants.FindAudit(ctx, tx, q)
		for _, row := range rows {
			sheet.Add(row.At.Format(time.RFC3339), row.Actor, row.Email, row.Action, row.Object.String(), string(row.Detail), row.Trace)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.SendSheet("audit", sheet)
}
