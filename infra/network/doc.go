// Package network calls the elements of operators' networks back: it tells the
// asker of a charging session to ask for quotas anew, or that the session is
// over, with the ChargingNotifyRequest of 3GPP TS 32.291.
//
// It owns the call and where it may go. It does not own whether and when there
// is something to tell (billing/charging and the agenda).
//
// Always true:
//   - A call goes to an address that the operator's network gave, and to no
//     other: redirects are not followed.
//   - Private, loopback and link-local addresses are refused after the name was
//     resolved, unless the host is set up to call networks that are named.
package network
