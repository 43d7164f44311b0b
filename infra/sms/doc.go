// Package sms hands SMS to the gateway that an operator has set up, over HTTP.
//
// It owns the request and how its answer is read, both as the operator's
// settings say (notice.Gateway). It does not own the words, nor whether and when
// a message leaves (billing/notice and the agenda).
//
// Always true:
//   - The address is looked at when it is reached: private networks only where
//     the operator may, redirects are not followed.
//   - The secret stands in no error and no log.
//   - What the gateway refuses for good is not tried again; what it can't take
//     now is.
package sms
