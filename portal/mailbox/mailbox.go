package mailbox

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

const pageRows = 30

// Register adds the page of each sandbox.
func Register(e *echo.Echo, site *web.Site) { e.GET("/t/:tenant/mailbox", site.Open(show)) }

// letter is a message as it is shown.
type letter struct {
	Icon, To, Subject, At, Body, Link string
}

func show(v *web.Visit) error {
	if !v.Stack.Ref.Sandbox {
		return notice.ErrNotFound
	}
	before, err := uuid.Parse(v.Query("before"))
	if err != nil {
		before = uuid.Nil
	}
	var found []notice.Stored
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = notice.List(ctx, tx, notice.Query{Before: before, Limit: pageRows + 1})
		return err
	})
	if err != nil {
		return err
	}
	next := ""
	if len(found) > pageRows {
		found = found[:pageRows]
		next = v.URL("mailbox", "before", found[pageRows-1].ID.String())
	}
	page := v.Page(v.Reader.T("mailbox.title"))
	return v.Show(http.StatusOK, mailboxPage(page, letters(v.Reader, found), v.URL("mailbox"), next))
}

func letters(r ui.Reader, found []notice.Stored) []letter {
	list := make([]letter, 0, len(found))
	for _, m := range found {
		l := letter{Icon: "mail", To: m.To, Subject: m.Subject, At: r.Short(m.CreatedAt), Body: m.Body, Link: m.Link}
		if m.Channel == notice.SMS {
			l.Icon = "phone"
			l.Subject, _, _ = strings.Cut(m.Body, "\n")
		}
		list = append(list, l)
	}
	return list
}
