package billing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// ErrSignature refuses a report whose signature is false, or for which no secret
// is set.
var ErrSignature = errors.New("the report is not signed by the gateway")

// ReceiveSMSReport keeps what a gateway reports of an SMS: signed over the bytes
// as sent. What is about none of ours, or says neither yes nor no, is ignored.
func (s *Stack) ReceiveSMSReport(ctx context.Context, signature string, body []byte) error {
	var settings notice.Settings
	var sealed []byte
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if settings, err = notice.GetSettings(ctx, tx); err != nil {
			return err
		}
		sealed, err = notice.Secret(ctx, tx, notice.ReceiptSecret)
		return err
	})
	if err != nil {
		return err
	}
	if len(sealed) == 0 || settings.SMS == nil || settings.SMS.Receipt == nil {
		return ErrSignature
	}
	secret, err := s.Unseal(notice.ReceiptSecret, sealed)
	if err != nil {
		return err
	}
	given, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(signature), "sha256="))
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return ErrSignature
	}
	report, found := readSMSReport(*settings.SMS.Receipt, body)
	if !found {
		return nil
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := notice.Note(ctx, tx, report)
		return err
	})
	if errors.Is(err, notice.ErrNotFound) {
		return nil
	}
	return err
}

func readSMSReport(r notice.Receipt, body []byte) (report notice.Report, found bool) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return report, false
	}
	id, status := fieldOf(fields, r.ID), fieldOf(fields, r.Status)
	report = notice.Report{Reference: id, Reason: "the gateway says " + status}
	if ours, err := uuid.Parse(id); err == nil {
		report.ID = ours
	}
	report.Delivered, report.Final = slices.Contains(r.Delivered, status), slices.Contains(r.Failed, status)
	return report, id != "" && (report.Delivered || report.Final)
}

// fieldOf is the text of a field of nested objects: "message.id".
func fieldOf(fields map[string]any, path string) string {
	first, rest, deeper := strings.Cut(path, ".")
	value := fields[first]
	if deeper {
		inner, _ := value.(map[string]any)
		return fieldOf(inner, rest)
	}
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(value)
}
