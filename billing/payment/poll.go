package payment

import (
	"context"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// Poll asks a provider about an intent whose callback has not come, and ends one
// whose time is over: the work of an agenda item. What it learned is to be
// applied by the caller as a webhook would be; EventIgnored: nothing.
func (t *Till) Poll(ctx context.Context, ref tenant.Ref, item agenda.Item) (ProviderEvent, error) {
	nothing := ProviderEvent{Kind: EventIgnored}
	var at polled
	if err := item.Read(&at); err != nil {
		return nothing, err
	}
	var i Intent
	err := t.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		i, err = GetIntent(ctx, tx, item.Ref)
		return err
	})
	if err != nil || i.State.Final() || i.ProviderRef == "" {
		return nothing, err
	}
	provider, err := t.provider(ref, i.Provider)
	if err != nil {
		return nothing, err
	}
	event, err := provider.Lookup(ctx, LookupRequest{Tenant: ref.ID, Sandbox: ref.Sandbox, Ref: i.ProviderRef})
	if err != nil {
		return nothing, err
	}
	if event.Kind != EventIgnored {
		return event, nil
	}
	return nothing, t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error { return pollNext(ctx, tx, i.ID, at.Times) })
}
