package billing

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// courier sends what programs of others are to be told.
func (s *Stack) courier() event.Courier {
	return event.Courier{Sender: s.host.config.Programs, Seal: s.host.config.Seal, Write: s.Write, Read: s.Read, Alarm: s.endpointDisabled}
}

// Reachable are private networks that webhooks may be let to reach.
func (s *Stack) Reachable() []netip.Prefix { return s.host.config.Reachable }

// Sealer seals secrets of the host's tenants.
func (s *Stack) Sealer() event.Sealer { return s.host.config.Seal }

// disabledWords take the address, the operator, the reason and the page.
var disabledWords = map[string][2]string{
	"en": {"A webhook was disabled", "Webhooks to %[1]s were disabled in the console of %[2]s.\n\nReason: %[3]s.\n\nWhat was on its way is kept for 30 days. Mend the receiver, switch the endpoint on and replay what it has missed:\n%[4]s\n"},
	"id": {"Webhook dinonaktifkan", "Webhook ke %[1]s dinonaktifkan di konsol %[2]s.\n\nAlasan: %[3]s.\n\nYang belum terkirim disimpan 30 hari. Perbaiki penerima, aktifkan kembali titik akhir, lalu kirim ulang yang terlewat:\n%[4]s\n"},
	"ru": {"Вебхук отключён", "Вебхуки на %[1]s отключены в консоли %[2]s.\n\nПричина: %[3]s.\n\nНеотправленное хранится 30 дней. Исправьте приёмник, включите адрес и отправьте пропущенное повторно:\n%[4]s\n"},
}

// endpointDisabled is the alarm: in the log, in the audit, on the dashboard
// (which reads the endpoint), and by mail to the owners.
func (s *Stack) endpointDisabled(ctx context.Context, tx tenant.Tx, e event.Endpoint) error {
	s.host.config.Log.Warn("webhook endpoint disabled", "tenant", s.Ref.Name, "endpoint", e.ID, "reason", e.Reason)
	err := audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: "job:webhook_out", WallAt: s.host.config.Now()},
		Action: "webhook.disable", Object: "webhook_endpoint", ObjectID: e.ID, Detail: map[string]any{"url": e.URL, "reason": e.Reason}})
	if err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	owners, err := identity.Owners(ctx, tx)
	if err != nil {
		return err
	}
	var messages []notice.Message
	for _, o := range owners {
		words, known := disabledWords[o.Language]
		if !known {
			words = disabledWords["en"]
		}
		page := s.host.config.PublicURL + "/t/" + s.Ref.Name + "/console/webhooks/" + e.ID.String()
		messages = append(messages, notice.Message{Kind: notice.ProgramNews, Channel: notice.Mail, To: o.Email, Subject: words[0], Link: page,
			Body: fmt.Sprintf(words[1], e.URL, profile.Name, strings.TrimSuffix(e.Reason, "."), page)})
	}
	return notice.SendMany(ctx, tx, messages)
}
