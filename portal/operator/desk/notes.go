package desk

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/desk"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// notesView is what people wrote down, and the form to add to it.
type notesView struct {
	form  *form // nil: the visitor may not write
	notes []noteView
	next  string
	pins  string // beginning of the addresses that pin
}

type noteView struct {
	desk.Note
	at string
}

func showNotes(v *web.Visit) error { return answerNotes(v, http.StatusOK, "") }

func answerNotes(v *web.Visit, status int, fault string) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var found []desk.Note
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = desk.Notes(ctx, tx, p.ID, parseID(v.Query("before")), rowsAPage+1)
		return err
	})
	if err != nil {
		return err
	}
	view := notesView{pins: v.Console(p.path("notes")) + "/"}
	if len(found) > rowsAPage {
		found = found[:rowsAPage]
		view.next = v.Console(p.path("notes"), "before", found[rowsAPage-1].ID.String())
	}
	for _, n := range found {
		view.notes = append(view.notes, noteView{n, v.Reader.DateTime(n.CreatedAt)})
	}
	if v.May(identity.NoteWrite) {
		view.form = noteForm(v, p, fault)
	}
	page, head := p.framed(v, "notes")
	return v.Show(status, notesPage(page, head, view))
}

func noteForm(v *web.Visit, p *person, fault string) *form {
	r := v.Reader
	f := p.form(v, "notes")
	f.title, f.key, f.submit = r.T("desk.note.new"), command.NewKey(), r.T("desk.note.add")
	f.fields = []control{
		{kind: area, Field: ui.Field{ID: "text", Label: r.T("desk.note.text"), Value: v.Form("text"), MaxLength: strconv.Itoa(desk.MaxNote), Error: fault}},
		{kind: check, ticked: v.Form("pinned") != "", Field: ui.Field{ID: "pinned", Label: r.T("desk.note.pin.new"), Optional: true}},
	}
	return &f
}

func addNote(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	n := desk.Note{ID: command.ID(v), AccountID: p.ID, Text: v.Form("text"), Pinned: v.Form("pinned") != "", By: v.Who.Actor(), Author: author(v)}
	next, err := command.CarryOut(v, &command.Command{Action: "note.add", Object: "note", ID: n.ID, Detail: map[string]any{"account": p.Number},
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			_, err := desk.AddNote(ctx, tx, n)
			return v.Console(p.path("notes"), "done", "noted"), err
		}})
	if errors.Is(err, desk.ErrNote) {
		return answerNotes(v, http.StatusUnprocessableEntity, v.Reader.T("desk.note.not", "most", strconv.Itoa(desk.MaxNote)))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// author is the name by which a note's writer is known.
func author(v *web.Visit) string {
	if v.User.Name != "" {
		return v.User.Name
	}
	return v.User.Email
}

// pinNote keeps a note on top, or lets it go.
func pinNote(v *web.Visit) error {
	account, note := idOf(v, "account"), idOf(v, "note")
	pin, action := desk.PinNote, "note.pin"
	if v.Form("pinned") == "" {
		pin, action = desk.UnpinNote, "note.unpin"
	}
	if note == uuid.Nil {
		return desk.ErrNoNote
	}
	next, err := command.CarryOut(v, &command.Command{Action: action, Object: "note", ID: note,
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			return v.Console("subscribers/"+account.String()+"/notes", "done", "pinned"), pin(ctx, tx, account, note)
		}})
	if err != nil {
		return err
	}
	return v.Lead(next)
}
