package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"tollhouse/provisioning"
)

// callError is a call that a service did not do.
type callError struct {
	Service service
	doing   string
	err     error
	before  bool // it failed before the service was asked: its answer, if any, was to something else
}

// Error is short: staff read it beside the reason.
func (e *callError) Error() string {
	if code := httpStatus(e.err); code != 0 {
		return strings.TrimSuffix(fmt.Sprintf("%s: %s: %d: %s", e.Service, e.doing, code, words(e.err)), ": ")
	}
	return fmt.Sprintf("%s: %s: %v", e.Service, e.doing, e.err)
}

func (e *callError) Unwrap() error { return e.err }

// status is the HTTP status with which a service answered what it was asked; 0 if
// it did not come to that.
func status(err error) int {
	if call := (*callError)(nil); errors.As(err, &call) && call.before {
		return 0
	}
	return httpStatus(err)
}

func httpStatus(err error) int {
	if answer := (gophercloud.ErrUnexpectedResponseCode{}); errors.As(err, &answer) {
		return answer.Actual
	}
	return 0
}

// words are what the cloud said, without the envelope it came in. The services
// do not agree on one.
func words(err error) string {
	answer := gophercloud.ErrUnexpectedResponseCode{}
	if !errors.As(err, &answer) {
		return ""
	}
	var envelope map[string]json.RawMessage
	if json.Unmarshal(answer.Body, &envelope) == nil {
		var message string
		if json.Unmarshal(envelope["message"], &message) == nil && message != "" {
			return brief(strings.ReplaceAll(message, "<br />", " "))
		}
		for _, inner := range envelope {
			var said struct{ Message string }
			if json.Unmarshal(inner, &said) == nil && said.Message != "" {
				return brief(said.Message)
			}
		}
	}
	return brief(string(answer.Body))
}

// longestWords bounds what is kept of the cloud's words.
const longestWords = 500

func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longestWords {
		return string(runes[:longestWords]) + " …"
	}
	return text
}

// plain gives an error of a call its reason in plain words.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if told := (*provisioning.Fault)(nil); errors.As(err, &told) {
		return err
	}
	call := (*callError)(nil)
	if !errors.As(err, &call) {
		return err
	}
	if said := words(err); said != "" {
		if reason, known := reasonFor(said); known {
			return provisioning.Because(reason, err)
		}
	}
	return provisioning.Because(reasonOf(call), err)
}

func reasonOf(call *callError) string {
	missing := (*gophercloud.ErrEndpointNotFound)(nil)
	again := (*gophercloud.ErrUnableToReauthenticate)(nil)
	if errors.As(call.err, &again) {
		if refused := httpStatus(again.ErrReauth); refused == http.StatusUnauthorized || refused == http.StatusForbidden {
			return "Keystone no longer accepts our credentials: see that the user or application credential is there and enabled."
		}
		return "Our token has ended and Keystone does not answer."
	}
	switch code := httpStatus(call.err); {
	case errors.As(call.err, &missing):
		return fmt.Sprintf("The cloud has no %s that we may use: its catalogue names none in this region.", call.Service)
	case call.Service == keystone && (code == http.StatusUnauthorized || code == http.StatusForbidden):
		return "Keystone does not accept our credentials."
	case code == http.StatusUnauthorized:
		return fmt.Sprintf("%s does not accept our token.", call.Service)
	case code == http.StatusForbidden:
		return fmt.Sprintf("%s does not allow us to do this: see the rights of our user.", call.Service)
	case code == http.StatusTooManyRequests:
		return fmt.Sprintf("%s asks us to wait.", call.Service)
	case code >= http.StatusInternalServerError:
		return fmt.Sprintf("%s has a fault of its own (%d).", call.Service, code)
	case code == http.StatusConflict:
		return fmt.Sprintf("%s is still at work on this.", call.Service)
	case code != 0:
		return fmt.Sprintf("%s refused this (%d).", call.Service, code)
	case errors.Is(call.err, context.Canceled):
		return "We stopped in the middle; it is taken up again."
	}
	return fmt.Sprintf("%s does not answer.", call.Service)
}

// reasons are the cloud's words that we understand, the most telling first. $1 is
// what its brackets found.
var reasons = []struct {
	words  *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`(?i)no valid host`), "No host of the cloud has room for this machine: choose a smaller size, or add hosts."},
	{regexp.MustCompile(`(?i)allowed gigabytes quota|VolumeSizeExceedsAvailableQuota`), "The project's quota for volume space is used up: have it raised, or free some."},
	{regexp.MustCompile(`(?i)maximum number of (\w+) allowed|VolumeLimitExceeded`), "The project's quota for volumes is used up: have it raised, or free some."},
	{regexp.MustCompile(`(?i)quota exceeded for resources: \[([^\]]+)\]`), "The project's quota for $1 is used up: have it raised, or free some."},
	{regexp.MustCompile(`(?i)quota exceeded for ([\w, -]+?)(?::|,? but|\.|$)`), "The project's quota for $1 is used up: have it raised, or free some."},
	{regexp.MustCompile(`(?i)quota exceeded|exceeds? (?:the )?quota|OverQuota|reached the limit`), "A quota of the project is used up: have it raised, or free some."},
	{regexp.MustCompile(`(?i)flavor[^.]*?\(?"?([\w.-]+)"?\)? could not be found`), "The cloud has no flavour $1."},
	{regexp.MustCompile(`(?i)image[^.]*?\(?"?([\w.-]+)"?\)? could not be found`), "The cloud has no image $1."},
	{regexp.MustCompile(`(?i)ports? still in use|is in use by|interfaces? .*in use|has active ports`), "Something that is not ours still uses the site's network: take it away, then try again."},
	{regexp.MustCompile(`(?i)no more IP addresses|IpAddressGeneration|ExternalIpAddressExhausted`), "The provider network has no free address left."},
	{regexp.MustCompile(`(?i)resources?\.(?:\w*boot|\w*data)\b.*error|volume.*(?:went to|in) (?:status )?.?error`), "Cinder could not make a volume."},
	{regexp.MustCompile(`(?i)keystone service is temporarily unavailable`), "The cloud's services do not reach Keystone."},
	{regexp.MustCompile(`(?i)engine went down`), "Heat was interrupted in the middle; the work can be resumed."},
	{regexp.MustCompile(`(?i)timed out|timeout`), "Heat gave up after the longest time we allow."},
	{regexp.MustCompile(`(?i)shrinking volume`), "A volume cannot be made smaller."},
}

// reasonFor turns the cloud's words into plain ones, where they are known.
func reasonFor(said string) (reason string, known bool) {
	for _, r := range reasons {
		found := r.words.FindStringSubmatch(said)
		if found == nil {
			continue
		}
		if len(found) == 1 {
			return r.reason, true
		}
		return strings.ReplaceAll(r.reason, "$1", strings.NewReplacer("'", "", `"`, "").Replace(found[1])), true
	}
	return "", false
}
