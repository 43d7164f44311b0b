package subscriber

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/billing"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// noNewsPath is where messages about offers lead who wants no more of them: the
// token follows.
const noNewsPath = "no-news/"

// choiceView is how a subscriber wants to be told.
type choiceView struct {
	Ways []wayView
	News bool
}

type wayView struct {
	Field  ui.Field
	Chosen bool
}

// ways are the channels among which a subscriber chooses.
var ways = []notice.Channel{notice.Mail, notice.SMS, notice.Portal}

func choiceOf(ctx context.Context, tx tenant.Tx, v *web.Visit) (view choiceView, err error) {
	choice, err := tell.ChoiceOf(ctx, tx, v.Who.AccountID)
	if err != nil {
		return view, err
	}
	view.News = choice.News
	chosen := map[notice.Channel]bool{}
	for _, channel := range choice.Channels {
		chosen[channel] = true
	}
	for _, channel := range ways {
		view.Ways = append(view.Ways, wayView{ui.Field{ID: "way-" + string(channel), Name: string(channel), Label: v.Reader.T("told.way." + string(channel)), Optional: true}, chosen[channel]})
	}
	return view, nil
}

// choose keeps how the subscriber wants to be told.
func choose(v *web.Visit) error {
	choice := tell.Choice{News: v.Form("news") != ""}
	names := []string{}
	for _, channel := range ways {
		if v.Form(string(channel)) != "" {
			choice.Channels = append(choice.Channels, channel)
			names = append(names, string(channel))
		}
	}
	err := writeOwn(v, "account.message-choice", map[string]any{"channels": names, "news": choice.News}, func(ctx context.Context, tx tenant.Tx) error {
		return tell.Choose(ctx, tx, v.Who.AccountID, choice)
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("account", "done", "choice"))
}

// messagesView are the messages that a subscriber was sent.
type messagesView struct {
	Page     ui.Page
	Messages []messageView
	Back     string
}

type messageView struct {
	At, Subject, Body, Link string
}

// mostMessages bounds what is shown of them.
const mostMessages = 50

// showMessages lists what the account was told, newest first. What opens a door
// is its recipient's alone.
func showMessages(v *web.Visit) error {
	view := messagesView{Page: pageOf(v, sectionAccount, v.Reader.T("told.title")), Back: v.URL("account")}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		list, err := notice.List(ctx, tx, notice.Query{AccountID: v.Who.AccountID, Limit: mostMessages})
		for i := range list {
			m := &list[i]
			if m.Kind.OpensDoor() || m.Channel == notice.Letter {
				continue
			}
			view.Messages = append(view.Messages, messageView{At: v.Reader.DateTime(m.CreatedAt), Subject: m.Subject, Body: m.Body, Link: m.Link})
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, messagesPage(view))
}

// noNewsView is the page that ends messages about offers.
type noNewsView struct {
	Page          ui.Page
	Action        string
	Stopped, Dead bool
}

func noNewsOf(v *web.Visit) noNewsView {
	return noNewsView{Page: v.Page(v.Reader.T("told.stop.title")), Action: v.URL(noNewsPath + v.Param("token"))}
}

// showNoNews asks before anything is done: programs follow links of mails too.
func showNoNews(v *web.Visit) error { return v.Show(http.StatusOK, noNewsPage(noNewsOf(v))) }

func stopNews(v *web.Visit) error {
	view := noNewsOf(v)
	err := v.Stack.StopNews(v.Context(), v.Param("token"))
	if errors.Is(err, billing.ErrNoNews) {
		view.Dead = true
		return v.Show(http.StatusNotFound, noNewsPage(view))
	}
	if err != nil {
		return err
	}
	view.Stopped = true
	return v.Show(http.StatusOK, noNewsPage(view))
}
