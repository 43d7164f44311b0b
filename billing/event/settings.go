package event

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"tollhouse/billing/tenant"
)

// Settings are the operator's for webhooks.
type Settings struct {
	Kept     bool           // events are kept
	Networks []netip.Prefix // private networks of its own that may be reached
}

// maxNetworks bounds the operator's list.
const maxNetworks = 20

// GetSettings reads them.
func GetSettings(ctx context.Context, tx tenant.Tx) (Settings, error) {
	var s Settings
	var texts []string
	err := tx.QueryRow(ctx, `select events_kept, webhook_networks from operator where id = 1`).Scan(&s.Kept, &texts)
	if err != nil {
		return s, fmt.Errorf("read settings of webhooks: %w", err)
	}
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return s, fmt.Errorf("read settings of webhooks: %w", err)
		}
		s.Networks = append(s.Networks, prefix)
	}
	return s, nil
}

// Networks reads which private networks webhooks may reach.
func Networks(ctx context.Context, tx tenant.Tx) ([]netip.Prefix, error) {
	s, err := GetSettings(ctx, tx)
	return s.Networks, err
}

// ParseNetworks reads addresses and networks, between spaces, commas or on
// lines of their own, each inside one that the host lets its operators reach.
func ParseNetworks(text string, reachable []netip.Prefix) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\r\n\t", r) }) {
		prefix, err := netip.ParsePrefix(part)
		if address, plain := netip.ParseAddr(part); err != nil && plain == nil {
			prefix, err = netip.PrefixFrom(address.Unmap().WithZone(""), address.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, &FieldError{"networks", "addresses or networks such as 10.20.0.0/16"}
		}
		prefix = prefix.Masked()
		inside := false
		for _, r := range reachable {
			inside = inside || r.Bits() <= prefix.Bits() && r.Contains(prefix.Addr())
		}
		if !inside {
			return nil, &FieldError{"networks", fmt.Sprintf("networks that this host lets operators reach (%s), which %s is not", named(reachable), prefix)}
		}
		list = append(list, prefix)
	}
	if len(list) > maxNetworks {
		return nil, &FieldError{"networks", "up to 20 networks"}
	}
	return list, nil
}

func named(reachable []netip.Prefix) string {
	if len(reachable) == 0 {
		return "none here"
	}
	texts := make([]string, len(reachable))
	for i, p := range reachable {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}

// PutSettings replaces them. Events stay kept while there is an endpoint.
func PutSettings(ctx context.Context, tx tenant.Tx, s Settings) error {
	texts := make([]string, len(s.Networks))
	for i, p := range s.Networks {
		texts[i] = p.String()
	}
	done, err := tx.Exec(ctx, `
		update operator
		   set events_kept = $1 or exists (select from webhook_endpoint), webhook_networks = $2
		 where id = 1`, s.Kept, texts)
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", done.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("write settings of webhooks: %w", err)
	}
	return nil
}
