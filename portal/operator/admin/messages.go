package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// messagesPerPage is how many messages stand on one page.
const messagesPerPage = 50

// messagesView is what was sent to people, or would have been.
type messagesView struct {
	ui.ConsolePage
	Sandbox     bool
	Messages    []notice.Stored
	First, Next string
}

func messages(v *web.Visit) error {
	view := messagesView{ConsolePage: frame.Of(v, frame.Messages, v.Reader.T("con.nav.messages")), Sandbox: v.Stack.Ref.Sandbox}
	before := cursor(v)
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		view.Messages, err = notice.List(ctx, tx, notice.Query{Before: before, Limit: messagesPerPage + 1})
		return err
	})
	if err != nil {
		return err
	}
	if before != uuid.Nil {
		view.First = v.Console("messages")
	}
	if len(view.Messages) > messagesPerPage {
		view.Messages = view.Messages[:messagesPerPage]
		view.Next = v.Console("messages", "before", view.Messages[messagesPerPage-1].ID.String())
	}
	return v.Show(http.StatusOK, messagesPage(view))
}

// messageView is one message.
type messageView struct {
	ui.ConsolePage
	notice.Stored
	Sealed  bool // its text opens somebody's door, and is not for other eyes
	Account string
}

// mayReadText says whether the visitor may read a message's text. In a sandbox
// mail goes nowhere, so those who look after users have to hand links on
// themselves: but none that lets them in as somebody with more rights.
func mayReadText(ctx context.Context, tx tenant.Tx, v *web.Visit, m notice.Stored) (bool, error) {
	if !m.Kind.OpensDoor() {
		return true, nil
	}
	if !v.Stack.Ref.Sandbox || !v.May(identity.UserWrite) {
		return false, nil
	}
	err := v.Authority().MayManageAt(ctx, tx, v.Who, m.To)
	if errors.Is(err, identity.ErrBeyond) {
		return false, nil
	}
	return err == nil, err
}

func message(v *web.Visit) error {
	id, err := idIn(v, "message")
	if err != nil {
		return err
	}
	view := messageView{ConsolePage: frame.Of(v, frame.Messages, v.Reader.T("con.nav.messages"))}
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.Stored, err = notice.Get(ctx, tx, id); err != nil {
			return err
		}
		readable, err := mayReadText(ctx, tx, v, view.Stored)
		view.Sealed = !readable
		return err
	})
	if err != nil {
		return err
	}
	if view.Sealed {
		view.Body, view.Link = "", ""
	}
	if view.AccountID != uuid.Nil && v.May(identity.AccountRead) {
		view.Account = v.Console("subscribers/" + view.AccountID.String())
	}
	return v.Show(http.StatusOK, messagePage(view))
}

// about is what a message says on top: its subject, or for one without what it
// is about.
func about(r ui.Reader, m notice.Stored) string {
	if strings.TrimSpace(m.Subject) != "" {
		return m.Subject
	}
	return worded(r, "admin.message.", string(m.Kind))
}

// messageState says how far a message is.
func messageState(r ui.Reader, s notice.State) (ui.Tone, string) {
	tone := map[notice.State]ui.Tone{notice.Recorded: ui.Off, notice.Waiting: ui.Info, notice.Sent: ui.OK, notice.Failed: ui.Bad}[s]
	return tone, worded(r, "admin.message.state.", string(s))
}
