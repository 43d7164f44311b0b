package onboarding

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Hidden stands where a secret is kept.
const Hidden = "(kept sealed)"

// sealedMark tells a sealed value from one as typed: no password may begin so.
const sealedMark = "sealed:"

func isSealed(field, value string) bool {
	return secretFields[field] && strings.HasPrefix(value, sealedMark)
}

// hidden is the order as it may be shown.
func (o Order) hidden() Order {
	o.Facts = maps.Clone(o.Facts)
	for field := range secretFields {
		if o.Facts[field] != "" {
			o.Facts[field] = Hidden
		}
	}
	return o
}

// sealName binds a secret to its order, so that it opens in no other.
func sealName(order uuid.UUID, field string) string { return "order/" + order.String() + "/" + field }

func (d *Desk) seal(tx tenant.Tx, order uuid.UUID, field, value string) (string, error) {
	sealed, err := d.sealer.Seal(tx.Tenant, sealName(order, field), []byte(value))
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", field, err)
	}
	return sealedMark + base64.RawStdEncoding.EncodeToString(sealed), nil
}

// ErrNoSecret means that a subscription has no such secret.
var ErrNoSecret = errors.New("no such secret")

// Secret opens a secret fact of a subscription, such as internet.password: the
// access server needs it in clear. One that took another's place by a change of
// plan has its secrets from the order that began the line.
func (d *Desk) Secret(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, field string) (string, error) {
	var order uuid.UUID
	var value string
	err := tx.QueryRow(ctx, lineOf+`
		select o.id, coalesce(o.facts ->> $2, '')
		  from line l
		  join product_order o on o.subscription_id = l.id`, subscription, field).Scan(&order, &value)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && !isSealed(field, value)) {
		return "", fmt.Errorf("%s of subscription %s: %w", field, subscription, ErrNoSecret)
	}
	if err != nil {
		return "", fmt.Errorf("read %s of subscription %s: %w", field, subscription, err)
	}
	sealed, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(value, sealedMark))
	if err != nil {
		return "", fmt.Errorf("read %s of subscription %s: %w", field, subscription, err)
	}
	clear, err := d.sealer.Open(tx.Tenant, sealName(order, field), sealed)
	if err != nil {
		return "", fmt.Errorf("open %s of subscription %s: %w", field, subscription, err)
	}
	return string(clear), nil
}
