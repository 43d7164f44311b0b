package api

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// ListEventTypes implements oapi.StrictServerInterface.
func (s *Server) ListEventTypes(context.Context, oapi.ListEventTypesRequestObject) (oapi.ListEventTypesResponseObject, error) {
	return oapi.ListEventTypes200JSONResponse{Items: mapped(event.Kinds, func(k event.Kind) oapi.EventType {
		return oapi.EventType{Type: string(k.Type), Object: string(k.Object), Meaning: k.Meaning, Schema: k.SchemaText()}
	})}, nil
}

func eventBody(e event.Stored) oapi.EventObject {
	body, err := e.Body()
	if err != nil {
		return json.RawMessage(`{}`) // what was stored is JSON
	}
	return body
}

// ListEvents implements oapi.StrictServerInterface.
func (s *Server) ListEvents(ctx context.Context, r oapi.ListEventsRequestObject) (oapi.ListEventsResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var list []event.Stored
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = event.List(ctx, tx, event.Query{Type: event.Type(value(r.Params.Type)), ObjectID: value(r.Params.ObjectId), From: value(r.Params.From), To: value(r.Params.To),
			Before: before, Limit: pageLimit(r.Params.Limit) + 1})
		return err
	})
	page, next := cut(list, r.Params.Limit, func(e event.Stored) []string { return []string{e.ID.String()} })
	return oapi.ListEvents200JSONResponse{Items: mapped(page, eventBody), Next: next}, err
}

func webhookSettings(s event.Settings) oapi.WebhookSettings {
	out := oapi.WebhookSettings{KeepEvents: s.Kept, Networks: []string{}}
	for _, n := range s.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

// GetWebhookSettings implements oapi.StrictServerInterface.
func (s *Server) GetWebhookSettings(ctx context.Context, _ oapi.GetWebhookSettingsRequestObject) (oapi.GetWebhookSettingsResponseObject, error) {
	var settings event.Settings
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		settings, err = event.GetSettings(ctx, tx)
		return err
	})
	return oapi.GetWebhookSettings200JSONResponse(webhookSettings(settings)), err
}

// PutWebhookSettings implements oapi.StrictServerInterface.
func (s *Server) PutWebhookSettings(ctx context.Context, r oapi.PutWebhookSettingsRequestObject) (oapi.PutWebhookSettingsResponseObject, error) {
	return nil, once(ctx, oapi.PutWebhookSettingsResponseObject.VisitPutWebhookSettingsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutWebhookSettingsResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		networks, err := event.ParseNetworks(strings.Join(r.Body.Networks, ","), c.stack.Reachable())
		if err != nil {
			return nil, err
		}
		if err := event.PutSettings(ctx, tx, event.Settings{Kept: r.Body.KeepEvents, Networks: networks}); err != nil {
			return nil, err
		}
		settings, err := event.GetSettings(ctx, tx)
		return oapi.PutWebhookSettings200JSONResponse{Body: webhookSettings(settings)}, err
	})
}

func endpointOf(e event.Endpoint) oapi.WebhookEndpoint {
	return oapi.WebhookEndpoint{Id: e.ID, Url: e.URL, Description: e.Description, Types: mapped(e.Types, func(t event.Type) string { return string(t) }),
		State: oapi.WebhookEndpointState(e.State), Reason: optionalText(e.Reason), Waiting: e.Waiting, OldSecretUntil: e.OldUntil, FailingSince: e.FailingSince,
		DeliveredAt: e.DeliveredAt, CreatedAt: e.CreatedAt}
}

func wishOf(b *oapi.WebhookEndpointWish) event.Wish {
	w := event.Wish{URL: b.Url, Description: value(b.Description)}
	for _, t := range value(b.Types) {
		w.Types = append(w.Types, event.Type(t))
	}
	return w
}

// ListWebhookEndpoints implements oapi.StrictServerInterface.
func (s *Server) ListWebhookEndpoints(ctx context.Context, _ oapi.ListWebhookEndpointsRequestObject) (oapi.ListWebhookEndpointsResponseObject, error) {
	var list []event.Endpoint
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = event.Endpoints(ctx, tx)
		return err
	})
	return oapi.ListWebhookEndpoints200JSONResponse{Items: mapped(list, endpointOf)}, err
}

// GetWebhookEndpoint implements oapi.StrictServerInterface.
func (s *Server) GetWebhookEndpoint(ctx context.Context, r oapi.GetWebhookEndpointRequestObject) (oapi.GetWebhookEndpointResponseObject, error) {
	var e event.Endpoint
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		e, err = event.Get(ctx, tx, r.Endpoint)
		return err
	})
	return oapi.GetWebhookEndpoint200JSONResponse(endpointOf(e)), err
}

// CreateWebhookEndpoint implements oapi.StrictServerInterface.
func (s *Server) CreateWebhookEndpoint(ctx context.Context, r oapi.CreateWebhookEndpointRequestObject) (oapi.CreateWebhookEndpointResponseObject, error) {
	return nil, once(ctx, oapi.CreateWebhookEndpointResponseObject.VisitCreateWebhookEndpointResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateWebhookEndpointResponseObject, error) {
		c := callOf(ctx)
		e, secret, err := event.Add(ctx, tx, c.stack.Sealer(), uuid.Must(uuid.NewV7()), wishOf(r.Body), c.who.Actor())
		c.about("webhook_endpoint", e.ID)
		c.note("url", r.Body.Url)
		return oapi.CreateWebhookEndpoint201JSONResponse{Body: oapi.WebhookEndpointSecret{Endpoint: endpointOf(e), Secret: secret}}, err
	})
}

// ChangeWebhookEndpoint implements oapi.StrictServerInterface.
func (s *Server) ChangeWebhookEndpoint(ctx context.Context, r oapi.ChangeWebhookEndpointRequestObject) (oapi.ChangeWebhookEndpointResponseObject, error) {
	return nil, once(ctx, oapi.ChangeWebhookEndpointResponseObject.VisitChangeWebhookEndpointResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeWebhookEndpointResponseObject, error) {
		c := callOf(ctx)
		c.about("webhook_endpoint", r.Endpoint)
		c.note("url", r.Body.Url)
		e, err := event.Change(ctx, tx, r.Endpoint, wishOf(r.Body))
		return oapi.ChangeWebhookEndpoint200JSONResponse{Body: endpointOf(e)}, err
	})
}

// RemoveWebhookEndpoint implements oapi.StrictServerInterface.
func (s *Server) RemoveWebhookEndpoint(ctx context.Context, r oapi.RemoveWebhookEndpointRequestObject) (oapi.RemoveWebhookEndpointResponseObject, error) {
	return nil, once(ctx, oapi.RemoveWebhookEndpointResponseObject.VisitRemoveWebhookEndpointResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveWebhookEndpointResponseObject, error) {
		callOf(ctx).about("webhook_endpoint", r.Endpoint)
		return oapi.RemoveWebhookEndpoint204Response{}, event.Remove(ctx, tx, r.Endpoint)
	})
}

// SwitchWebhookEndpoint implements oapi.StrictServerInterface.
func (s *Server) SwitchWebhookEndpoint(ctx context.Context, r oapi.SwitchWebhookEndpointRequestObject) (oapi.SwitchWebhookEndpointResponseObject, error) {
	return nil, once(ctx, oapi.SwitchWebhookEndpointResponseObject.VisitSwitchWebhookEndpointResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SwitchWebhookEndpointResponseObject, error) {
		callOf(ctx).about("webhook_endpoint", r.Endpoint)
		to := event.Off
		if r.Body.Active {
			to = event.Active
		}
		e, err := event.Switch(ctx, tx, r.Endpoint, to)
		return oapi.SwitchWebhookEndpoint200JSONResponse{Body: endpointOf(e)}, err
	})
}

// RotateWebhookSecret implements oapi.StrictServerInterface.
func (s *Server) RotateWebhookSecret(ctx context.Context, r oapi.RotateWebhookSecretRequestObject) (oapi.RotateWebhookSecretResponseObject, error) {
	return nil, once(ctx, oapi.RotateWebhookSecretResponseObject.VisitRotateWebhookSecretResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RotateWebhookSecretResponseObject, error) {
		c := callOf(ctx)
		c.about("webhook_endpoint", r.Endpoint)
		e, secret, err := event.Rotate(ctx, tx, c.stack.Sealer(), r.Endpoint)
		return oapi.RotateWebhookSecret200JSONResponse{Body: oapi.WebhookEndpointSecret{Endpoint: endpointOf(e), Secret: secret}}, err
	})
}

func deliveryOf(d event.Delivery) oapi.WebhookDelivery {
	return oapi.WebhookDelivery{Id: d.ID, Event: eventBody(d.Event), State: oapi.WebhookDeliveryState(d.State), Attempts: d.Attempts, NextAt: d.NextAt, DoneAt: d.DoneAt,
		Log: mapped(d.Log, func(a event.Attempt) oapi.WebhookAttempt {
			return oapi.WebhookAttempt{At: a.At, TookMs: a.TookMilli, Status: unless(0, a.Status), Error: optionalText(a.Error), Url: a.URL, Signature: a.Signature, Response: optionalText(a.Response)}
		})}
}

// TryWebhookEndpoint implements oapi.StrictServerInterface.
func (s *Server) TryWebhookEndpoint(ctx context.Context, r oapi.TryWebhookEndpointRequestObject) (oapi.TryWebhookEndpointResponseObject, error) {
	return nil, once(ctx, oapi.TryWebhookEndpointResponseObject.VisitTryWebhookEndpointResponse, func(ctx context.Context, tx tenant.Tx) (oapi.TryWebhookEndpointResponseObject, error) {
		callOf(ctx).about("webhook_endpoint", r.Endpoint)
		d, err := event.Try(ctx, tx, r.Endpoint)
		return oapi.TryWebhookEndpoint202JSONResponse{Body: deliveryOf(d)}, err
	})
}

// ReplayWebhooks implements oapi.StrictServerInterface.
func (s *Server) ReplayWebhooks(ctx context.Context, r oapi.ReplayWebhooksRequestObject) (oapi.ReplayWebhooksResponseObject, error) {
	return nil, once(ctx, oapi.ReplayWebhooksResponseObject.VisitReplayWebhooksResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ReplayWebhooksResponseObject, error) {
		callOf(ctx).about("webhook_endpoint", r.Endpoint)
		n, err := event.Replay(ctx, tx, r.Endpoint, event.Range{Event: value(r.Body.EventId), From: value(r.Body.From), To: value(r.Body.To)})
		return oapi.ReplayWebhooks202JSONResponse{Body: oapi.WebhookReplayed{Events: n}}, err
	})
}

// ListWebhookDeliveries implements oapi.StrictServerInterface.
func (s *Server) ListWebhookDeliveries(ctx context.Context, r oapi.ListWebhookDeliveriesRequestObject) (oapi.ListWebhookDeliveriesResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var list []event.Delivery
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := event.Get(ctx, tx, r.Endpoint); err != nil {
			return err
		}
		list, err = event.Deliveries(ctx, tx, event.DeliveryQuery{EndpointID: r.Endpoint, State: event.DeliveryState(value(r.Params.State)), Type: event.Type(value(r.Params.Type)),
			Before: before, Limit: pageLimit(r.Params.Limit) + 1})
		return err
	})
	page, next := cut(list, r.Params.Limit, func(d event.Delivery) []string { return []string{d.Event.ID.String()} })
	return oapi.ListWebhookDeliveries200JSONResponse{Items: mapped(page, deliveryOf), Next: next}, err
}
