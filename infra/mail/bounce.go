package mail

import (
	"bufio"
	"bytes"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"net/textproto"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// letters of a return path: an address's local part may lose its case.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const returnMark = "bounce"

// ReturnPath is the address that a mail comes back to: it names the tenant and
// the message (at most 64 characters before the @, RFC 5321, 4.5.3.1.1).
func ReturnPath(domain string, id tenant.ID, message uuid.UUID) string {
	return returnMark + "-" + letters.EncodeToString(id[:]) + "-" + letters.EncodeToString(message[:]) + "@" + domain
}

// ReadReturnPath reads what ReturnPath has made.
func ReadReturnPath(address string) (id tenant.ID, message uuid.UUID, found bool) {
	local, _, _ := strings.Cut(strings.ToLower(strings.Trim(address, "<> ")), "@")
	parts := strings.Split(local, "-")
	if len(parts) != 3 || parts[0] != returnMark {
		return id, message, false
	}
	first, err1 := letters.DecodeString(parts[1])
	second, err2 := letters.DecodeString(parts[2])
	if err1 != nil || err2 != nil || len(first) != 16 || len(second) != 16 {
		return id, message, false
	}
	copy(id[:], first)
	copy(message[:], second)
	return id, message, true
}

// ErrNoReport means that a mail is no report of delivery.
var ErrNoReport = errors.New("the mail is no report of delivery (multipart/report, RFC 3464)")

// Returned is what a report says of one recipient.
type Returned struct {
	Recipient string
	Action    string // failed, delayed, delivered, relayed, expanded
	Status    string // such as 5.1.1
	Reason    string
	Original  string // the Message-ID of what was sent, as far as the report has it
}

// Final says whether the mail will never arrive.
func (r Returned) Final() bool {
	return r.Action == "failed" && !strings.HasPrefix(r.Status, "4.")
}

// maxReport bounds what is read of a report.
const maxReport = 1 << 20

// ReadReport reads a report of delivery.
func ReadReport(mail io.Reader) ([]Returned, error) {
	message, err := netmail.ReadMessage(io.LimitReader(mail, maxReport))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoReport, err)
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["boundary"] == "" {
		return nil, ErrNoReport
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	var found []Returned
	original, seen := "", false
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if seen { // cut off after what matters
				break
			}
			return nil, fmt.Errorf("%w: %w", ErrNoReport, err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		switch kind {
		case "message/delivery-status", "message/global-delivery-status":
			text, err := io.ReadAll(part)
			if err != nil && len(text) == 0 {
				return nil, fmt.Errorf("%w: %w", ErrNoReport, err)
			}
			found, seen = readStatus(text), true
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			if header, err := textproto.NewReader(bufio.NewReader(part)).ReadMIMEHeader(); len(header) > 0 || err == nil {
				original = strings.Trim(header.Get("Message-Id"), "<> ")
			}
		}
	}
	if len(found) == 0 {
		return nil, ErrNoReport
	}
	for i := range found {
		found[i].Original = original
	}
	return found, nil
}

// readStatus reads the groups of fields between empty lines: the first is of the
// message, each other one of a recipient.
func readStatus(text []byte) (found []Returned) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	for _, group := range strings.Split(string(text), "\n\n") {
		header, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimLeft(group, "\n") + "\n\n"))).ReadMIMEHeader()
		action := strings.ToLower(strings.TrimSpace(header.Get("Action")))
		if action == "" {
			continue
		}
		found = append(found, Returned{Recipient: typed(header.Get("Final-Recipient")), Action: action,
			Status: strings.TrimSpace(header.Get("Status")), Reason: strings.Join(strings.Fields(typed(header.Get("Diagnostic-Code"))), " ")})
	}
	return found
}

// typed is the value of a field such as "rfc822; somebody@example.net".
func typed(field string) string {
	if _, value, found := strings.Cut(field, ";"); found {
		return strings.TrimSpace(value)
	}
	return strings.TrimSpace(field)
}

// reportOf is what a report of a mail of ours says to billing.
func reportOf(message uuid.UUID, r Returned) notice.Report {
	reason := strings.TrimSpace(r.Status + " " + r.Reason)
	if reason == "" {
		reason = r.Action
	}
	return notice.Report{ID: message, Delivered: r.Action == "delivered", Final: r.Final(), Reason: reason}
}
