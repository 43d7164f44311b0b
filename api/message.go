package api

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// ListMessageTemplates implements oapi.StrictServerInterface.
func (s *Server) ListMessageTemplates(ctx context.Context, _ oapi.ListMessageTemplatesRequestObject) (oapi.ListMessageTemplatesResponseObject, error) {
	var book notice.Book
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		book, err = notice.OpenBook(ctx, tx)
		return err
	})
	return oapi.ListMessageTemplates200JSONResponse{Items: mapped(notice.Templates(), func(t notice.Template) oapi.MessageTemplate {
		whole, _ := notice.TemplateOf(t.Kind) // it stands in the list
		out := oapi.MessageTemplate{Kind: string(t.Kind), Group: t.Group, Marketing: t.Marketing, Words: []oapi.MessageWords{},
			Variables: mapped(whole.Variables, func(v notice.Variable) oapi.MessageVariable {
				return oapi.MessageVariable{Name: v.Name, Type: oapi.MessageVariableType(v.Type), Sample: v.Sample}
			})}
		for _, language := range notice.Languages {
			for _, channel := range notice.Channels {
				out.Words = append(out.Words, messageWords(whole, channel, language, book.Words(t.Kind, channel, language)))
			}
		}
		return out
	})}, err
}

func messageWords(t notice.Template, channel notice.Channel, language string, w notice.Words) oapi.MessageWords {
	own := w != notice.Default(t.Kind, channel, language)
	out := oapi.MessageWords{Channel: oapi.TellingWay(channel), Language: oapi.MessageWordsLanguage(language), Subject: optionalText(w.Subject), Body: optionalText(w.Body), Own: &own}
	if channel == notice.SMS {
		parts, _ := notice.Segments(w.Fill(t.Samples()).Body)
		out.Segments = &parts
	}
	return out
}

// PutMessageTemplate implements oapi.StrictServerInterface.
func (s *Server) PutMessageTemplate(ctx context.Context, r oapi.PutMessageTemplateRequestObject) (oapi.PutMessageTemplateResponseObject, error) {
	return nil, once(ctx, oapi.PutMessageTemplateResponseObject.VisitPutMessageTemplateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutMessageTemplateResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		c.note("template", r.Kind)
		template, err := notice.TemplateOf(notice.Kind(r.Kind))
		if err != nil {
			return nil, err
		}
		channel, language := notice.Channel(r.Body.Channel), string(r.Body.Language)
		_, err = notice.Change(ctx, tx, notice.Edition{Kind: template.Kind, Channel: channel, Language: language, By: c.who.Actor(),
			Words: notice.Words{Subject: value(r.Body.Subject), Body: value(r.Body.Body)}})
		if err != nil {
			return nil, err
		}
		book, err := notice.OpenBook(ctx, tx)
		return oapi.PutMessageTemplate200JSONResponse{Body: messageWords(template, channel, language, book.Words(template.Kind, channel, language))}, err
	})
}

// TestMessageTemplate implements oapi.StrictServerInterface.
func (s *Server) TestMessageTemplate(ctx context.Context, r oapi.TestMessageTemplateRequestObject) (oapi.TestMessageTemplateResponseObject, error) {
	return nil, once(ctx, oapi.TestMessageTemplateResponseObject.VisitTestMessageTemplateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.TestMessageTemplateResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		if err := c.isUser(); err != nil {
			return nil, err
		}
		words := notice.Words{Subject: value(r.Body.Subject), Body: r.Body.Body}
		said, err := c.stack.TryWords(ctx, tx, billing.Trial{Kind: notice.Kind(r.Kind), Channel: notice.Channel(r.Body.Channel), Words: words,
			Account: value(r.Body.Account), User: c.who.UserID})
		return oapi.TestMessageTemplate200JSONResponse{Body: oapi.MessageWords{Channel: oapi.TellingWay(r.Body.Channel), Language: oapi.MessageWordsLanguage(r.Body.Language),
			Subject: optionalText(said.Subject), Body: &said.Body}}, err
	})
}

// GetMessageSettings implements oapi.StrictServerInterface.
func (s *Server) GetMessageSettings(ctx context.Context, _ oapi.GetMessageSettingsRequestObject) (oapi.GetMessageSettingsResponseObject, error) {
	var out oapi.MessageSettings
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		out, err = messageSettings(ctx, tx)
		return err
	})
	return oapi.GetMessageSettings200JSONResponse(out), err
}

func messageSettings(ctx context.Context, tx tenant.Tx) (out oapi.MessageSettings, err error) {
	settings, err := notice.GetSettings(ctx, tx)
	if err != nil {
		return out, err
	}
	out.Document = document(settings)
	for name, into := range map[string]**bool{notice.GatewaySecret: &out.HasSecret, notice.ReceiptSecret: &out.HasReceiptSecret} {
		sealed, err := notice.Secret(ctx, tx, name)
		if err != nil {
			return out, err
		}
		there := len(sealed) > 0
		*into = &there
	}
	return out, nil
}

// PutMessageSettings implements oapi.StrictServerInterface.
func (s *Server) PutMessageSettings(ctx context.Context, r oapi.PutMessageSettingsRequestObject) (oapi.PutMessageSettingsResponseObject, error) {
	return nil, once(ctx, oapi.PutMessageSettingsResponseObject.VisitPutMessageSettingsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutMessageSettingsResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		var settings notice.Settings
		in := json.NewDecoder(bytes.NewReader(r.Body.Document))
		in.DisallowUnknownFields()
		if err := in.Decode(&settings); err != nil {
			return nil, &account.FieldError{Field: "document", Want: "quiet_from, quiet_to and sms, as they are described (" + err.Error() + ")"}
		}
		if err := c.stack.PutMessageSettings(ctx, tx, settings, value(r.Body.Secret), value(r.Body.ReceiptSecret)); err != nil {
			return nil, err
		}
		out, err := messageSettings(ctx, tx)
		return oapi.PutMessageSettings200JSONResponse{Body: out}, err
	})
}

// ListBadContacts implements oapi.StrictServerInterface.
func (s *Server) ListBadContacts(ctx context.Context, _ oapi.ListBadContactsRequestObject) (oapi.ListBadContactsResponseObject, error) {
	var list []notice.BadContact
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = notice.BadContacts(ctx, tx)
		return err
	})
	return oapi.ListBadContacts200JSONResponse{Items: mapped(list, badContact)}, err
}

func badContact(b notice.BadContact) oapi.BadContact {
	return oapi.BadContact{Channel: oapi.TellingWay(b.Channel), Address: b.Address, Reason: b.Reason, Message: optionalID(value(b.NoticeID)), Since: b.Since.UTC()}
}

// ClearBadContact implements oapi.StrictServerInterface.
func (s *Server) ClearBadContact(ctx context.Context, r oapi.ClearBadContactRequestObject) (oapi.ClearBadContactResponseObject, error) {
	return nil, once(ctx, oapi.ClearBadContactResponseObject.VisitClearBadContactResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ClearBadContactResponseObject, error) {
		c := callOf(ctx)
		c.object, c.objectID = "contact", uuid.Nil
		if err := notice.Clear(ctx, tx, notice.Channel(r.Body.Channel), r.Body.Address, c.who.Actor()); err != nil {
			return nil, err
		}
		list, err := notice.BadContacts(ctx, tx)
		return oapi.ClearBadContact200JSONResponse{Body: oapi.BadContactList{Items: mapped(list, badContact)}}, err
	})
}

// SmsReceipt implements oapi.StrictServerInterface. The signature is over the
// bytes as sent.
func (s *Server) SmsReceipt(ctx context.Context, r oapi.SmsReceiptRequestObject) (oapi.SmsReceiptResponseObject, error) {
	c := callOf(ctx)
	err := c.stack.ReceiveSMSReport(ctx, r.Params.XSignature, c.body)
	return oapi.SmsReceipt204Response{}, err
}
