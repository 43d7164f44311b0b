package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// PostUsageEvents implements oapi.StrictServerInterface.
func (s *Server) PostUsageEvents(ctx context.Context, r oapi.PostUsageEventsRequestObject) (oapi.PostUsageEventsResponseObject, error) {
	c := callOf(ctx)
	var out oapi.UsageOutcome
	err := c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		feed, err := usage.FindSource(ctx, tx, r.Body.Source)
		if err != nil {
			return err
		}
		items := eventItems(feed.Mapping, r.Body.Events, tx.At)
		outcomes, err := c.stack.Charging().Ingest(ctx, tx, charging.Batch{Source: feed.ID, Items: items})
		if err != nil {
			return err
		}
		if len(outcomes) == 1 && outcomes[0].Status == charging.Conflict {
			return fmt.Errorf("take event: %w", charging.ErrConflict)
		}
		out = usageOutcome(r.Body.Events, outcomes)
		return nil
	})
	return oapi.PostUsageEvents200JSONResponse(out), err
}

// eventItems reads events one by one: a wrong one is an item with its problem.
func eventItems(m usage.Mapping, events []oapi.UsageEvent, at time.Time) []usage.Item {
	items := make([]usage.Item, len(events))
	for i, text := range events {
		items[i].Raw = string(text[:min(len(text), usage.RawBytes)])
		event, fault := usage.DecodeEvent(text)
		if fault != nil {
			items[i].Problem = fault
			continue
		}
		// A record whose time is wrong comes with its problem: its key may
		// still show it to be a repeat.
		record, fault := m.FromEvent(event, at)
		items[i].Problem = fault
		if record.Key != "" {
			items[i].Record = &record
		}
	}
	return items
}

func usageOutcome(events []oapi.UsageEvent, outcomes []charging.Outcome) oapi.UsageOutcome {
	out := oapi.UsageOutcome{Items: make([]oapi.EventOutcome, len(outcomes))}
	for i, o := range outcomes {
		switch o.Status {
		case charging.Accepted, charging.Ignored:
			out.Accepted++
		case charging.Duplicate:
			out.Duplicates++
		case charging.Conflict:
			out.Conflicts++
		case charging.Rejected:
			out.Rejected++
		case charging.Suspended:
			out.Suspended++
		}
		out.Items[i] = eventOutcome(events[i], o)
	}
	return out
}

func eventOutcome(event oapi.UsageEvent, o charging.Outcome) oapi.EventOutcome {
	out := oapi.EventOutcome{Id: eventID(event), Outcome: oapi.EventOutcomeOutcome(o.Status), Usage: optionalID(o.UsageID)}
	if o.Problem != nil {
		out.Reason = optionalText(string(o.Problem.Code))
		out.Error = &oapi.Fault{Field: o.Problem.Field, Reason: o.Problem.Reason, Want: o.Problem.Want}
	}
	if o.Status == charging.Accepted {
		out.Price = &o.Price
	}
	return out
}

// eventID is the id as the sender wrote it, for its own reading of the answer.
func eventID(event oapi.UsageEvent) string {
	var named struct {
		ID any `json:"id"`
	}
	if json.Unmarshal(event, &named) != nil || named.ID == nil {
		return ""
	}
	return fmt.Sprint(named.ID)
}
